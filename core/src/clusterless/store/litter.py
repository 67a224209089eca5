"""Temporary files: how they are named, and which of them nobody will ever finish."""

from __future__ import annotations

import itertools
import os
import socket
from contextlib import suppress
from functools import cache

from clusterless.store.processes import is_gone

HIDDEN = ".tmp-"
"""No object's name begins so."""

_count = itertools.count()


def is_temporary(name: str) -> bool:
    return name.startswith(HIDDEN)


def new_name() -> str:
    """A name that says which process of which machine is writing."""
    return f"{HIDDEN}{_place()}-{os.getpid()}-{next(_count)}"


def remove_if_left(path: str) -> None:
    """Remove the temporary file *path* if its process was one of this machine and is gone."""
    place, _, pid = os.path.basename(path).removeprefix(HIDDEN).rpartition("-")[0].rpartition("-")
    if place == _place() and is_gone(pid):
        with suppress(OSError):
            os.unlink(path)


@cache
def _place() -> str:
    """This machine, and where process ids are counted on it: a container counts its own."""
    with suppress(OSError):
        return f"{socket.gethostname()}-{os.stat('/proc/self/ns/pid').st_ino}"
    return socket.gethostname()
