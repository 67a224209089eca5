"""Files that are whole or not there, and stay once they are: what the operating system must be asked for that."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from clusterless.store.api import Body

_CHUNK = 1 << 20
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def make_folder(folder: str) -> None:
    """Make a folder durably, with those above it.

    Raises:
        FileNotFoundError: one above was pruned meanwhile.
    """
    if not os.path.isdir(folder):
        above = os.path.dirname(folder)
        make_folder(above)
        with suppress(FileExistsError):
            os.mkdir(folder)
        sync(above)


def write(file: BinaryIO, body: Body) -> None:
    """Write *body*, and wait for the disk."""
    if isinstance(body, bytes):
        file.write(body)
    else:
        shutil.copyfileobj(body, file, _CHUNK)
    file.flush()
    os.fsync(file.fileno())


def give_name(temporary: str, path: str) -> None:
    """Give the file the name *path* (too), if that is free; exactly one of those who try at once succeeds.

    Raises:
        FileExistsError: it is not.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        # A network file system may have lost its answer and asked again.
        if os.stat(temporary).st_nlink == 1:
            raise
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        _move(temporary, path)


def _move(temporary: str, path: str) -> None:
    """As `give_name`, for file systems without links: those who want a name in one folder go one by one."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if os.path.lexists(path):
            raise FileExistsError(path)
        os.rename(temporary, path)
    finally:
        os.close(folder)


def sync(folder: str) -> None:
    """Make the names in *folder* durable; one that was pruned since has none to keep."""
    with suppress(FileNotFoundError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as exc:
            if exc.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:  # a file system that knows no such thing
                raise
        finally:
            os.close(fd)
