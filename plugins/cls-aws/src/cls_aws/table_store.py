"""A table's partitions, as what lies below ``glue://[catalog]/database/table/``: seen and removed like objects.

So what a manifest lists is found by whoever audits it. A partition's key is its folder, with a slash: as many of the
last parts of its location as it has values.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, NoReturn

from cls_aws.arcs import Table, table_at
from cls_aws.clients import client
from cls_aws.errors import asking
from clusterless.errors import ObjectMissingError, StoreRefusedError
from clusterless.model.placement import Placement
from clusterless.runtime.clock import SystemClock
from clusterless.store.api import Body, ObjectInfo, ObjectStore


def open_table(root: str, placement: Placement | None) -> ObjectStore:
    return TableStore(root, table_at(root), client("glue", placement))


class TableStore(ObjectStore):
    """The partitions of *table*, which are of no bytes; nothing can be written here."""

    def __init__(self, root: str, table: Table, glue: Any) -> None:
        self.root = root
        self._table = table
        self._glue = glue

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        found = sorted(map(_info, self._partitions()), key=lambda info: info.key)
        return (info for info in found if info.key.startswith(prefix) and info.key > after)

    def head(self, key: str) -> ObjectInfo:
        return _info(self._found(key))

    def get(self, key: str) -> bytes:
        self._found(key)
        return b""

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))

    def delete(self, key: str) -> None:
        try:
            values = self._found(key)["Values"]
        except ObjectMissingError:
            return
        with asking(f"the table {self._table.label}"):
            self._glue.delete_partition(**self._table.request, TableName=self._table.name, PartitionValues=values)

    def put(self, key: str, body: Body) -> None:
        self._refuse(key)

    def create(self, key: str, body: Body) -> None:
        self._refuse(key)

    def now(self) -> datetime:
        return SystemClock().now()  # Glue does not tell its own, and nothing is decided by it

    def _found(self, key: str) -> Any:
        for partition in self._partitions():
            if _key(partition) == key:
                return partition
        msg = f"there is no partition {self.root}{key}"
        raise ObjectMissingError(msg)

    def _partitions(self) -> Iterator[Any]:
        pages = self._glue.get_paginator("get_partitions")
        with asking(f"the table {self._table.label}"):
            for page in pages.paginate(**self._table.request, TableName=self._table.name):
                yield from page["Partitions"]

    def _refuse(self, key: str) -> NoReturn:
        msg = f"{self.root}{key} cannot be written: a table has partitions, and no objects"
        raise StoreRefusedError(msg, hint="use aws:core:glueAddPartitionsArc, which adds partitions")


def _key(partition: Any) -> str:
    folders = partition["StorageDescriptor"]["Location"].rstrip("/").split("/")
    return "/".join(folders[-len(partition["Values"]) :]) + "/"


def _info(partition: Any) -> ObjectInfo:
    made = partition.get("CreationTime") or datetime.fromtimestamp(0, UTC)
    return ObjectInfo(_key(partition), 0, "/".join(partition["Values"]), made)
