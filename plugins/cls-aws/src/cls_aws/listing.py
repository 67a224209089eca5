"""Listing a bucket in order of key, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any

Found = Mapping[str, Any]
Ask = Callable[..., Mapping[str, Any]]
"""Asks for a page: ``list_objects_v2`` of one bucket."""

_BY_FOLDER = "SeaweedFS"


def listed(ask: Ask, prefix: str, after: str) -> Iterator[Found]:
    """The objects whose key begins with *prefix* and is greater than *after*, in order of key; a page at a time."""
    wanted = {"Prefix": prefix} | ({"StartAfter": after} if after else {})
    page = ask(**wanted)
    if _server(page).startswith(_BY_FOLDER):
        yield from _walk(ask, prefix, after)
        return
    yield from page.get("Contents", ())
    while page.get("IsTruncated"):
        page = ask(**wanted, ContinuationToken=page["NextContinuationToken"])
        yield from page.get("Contents", ())


# ---- servers that keep folders, and list what is in ``a/`` before ``a-b`` ----------------------------------------


def _walk(ask: Ask, prefix: str, after: str) -> Iterator[Found]:
    for key, found in _in_order(_level(ask, prefix)):
        if found is not None:
            if key > after:
                yield found
        elif key > after or after.startswith(key):
            yield from _walk(ask, key, after)


def _in_order(level: Iterator[tuple[str, Found | None]]) -> Iterator[tuple[str, Found | None]]:
    """A *level* that is in order of name, in order of key: names of folders end with a slash there."""
    waiting: list[tuple[str, int, Found | None]] = []
    for number, (key, found) in enumerate(level):
        name = key.removesuffix("/")
        while waiting and waiting[0][0] <= name:
            yield _first(waiting)
        heappush(waiting, (key, number, found))
    while waiting:
        yield _first(waiting)


def _first(waiting: list[tuple[str, int, Found | None]]) -> tuple[str, Found | None]:
    key, _, found = heappop(waiting)
    return key, found


def _level(ask: Ask, prefix: str) -> Iterator[tuple[str, Found | None]]:
    """What begins with *prefix* up to the next slash: objects, and folders, which are None."""
    more: dict[str, str] = {}
    while True:
        page = ask(Prefix=prefix, Delimiter="/", **more)
        entries: dict[str, Found | None] = {
            each["Key"]: each for each in page.get("Contents", ()) if not _is_empty(each)
        }
        entries |= {each["Prefix"]: None for each in page.get("CommonPrefixes", ())}
        for key in sorted(entries, key=lambda key: key.removesuffix("/")):
            yield key, entries[key]
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def _is_empty(found: Found) -> bool:
    """Whether it is a folder that everything was deleted from."""
    return bool(found["Key"].endswith("/") and not found.get("ETag", "").strip('"'))


def _server(page: Mapping[str, Any]) -> str:
    return str(page["ResponseMetadata"]["HTTPHeaders"].get("server", ""))
