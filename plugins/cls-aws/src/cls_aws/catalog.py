"""``aws:core:glueDatabase`` and ``aws:core:glueTable``: made if they are not there."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from cls_aws.clients import client
from cls_aws.components import GlueColumn, GlueDatabase, GlueTable
from cls_aws.errors import asking, code
from cls_aws.tags import tags
from clusterless.engine.references import referred
from clusterless.errors import InvalidValueError
from clusterless.provider import Surroundings

_log = logging.getLogger(__name__)

_TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"


@frozen
class _Format:
    """How the catalog has a format read: the classes of its *input*, *output* and rows."""

    rows: str
    input: str = _TEXT_IN
    output: str = _TEXT_OUT
    classification: str = ""
    delimiter: str = ""


_FORMATS = {
    "parquet": _Format(
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "parquet",
    ),
    "orc": _Format(
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "orc",
    ),
    "csv": _Format("org.apache.hadoop.hive.serde2.OpenCSVSerde", classification="csv"),
    "tsv": _Format("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", classification="csv", delimiter="\t"),
    "json": _Format("org.openx.data.jsonserde.JsonSerDe", classification="json"),
    "cloudtrail_logs": _Format(
        "com.amazon.emr.hive.serde.CloudTrailSerde", "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
    ),
    "apache_logs": _Format("org.apache.hadoop.hive.serde2.RegexSerDe"),
}


def make_database(resource: GlueDatabase, surroundings: Surroundings) -> None:
    """Make the database if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    from botocore.exceptions import ClientError

    glue = client("glue", surroundings.placement)
    marks = {**tags(surroundings.project, surroundings.placement), **resource.tags}
    with asking(f"the Glue database {resource.database_name}"):
        try:
            glue.create_database(DatabaseInput={"Name": resource.database_name}, Tags=marks)
        except ClientError as error:
            if code(error.response) != "AlreadyExistsException":
                raise


def make_table(resource: GlueTable, surroundings: Surroundings) -> None:
    """Make the table if it is not there; one that lies elsewhere stays as it is, and that is told.

    Raises:
        InvalidValueError: its ``databaseRef`` names no database of the project.
        StoreRefusedError: it may not be made.
    """
    from botocore.exceptions import ClientError

    glue, database = client("glue", surroundings.placement), database_of(resource, surroundings)
    called = f"{database}.{resource.table_name}"
    with asking(f"the Glue table {called}"):
        try:
            glue.create_table(DatabaseName=database, TableInput=table_input(resource))
        except ClientError as error:
            if code(error.response) != "AlreadyExistsException":
                raise
            found = glue.get_table(DatabaseName=database, Name=resource.table_name)["Table"]
            location = found.get("StorageDescriptor", {}).get("Location", "")
            if location.rstrip("/") != resource.path_uri.rstrip("/"):
                _log.warning("the Glue table %s is at %s, not at %s", called, location, resource.path_uri)


def database_of(table: GlueTable, surroundings: Surroundings) -> str:
    """The name of the database that a table refers to."""
    found = referred(table.database_ref, surroundings.resources)
    if not isinstance(found, GlueDatabase):
        msg = f"{table.name}: databaseRef {table.database_ref!r} is not a database but {found.type}"
        raise InvalidValueError(msg)
    return found.database_name


def table_input(table: GlueTable) -> dict[str, Any]:
    """The table as Glue's CreateTable takes it."""
    form = _FORMATS[table.schema.data_format.lower()]
    settings = {"serialization.format": "1"}
    if form.delimiter:
        settings |= {"field.delim": form.delimiter}
    described = {"Description": table.description} if table.description else {}
    return {
        "Name": table.table_name,
        **described,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **({"classification": form.classification} if form.classification else {})},
        "PartitionKeys": _columns(table.schema.partitions),
        "StorageDescriptor": {
            "Columns": _columns(table.schema.columns),
            "Location": table.path_uri,
            "InputFormat": form.input,
            "OutputFormat": form.output,
            "SerdeInfo": {"SerializationLibrary": form.rows, "Parameters": settings},
        },
    }


def _columns(columns: Iterable[GlueColumn]) -> list[dict[str, str]]:
    return [
        {"Name": each.name, "Type": each.type, **({"Comment": each.comment} if each.comment else {})}
        for each in columns
    ]
