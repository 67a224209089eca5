"""How the resources, copies and notifiers of Azure are declared; imports no SDK."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import ClassVar

from attrs import field, frozen

from cls_azure.names import check_container, check_marks, check_queue, parse_queue
from clusterless.errors import InvalidValueError
from clusterless.model.element import Resource
from clusterless.model.notifier import Notifier
from clusterless.runtime.bucket_copy import BucketCopyArc

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOPIC = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[\w./-]*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/[\w./-]*)?")


# ---- resources -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class BlobContainer(Resource):
    """A container that is closed to the public, in the placement's storage account."""

    container_name: str = field()
    remove_on_destroy: bool = False
    metadata: Mapping[str, str] = field(factory=dict)

    @container_name.validator
    def _is_a_container(self, _: object, name: str) -> None:
        check_container(name)

    @metadata.validator
    def _is_taken(self, _: object, metadata: Mapping[str, str]) -> None:
        check_marks(metadata)


@frozen(kw_only=True)
class StorageQueue(Resource):
    """A queue, such as one for a ``storageQueueNotifier``, or one that Event Grid tells of new blobs."""

    queue_name: str = field()
    remove_on_destroy: bool = False
    metadata: Mapping[str, str] = field(factory=dict)

    @queue_name.validator
    def _is_a_queue(self, _: object, name: str) -> None:
        check_queue(name)

    @metadata.validator
    def _is_taken(self, _: object, metadata: Mapping[str, str]) -> None:
        check_marks(metadata)


# ---- arcs ------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class BlobCopyArc(BucketCopyArc):
    """Copies the objects of its source lots to every sink, a place in a container; Azure does it inside an account.

    Raises:
        InvalidValueError: a sink is elsewhere.
    """

    SCHEME: ClassVar[str] = "az"


# ---- notifiers -------------------------------------------------------------------------------------------------


class Form(enum.Enum):
    """What a message is."""

    EVENT = "event"  # as in the queues of the placement's own subscribers
    CLOUD_EVENT = "cloudEvent"  # CloudEvents 1.0, in structured mode


@frozen(kw_only=True)
class StorageQueueNotifier(Notifier):
    """Puts each event into a queue, in base64, as Event Grid does and triggers of functions expect it.

    ``queue`` is the name of one in the placement's account, or ``https://ACCOUNT.queue.core.windows.net/NAME``.
    """

    queue: str = field()
    form: Form = Form.EVENT

    @queue.validator
    def _is_a_queue(self, _: object, text: str) -> None:
        parse_queue(text)


@frozen(kw_only=True)
class EventGridNotifier(Notifier):
    """Posts each event to a topic of Event Grid, in CloudEvents 1.0, which the topic's input schema must be.

    ``keyEnv`` names the environment variable that holds the topic's key. Without it, an identity that the SDK
    finds is used, which needs the role *EventGrid Data Sender*.
    """

    endpoint: str = field()
    key_env: str | None = field(default=None)

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.key_env,) if self.key_env else ()

    @endpoint.validator
    def _is_a_topic(self, _: object, url: str) -> None:
        if not _TOPIC.fullmatch(url):  # it is not repeated: a key may have been written into it
            msg = "not the endpoint of a topic: use one such as 'https://TOPIC.REGION-1.eventgrid.azure.net/api/events'"
            raise InvalidValueError(msg, hint="a key goes into an environment variable, which 'keyEnv' names")

    @key_env.validator
    def _is_a_variable(self, _: object, name: str | None) -> None:
        if name is not None and not _VARIABLE.fullmatch(name):  # what stands here may be the key itself
            msg = "not the name of an environment variable: use letters, digits and _, such as 'TOPIC_KEY'"
            raise InvalidValueError(msg)
