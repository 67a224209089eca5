"""What is in a folder: the files that may arrive, and when they last changed."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator

from clusterless.engine.strays import is_passed_over

_log = logging.getLogger(__name__)


def is_key(key: str) -> bool:
    """Whether *key* can be an object's; says so in the log if not, since that file will never arrive."""
    try:
        key.encode()
    except UnicodeEncodeError:
        _log.warning("the file %a does not arrive, since its name is not UTF-8; rename it", key)
        return False
    return True


def scan(root: str, below: str = "", since: int | None = None) -> Iterator[tuple[str, int]]:
    """The key and change time (ns) of each file below the folder *below* of *root*, links not followed.

    Only those changed at *since* or later, if it is given; in folders that look as if they
    were moved in since, all (their files' times do not tell).

    Raises:
        OSError: a folder could not be read.
    """
    folders = [(below, since)]
    while folders:
        folder, cutoff = folders.pop()
        for name, found in _entries(os.path.join(root, folder)):
            key = f"{folder}/{name}" if folder else name
            if stat.S_ISDIR(found.st_mode):
                folders.append((key, None if _was_moved(found, cutoff) else cutoff))
            elif stat.S_ISREG(found.st_mode) and _is_since(found, cutoff) and is_key(key):
                yield key, found.st_ctime_ns


def _entries(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return  # gone, or replaced by a file, since it was seen
    with entries:
        for entry in entries:
            if is_passed_over(entry.name):
                continue
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def _is_since(found: os.stat_result, cutoff: int | None) -> bool:
    return cutoff is None or found.st_ctime_ns >= cutoff


def _was_moved(found: os.stat_result, cutoff: int | None) -> bool:
    # Moving a folder sets its change time alone; a file put in it sets both times alike.
    return _is_since(found, cutoff) and found.st_ctime_ns != found.st_mtime_ns
