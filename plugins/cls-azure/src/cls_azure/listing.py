"""Names in the order of their characters, from a service that lists them in the order of their UTF-16 codes.

The two differ where a character beyond U+FFFF meets one from U+E000 on: it is the greater of them, and its first code,
a surrogate, is the lesser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any

_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_LAST = "\ud7ff"  # before all codes whose order is in question


def start_of(after: str) -> str:
    """From where to list, so that no name greater than *after* is left out."""
    found = re.search("[\ue000-\U0010ffff]", after)
    return after[: found.start()] + _LAST if found else after


def in_order(found: Iterable[Any], name: Callable[[Any], str] = attrgetter("name")) -> Iterator[Any]:
    """What was *found* in the order of UTF-16 codes, in that of its names' characters.

    Only names that share what stands before a character beyond U+FFFF wait for each other.
    """
    waiting: list[Any] = []
    shared = ""
    for each in found:
        called = name(each)
        if waiting and not _may_be_before(called, shared):
            yield from sorted(waiting, key=name)
            waiting = []
        if not waiting and (beyond := _BEYOND.search(called)):
            shared = called[: beyond.start()]
            waiting.append(each)
        elif waiting:
            waiting.append(each)
        else:
            yield each
    yield from sorted(waiting, key=name)


def _may_be_before(called: str, shared: str) -> bool:
    """Whether a name that is listed after one with a character beyond, which follows what is *shared*, may be less."""
    return called.startswith(shared) and called[len(shared) : len(shared) + 1] >= "\ue000"
