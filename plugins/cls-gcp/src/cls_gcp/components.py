"""How the resources, arcs and notifiers of Google Cloud are declared; imports no SDK."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import ClassVar

from attrs import Factory, field, frozen

from cls_gcp.names import check_bucket, parse_topic
from clusterless.model.element import Resource
from clusterless.model.notifier import Notifier
from clusterless.runtime.bucket_copy import BucketCopyArc

# ---- resources -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class GcsBucket(Resource):
    """A bucket that is closed to the public, in the placement's location."""

    bucket_name: str = field()
    versioned: bool = False
    remove_on_destroy: bool = False
    labels: Mapping[str, str] = Factory(dict)

    @bucket_name.validator
    def _is_a_bucket(self, _: object, name: str) -> None:
        check_bucket(name)


@frozen(kw_only=True)
class PubSubTopic(Resource):
    """A topic, such as one for a ``pubSubNotifier`` to publish to."""

    topic_name: str = field()
    remove_on_destroy: bool = False
    labels: Mapping[str, str] = Factory(dict)

    @topic_name.validator
    def _is_a_topic(self, _: object, name: str) -> None:
        parse_topic(f"projects/any/topics/{name}", None)


# ---- arcs ------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class GcsCopyArc(BucketCopyArc):
    """Copies the objects of its source lots to every sink, a place in a bucket; the service does it where it has both.

    Raises:
        InvalidValueError: a sink is elsewhere.
    """

    SCHEME: ClassVar[str] = "gs"


# ---- notifiers -------------------------------------------------------------------------------------------------


class Form(enum.Enum):
    """What a message is."""

    EVENT = "event"  # as on the placement's own topic
    CLOUD_EVENT = "cloudEvent"  # CloudEvents 1.0, in structured mode


@frozen(kw_only=True)
class PubSubNotifier(Notifier):
    """Publishes each event to a topic; subscriptions to it may be filtered by the attribute ``datasetId``."""

    topic: str = field()
    form: Form = Form.EVENT

    @topic.validator
    def _is_a_topic(self, _: object, name: str) -> None:
        parse_topic(name, None)
