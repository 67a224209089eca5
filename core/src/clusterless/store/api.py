"""What an object store must do; all else is made of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import IO, BinaryIO

from attrs import frozen

Body = bytes | IO[bytes]
"""What is written: bytes, or a file at the position to read from."""


@frozen
class ObjectInfo:
    """An object without its bytes; *time* is the store's, *size* in bytes, *etag* changes with the content."""

    key: str
    size: int
    etag: str
    time: datetime


class ObjectStore(ABC):
    """Objects below one root URI, by key.

    Assumed of it (and raced by ``cls doctor``): `create` of one key has exactly
    one winner, and a read or a list after an answered write sees that write.

    Keys are relative to `root`, use ``/``, and are never empty, absolute, or
    hold ``.`` or ``..`` segments (`StoreRefusedError`). Every method raises
    `StoreUnavailableError` when the store did not answer (a write may then
    have happened) and `StoreRefusedError` when it said no.
    """

    root: str
    """A URI that ends with a slash."""

    batch: int = 1
    """How many objects one thread had better write `together`; 1 where each waits for an answer of its own."""

    @abstractmethod
    def get(self, key: str) -> bytes:
        """The whole object.

        Raises:
            ObjectMissingError: there is none.
        """

    @abstractmethod
    def open(self, key: str) -> BinaryIO:
        """The object as a stream, which the caller closes.

        Raises:
            ObjectMissingError: there is none.
        """

    @abstractmethod
    def head(self, key: str) -> ObjectInfo:
        """The object without its bytes.

        Raises:
            ObjectMissingError: there is none.
        """

    @abstractmethod
    def put(self, key: str, body: Body) -> None:
        """Write the object, whole or not at all, over any that is there."""

    @abstractmethod
    def create(self, key: str, body: Body) -> None:
        """Write the object, whole or not at all, if there is none; exactly one creator wins.

        Raises:
            ObjectExistsError: there is one.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; none there is no error."""

    @abstractmethod
    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """The objects whose key begins with *prefix* and is greater than *after*, in order of key.

        Lazy: a reader that stops early does not pay for the rest.
        """

    def list_keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """As `list`, of the keys alone; stores override it where these are had for less."""
        return (info.key for info in self.list(prefix, after))

    @abstractmethod
    def now(self) -> datetime:
        """The store's own time (aware), from its latest answers where that costs no request."""

    def together(self) -> AbstractContextManager[None]:
        """What this thread writes inside is there for good when the context ends, and need not be before."""
        return nullcontext()

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        """Write *source*'s object here; stores override it where the service can copy by itself.

        Raises:
            ObjectMissingError: the source object is not there.
        """
        with source.open(source_key) as stream:
            self.put(key, stream)
