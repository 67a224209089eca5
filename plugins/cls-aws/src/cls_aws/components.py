"""How the resources and notifiers of AWS are declared (FORMATS 6.2 to 6.6); imports no SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import Attribute, Factory, field, frozen
from attrs.validators import matches_re

from cls_aws.arn import arn_of, check_bucket
from clusterless.errors import InvalidValueError
from clusterless.model.element import Resource
from clusterless.model.notifier import Notifier

FORMATS = ("parquet", "csv", "tsv", "json", "orc", "cloudtrail_logs", "apache_logs")

_GLUE_NAME = re.compile(r"[a-z0-9_-]{1,255}")
_LOCATION = re.compile(r"s3://[^/]+/.+")

# ---- resources -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class S3Bucket(Resource):
    """A bucket that nobody can read without being allowed to, encrypted, and reached by TLS only.

    With ``enableEventBridge`` it tells EventBridge's default bus of its objects, which is how a boundary hears of them.
    """

    bucket_name: str = field()
    versioned: bool = False
    enable_event_bridge: bool = True
    remove_on_destroy: bool = False
    tags: Mapping[str, str] = Factory(dict)

    @bucket_name.validator
    def _is_a_bucket(self, _: object, name: str) -> None:
        check_bucket(name)


@frozen(kw_only=True)
class ComputeEnvironment(Resource):
    """Where AWS Batch runs containers; `cls run` does not make it, and works its arcs on an engine of this machine."""

    compute_environment_name: str = field(validator=matches_re(re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")))


@frozen(kw_only=True)
class EventBus(Resource):
    """An event bus, such as one for an ``eventBridgeNotifier`` to announce on."""

    event_bus_name: str = field(validator=matches_re(re.compile(r"[A-Za-z0-9._-]{1,256}")))


@frozen(kw_only=True)
class SqsQueue(Resource):
    """A queue, such as one for an ``sqsNotifier`` to send to; encrypted, its messages are kept for 14 days."""

    queue_name: str = field(validator=matches_re(re.compile(r"[A-Za-z0-9_-]{1,75}(\.fifo)?")))
    remove_on_destroy: bool = False
    tags: Mapping[str, str] = Factory(dict)


def _is_a_glue_name(_: object, attribute: Attribute[Any], name: str) -> None:
    if not _GLUE_NAME.fullmatch(name):
        msg = f"{name!r} is not a {attribute.name}: use up to 255 of a-z 0-9 _ and -"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class GlueDatabase(Resource):
    """A database of the Glue catalog, to which a table refers by ``databaseRef``."""

    database_name: str = field(validator=_is_a_glue_name)
    remove_on_destroy: bool = False
    tags: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class GlueColumn:
    """A column, or a partition key; *type* is the catalog's, such as ``string`` or ``bigint``."""

    name: str
    type: str
    comment: str | None = None


@frozen(kw_only=True)
class GlueSchema:
    columns: tuple[GlueColumn, ...] = ()
    partitions: tuple[GlueColumn, ...] = ()
    data_format: str = field()

    @data_format.validator
    def _is_known(self, _: object, name: str) -> None:
        if name.lower() not in FORMATS:
            msg = f"{name!r} is not a format that a table can have: use {', '.join(FORMATS)}"
            raise InvalidValueError(msg)


@frozen(kw_only=True)
class GlueTable(Resource):
    """A table of the Glue catalog over the objects at a location in a bucket."""

    database_ref: str
    table_name: str = field(validator=_is_a_glue_name)
    description: str | None = None
    schema: GlueSchema
    path_uri: str = field()
    remove_on_destroy: bool = False
    tags: Mapping[str, str] = Factory(dict)

    @path_uri.validator
    def _is_in_a_bucket(self, _: object, uri: str) -> None:
        if not _LOCATION.fullmatch(uri):
            msg = f"{uri!r} is no location in a bucket: use one such as 's3://bucket/table/'"
            raise InvalidValueError(msg)


# ---- notifiers -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class SnsNotifier(Notifier):
    """Publishes each event to a topic: the message is what the placement's own events have as their detail."""

    topic_arn: str = field(validator=arn_of("sns", ""))


@frozen(kw_only=True)
class SqsNotifier(Notifier):
    """Sends each event to a queue: the message is what the placement's own events have as their detail."""

    queue_arn: str = field(validator=arn_of("sqs", ""))


@frozen(kw_only=True)
class EventBridgeNotifier(Notifier):
    """Puts each event on another bus, of this account or another's, in the form of the placement's own."""

    event_bus_arn: str = field(validator=arn_of("events", "event-bus/"))
