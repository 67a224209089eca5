"""A part of a store, seen as a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from attrs import evolve

from clusterless import layout
from clusterless.store.api import Body, ObjectInfo, ObjectStore


class Rooted(ObjectStore):
    """What of *store* lies below *root*, a URI below its own."""

    def __init__(self, store: ObjectStore, root: str) -> None:
        self.root = root
        self._store = store
        self._path = layout.key(store.root, root)

    def get(self, key: str) -> bytes:
        return self._store.get(self._path + key)

    def open(self, key: str) -> BinaryIO:
        return self._store.open(self._path + key)

    def head(self, key: str) -> ObjectInfo:
        return self._named(self._store.head(self._path + key))

    def put(self, key: str, body: Body) -> None:
        self._store.put(self._path + key, body)

    def create(self, key: str, body: Body) -> None:
        self._store.create(self._path + key, body)

    def delete(self, key: str) -> None:
        self._store.delete(self._path + key)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        for info in self._store.list(self._path + prefix, self._path + after):
            yield self._named(info)

    def now(self) -> datetime:
        return self._store.now()

    def _named(self, info: ObjectInfo) -> ObjectInfo:
        return evolve(info, key=info.key.removeprefix(self._path))
