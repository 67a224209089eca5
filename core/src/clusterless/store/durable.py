"""Files that are whole or not there, and stay once they are: what the operating system must be asked for that."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CHUNK = 1 << 20
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def make_folder(folder: str, sync: Callable[[str], None], mkdir: Callable[[str], None]) -> None:
    """Make a folder, by *mkdir*, with those above it, each in a folder that *sync* makes durable.

    Raises:
        FileNotFoundError: one above was pruned meanwhile.
    """
    above = os.path.dirname(folder)
    try:
        mkdir(folder)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_folder(above, sync, mkdir)
        with suppress(FileExistsError):
            mkdir(folder)
    sync(above)


def read(fd: int, size: int) -> Iterator[bytes]:
    """What is in a regular file, which had *size* bytes a moment ago, in large parts."""
    while True:
        wanted = min(size + 1, CHUNK)  # one more than there should be: when it does not come, this was all
        part = os.read(fd, wanted)
        if part:
            yield part
        if len(part) < wanted:
            return


def write(fd: int, chunks: Iterable[bytes]) -> None:
    """Write all, and wait for the disk."""
    for chunk in chunks:
        written = os.write(fd, chunk)
        while written < len(chunk):
            written += os.write(fd, memoryview(chunk)[written:])
    os.fsync(fd)


def give_name(temporary: str, name: str, folder: int) -> None:
    """Name the file *name*, if that is free; exactly one of those who try at once succeeds.

    Both are names in *folder*, a descriptor.

    Raises:
        FileExistsError: it is not.
    """
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        # A network file system may have lost its answer and asked again.
        if os.stat(temporary, dir_fd=folder).st_nlink == 1:
            raise
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        _move(temporary, name, folder)
        return
    os.unlink(temporary, dir_fd=folder)


def take_name(temporary: str, name: str, folder: int) -> None:
    """As `give_name`, whatever has that name."""
    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def _move(temporary: str, name: str, folder: int) -> None:
    """As `give_name`, for file systems without links: those who want a name in one folder go one by one."""
    own = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)  # a lock is an opened file's
    try:
        fcntl.flock(own, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            raise FileExistsError(name)
        take_name(temporary, name, folder)
    finally:
        os.close(own)


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


class Syncs:
    """`sync` for many threads: those who wait for one folder share the next sync that begins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, _Turn] = {}
        self._now: dict[str, _Turn] = {}

    def sync(self, folder: str) -> None:
        """Make the names in *folder* durable, all that were there when this was called.

        Raises:
            OSError: the disk did not take them.
        """
        with self._lock:
            turn = self._next.get(folder)
            if joined := turn is not None:
                before = None
            else:
                turn = self._next[folder] = _Turn()
                turn.going.acquire()
                before = self._now.get(folder)
        if joined:
            with turn.going:
                pass
        else:
            self._take(turn, folder, before)
        if turn.failed:
            raise OSError(turn.failed, os.strerror(turn.failed), folder)

    def _take(self, turn: _Turn, folder: str, before: _Turn | None) -> None:
        if before:
            with before.going:
                pass
        with self._lock:
            self._now[folder] = self._next.pop(folder)  # who comes from now on has names that may come too late
        try:
            sync(folder)
        except OSError as exc:
            turn.failed = exc.errno or errno.EIO
        finally:
            with self._lock:
                del self._now[folder]
            turn.going.release()


@define(eq=False)
class _Turn:
    """One sync of a folder: *going* is held until it has ended, *failed* is the error number if it did."""

    going: threading.Lock = field(factory=threading.Lock)
    failed: int = 0


class Held(threading.local):
    """*plain* syncs of folders, which a thread may hold back for a while, so that a folder is synced once."""

    def __init__(self, plain: Callable[[str], None]) -> None:
        self._plain = plain
        self._folders: dict[str, None] | None = None

    def sync(self, folder: str) -> None:
        """Make the names in *folder* durable, now or when those of this thread are no longer held back."""
        if self._folders is None:
            self._plain(folder)
        else:
            self._folders[folder] = None

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Hold back what this thread asks for until the context ends, however it does.

        Raises:
            OSError: (at its end) the disk did not take the names.
        """
        held: dict[str, None] = {}
        self._folders = held
        try:
            yield
        finally:
            self._folders = None
            for folder in held:
                self._plain(folder)
