"""How the arcs of AWS that need no function of ours are declared (FORMATS 6.9, 6.11, and Athena)."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from attrs import Attribute, Factory, field, frozen

from clusterless.errors import InvalidValueError, cut
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.runtime_props import FunctionProps
from clusterless.runtime.bucket_copy import BucketCopyArc, check_sinks, function_props
from clusterless.runtime.contract import check_command

_SHOWN = 60


# ---- aws:core:s3CopyArc ----------------------------------------------------------------------------------------


@frozen(kw_only=True)
class S3CopyArc(BucketCopyArc):
    """Copies the objects of its source lots to every sink, a place in a bucket; S3 does it where it has both.

    Raises:
        InvalidValueError: a sink is elsewhere.
    """

    SCHEME: ClassVar[str] = "s3"


# ---- aws:core:glueAddPartitionsArc -----------------------------------------------------------------------------


class PartitionType(enum.Enum):
    NAMED = "named"  # name=value
    VALUE = "value"


class PartitionResults(enum.Enum):
    """What the sink's manifest lists: the table alone, or partitions of it."""

    NONE = "none"
    ALL = "all"
    ADDED = "added"


@frozen(kw_only=True)
class GluePartitionsProps:
    """``partitionType``: a folder's name gives the value after the ``namedPartitionDelimiter``, or as it is."""

    partition_type: PartitionType = PartitionType.NAMED
    named_partition_delimiter: str = "="
    partition_results: PartitionResults = PartitionResults.ADDED


@frozen(kw_only=True)
class GluePartitionsSettings(WorkloadSettings):
    workload_props: GluePartitionsProps = Factory(GluePartitionsProps)  # type: ignore[assignment]
    runtime_props: FunctionProps = Factory(function_props)


@frozen(kw_only=True)
class GlueAddPartitionsArc(Arc):
    """Adds the folders of its source lots to the tables that are its sinks, ``glue://[catalog]/database/table``.

    Raises:
        InvalidValueError: a sink is no table.
    """

    workload: GluePartitionsSettings = Factory(GluePartitionsSettings)

    def __attrs_post_init__(self) -> None:
        check_sinks(self, "glue", "glue:///database/table/")
        for sink in self.sinks.values():
            table_at(sink.path_uri)


@frozen(kw_only=True)
class Table:
    """A table of Glue's; *catalog* is another account's, or None."""

    catalog: str | None
    database: str
    name: str

    @property
    def request(self) -> Mapping[str, str]:
        """What every request about it begins with."""
        catalog = {"CatalogId": self.catalog} if self.catalog else {}
        return {**catalog, "DatabaseName": self.database}

    @property
    def label(self) -> str:
        """What people are told of it by."""
        return f"{self.database}.{self.name}"


def table_at(path_uri: str) -> Table:
    """The table at ``glue://[catalog]/database/table``.

    Raises:
        InvalidValueError: its location names none.
    """
    parts = urlsplit(path_uri)
    names = parts.path.strip("/").split("/")
    if len(names) != 2 or not all(names):
        msg = f"{cut(path_uri, _SHOWN)} names no table: write glue://[catalog]/database/table"
        raise InvalidValueError(msg)
    return Table(catalog=parts.netloc or None, database=names[0], name=names[1])


# ---- aws:core:athenaQueryArc -----------------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
_WRITES = re.compile(r"\s*(insert|create|drop|alter|delete|update|merge|unload|truncate)\b", re.IGNORECASE)


class QueryKind(enum.Enum):
    CTAS = "ctas"  # a new table of each lot, at the sink's location
    INSERT = "insert"  # rows added to a table


class TableFormat(enum.Enum):
    PARQUET = "PARQUET"
    ORC = "ORC"
    AVRO = "AVRO"
    JSON = "JSON"
    TEXTFILE = "TEXTFILE"


def _is_identifier(_: object, attribute: Attribute[str], value: str) -> None:
    if value and not _IDENTIFIER.fullmatch(value):
        msg = f"{cut(repr(value), _SHOWN)} is no {attribute.name}: use letters, digits, _ and -"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class AthenaProps:
    """``select`` is the query, with a ``?`` for each of the ``parameters``, which Athena binds.

    A parameter is a value as SQL writes it, such as ``7`` or ``'x'``, or selects a text, such as
    ``$.arcNotifyEvent.lot``, which is bound as one. ``outputLocation`` is where Athena puts its own results, unless
    its ``workGroup`` says that.
    """

    kind: QueryKind = QueryKind.CTAS
    select: str = field(default="")
    parameters: tuple[str, ...] = field(default=(), validator=check_command)
    catalog: str = field(default="AwsDataCatalog", validator=_is_identifier)
    database: str = field(default="", validator=_is_identifier)
    table: str = field(default="", validator=_is_identifier)
    format: TableFormat = TableFormat.PARQUET
    work_group: str = field(default="primary", validator=_is_identifier)
    output_location: str | None = None

    @select.validator
    def _reads(self, _: object, select: str) -> None:
        if _WRITES.match(select):
            msg = "'select' writes: give the query alone, what it is to do with the rows is 'kind'"
            raise InvalidValueError(msg)


@frozen(kw_only=True)
class AthenaSettings(WorkloadSettings):
    workload_props: AthenaProps = Factory(AthenaProps)  # type: ignore[assignment]  # typed props instead of free ones
    timeout_sec: float = 3600


@frozen(kw_only=True)
class AthenaQueryArc(Arc):
    """Has Athena make of each lot a table at its sink's location (``ctas``), or rows of a table there (``insert``).

    Raises:
        InvalidValueError: it has not exactly one sink, in a bucket, or a part of the query is missing.
    """

    workload: AthenaSettings = Factory(AthenaSettings)

    def __attrs_post_init__(self) -> None:
        if len(self.sinks) != 1:
            msg = f"{self.name} has {len(self.sinks)} sinks: a query has one result"
            raise InvalidValueError(msg)
        check_sinks(self, "s3", "s3://bucket/table/")
        props = self.workload.workload_props
        missing = [name for name in ("select", "database", "table") if not getattr(props, name).strip()]
        if missing:
            msg = f"{self.name} lacks {' and '.join(repr(name) for name in missing)} in its workloadProps"
            raise InvalidValueError(msg)
