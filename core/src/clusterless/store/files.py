"""Objects as files below a folder; whole, durable, and never outside it."""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from clusterless import layout
from clusterless.errors import (
    ClsError,
    ObjectExistsError,
    ObjectMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.store import durable, litter
from clusterless.store.api import Body, ObjectInfo, ObjectStore
from clusterless.store.bounds import Bounds
from clusterless.store.filetime import FileTime, from_ns
from clusterless.store.keys import check_key
from clusterless.store.litter import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

_SMALL = 1 << 16  # bytes that are read at once
_TRIES = 100  # a folder may be pruned by another between making and using it, but hardly so often
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_REMEDIES = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room, or have the quota raised",
    errno.EROFS: "mount it writable, or name another folder",
    errno.EACCES: "let this user read and write there",
    errno.EPERM: "let this user read and write there",
    errno.ENAMETOOLONG: "use shorter names",
    errno.ELOOP: "an object may not be a symbolic link: put the file itself there",
    errno.ENOTDIR: "an object is in the way where a folder is needed: move or rename it",
    errno.EISDIR: "a folder is in the way where an object is meant to be: move or rename it",
    errno.EFBIG: "the file system takes no files so large",
}


class FileStore(ObjectStore):
    """Keys are paths below the folder that *root_uri* (``file:///…/``) names, made with the first object.

    Files whose name begins with ``.tmp-`` are writes under way; those of killed
    processes go when their folder is listed. Symbolic links are not listed; a key may
    lead through one that stays below the root. Names that are not UTF-8 are no keys.
    *now* replaces the time that the files' own stamps tell.
    """

    batch = 16  # one sync of a folder makes all their names durable

    def __init__(self, root_uri: str, now: Callable[[], datetime] | None = None) -> None:
        self.root = root_uri
        self._folder = _folder(root_uri)
        self._bounds = Bounds(self._folder)
        self._time = FileTime()
        self._synced = durable.Syncs()
        self._held = durable.Held(self._synced.sync)
        self._now = now or self._time.now

    # ---- reading

    def get(self, key: str) -> bytes:
        return self._whole(*self.opened(key), key)

    def opened(self, key: str) -> tuple[int, int]:
        """The object's file, open for reading, which the caller closes; and how many bytes it had a moment ago.

        Raises:
            ObjectMissingError: there is none.
        """
        path = self._path(key)
        with self._found(path, key):
            return self._open(path)

    def open(self, key: str) -> BinaryIO:
        fd, size = self.opened(key)
        if size > _SMALL:
            return os.fdopen(fd, "rb")
        return io.BytesIO(self._whole(fd, size, key))  # a file object asks for twice as much

    def head(self, key: str) -> ObjectInfo:
        return self._look(self._path(key), key)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        return (info for path, key in self._walked(prefix, after) if (info := _listed(path, key)))

    def list_keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        return (key for _, key in self._walked(prefix, after))

    def now(self) -> datetime:
        return self._now()

    def _whole(self, fd: int, size: int, key: str) -> bytes:
        """What is in the file, which is closed."""
        try:
            return b"".join(durable.read(fd, size))
        except OSError as exc:
            raise _refused(self._path(key), exc, exc.errno or 0) from exc
        finally:
            os.close(fd)

    def _look(self, path: str, key: str) -> ObjectInfo:
        with self._found(path, key):
            found = os.lstat(path)
            _check_is_object(found)
            return _info(key, found)

    def _walked(self, prefix: str, after: str) -> Iterator[tuple[str, str]]:
        """The paths of the files whose keys are listed, and these keys."""
        self._bounds.check_disk()
        folder = prefix.rpartition("/")[0]
        path = self._path(folder) if folder else self._folder or "/"
        self._bounds.check(path, prefix)
        return self._walk(path, f"{folder}/" if folder else "", prefix, after)

    def _walk(self, path: str, base: str, prefix: str, after: str) -> Iterator[tuple[str, str]]:
        # A stack of its own: with generators in generators each key would be handed up through all of them.
        folders = [(path, base, iter(self._names(path, base, prefix, after)))]
        while folders:
            path, base, names = folders[-1]
            for name in names:
                if name[-1] == "/":
                    path, base = f"{path}/{name[:-1]}", base + name
                    self._bounds.know(path)
                    folders.append((path, base, iter(self._names(path, base, prefix, after))))
                    break
                yield f"{path}/{name}", base + name
            else:
                folders.pop()
        self._bounds.check_disk()  # or else what was not found was not looked for

    def _names(self, path: str, base: str, prefix: str, after: str) -> Sequence[str]:
        """What of a folder is to be listed, in order of key: folders sort as if they ended with a slash."""
        names = []
        all_are = base.startswith(prefix) and base > after and not after.startswith(base)
        try:
            for entry in self._entries(path):
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    name += "/"
                    wanted = all_are or _leads_to(base + name, prefix, after)
                elif name.startswith(HIDDEN):
                    litter.remove_if_left(f"{path}/{name}")
                    continue
                elif entry.is_file(follow_symlinks=False):
                    wanted = all_are or ((base + name).startswith(prefix) and base + name > after)
                else:
                    continue
                if wanted and (name.isascii() or _is_text(name)):
                    names.append(name)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except ClsError:
            raise
        except OSError as exc:
            raise _refused(path, exc, exc.errno or 0) from exc
        names.sort()
        return names

    # ---- writing

    def put(self, key: str, body: Body) -> None:
        path = self._path(key)
        with self._explained(path, key):
            self._write(path, _chunks(body), durable.take_name)

    def create(self, key: str, body: Body) -> None:
        path = self._path(key)
        with self._explained(path, key):
            if os.path.lexists(path):  # the loser of a race seldom has to write anything
                raise FileExistsError(path)
            self._write(path, _chunks(body), durable.give_name)

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        if not isinstance(source, FileStore):
            super().copy(key, source, source_key)
            return
        path = self._path(key)
        fd, size = source.opened(source_key)
        try:
            with self._explained(path, key):
                self._write(path, durable.read(fd, size), durable.take_name)
        finally:
            os.close(fd)

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._explained(self._folder, ""), self._held.until_the_end():
            yield

    def delete(self, key: str) -> None:
        path = self._path(key)
        with suppress(ObjectMissingError), self._found(path, key):
            self._unlink(path)
            self._synced.sync(self._prune(os.path.dirname(path)))

    def _write(self, path: str, chunks: Iterable[bytes], give_name: Callable[[str, str, int], None]) -> None:
        """A durable file beside *path* is given its name; then that name is made durable."""
        self._bounds.check_disk()
        folder, _, name = path.rpartition("/")
        entered, temporary, fd = self._new_file(folder)
        try:
            self._fill(fd, chunks)
            give_name(temporary, name, entered)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=entered)
            raise
        finally:
            os.close(entered)
        self._held.sync(folder)

    def _fill(self, fd: int, chunks: Iterable[bytes]) -> None:
        try:
            durable.write(fd, chunks)
            self._time.saw(os.fstat(fd).st_mtime_ns)
        finally:
            os.close(fd)

    def _prune(self, folder: str) -> str:
        """Remove folders that became empty; gives the first that stays."""
        with suppress(OSError):
            while folder != self._folder:
                self._bounds.rmdir(folder)
                self._bounds.forget(folder)
                folder = os.path.dirname(folder)
        return folder

    # ---- paths and errors

    def _path(self, key: str) -> str:
        check_key(self.root, key)
        folders, _, name = key.rpartition("/")
        if "\0" in key or "//" in key or not name or litter.is_temporary(name) or not _is_text(key):
            msg = f"{key!r} cannot be the path of a file below {self._folder}"
            raise StoreRefusedError(
                msg, hint=f"use UTF-8, no empty segments, no NUL, and no name that begins with {HIDDEN}"
            )
        folder = f"{self._folder}/{folders}" if folders else self._folder
        self._bounds.check(folder, key)
        return f"{folder}/{name}"

    # ---- what no link leads out of, also one that is put there meanwhile

    def _open(self, path: str) -> tuple[int, int]:
        """The object's descriptor and size."""
        # Not blocking, lest a named pipe hold us up.
        fd = self._bounds.checked(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), path)
        try:
            found = os.fstat(fd)
            _check_is_object(found)
        except BaseException:
            os.close(fd)
            raise
        return fd, found.st_size

    def _entries(self, path: str) -> Iterator[os.DirEntry[str]]:
        fd = self._bounds.enter(path)
        try:
            with os.scandir(fd) as entries:
                yield from entries
        finally:
            os.close(fd)

    def _new_file(self, folder: str) -> tuple[int, str, int]:
        """A descriptor of the folder, which is made where it is not there, and a new file's name and descriptor."""
        for _ in range(_TRIES):
            try:
                if not self._bounds.knows(folder):
                    self._make_folder(folder)
                made = self._in_folder(folder)
            except FileNotFoundError:  # pruned
                self._bounds.forget(folder)
            else:
                self._bounds.know(folder)
                return made
        msg = f"{folder} is removed again and again"
        raise StoreUnavailableError(msg)

    def _in_folder(self, folder: str) -> tuple[int, str, int]:
        entered = self._bounds.enter(folder)
        try:
            while True:
                name = litter.new_name()
                with suppress(FileExistsError):  # left by a process that died, or of another machine
                    return entered, name, os.open(name, _NEW, 0o666, dir_fd=entered)
        except BaseException:
            os.close(entered)
            raise

    def _make_folder(self, folder: str) -> None:
        if not os.path.isdir(self._folder or "/"):
            durable.make_folder(self._folder, self._synced.sync, os.mkdir)
        if folder != self._folder:
            durable.make_folder(folder, self._synced.sync, self._bounds.mkdir)

    def _unlink(self, path: str) -> None:
        try:
            self._bounds.unlink(path)
        except IsADirectoryError:
            raise FileNotFoundError from None

    def _found(self, path: str, key: str) -> _Explained:
        """As `_explained`, where a path that leads nowhere means that there is no such object."""
        return _Explained(self.root, path, key, self._bounds.check_disk)

    def _explained(self, path: str, key: str) -> _Explained:
        return _Explained(self.root, path, key)


class _Explained:
    """Nothing of the operating system's leaves but as an error of ours; what is sought *check*s where it is not."""

    __slots__ = ("_check", "_key", "_path", "_root")

    def __init__(self, root: str, path: str, key: str, check: Callable[[], None] | None = None) -> None:
        self._root = root
        self._path = path
        self._key = key
        self._check = check

    def __enter__(self) -> None:
        """Nothing is held: there is one of these for every request."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, ClsError) or not isinstance(error, OSError):
            return
        if self._check and isinstance(error, FileNotFoundError | NotADirectoryError):
            self._check()
            msg = f"there is no object {layout.uri(self._root, self._key)}"
            raise ObjectMissingError(msg) from None
        if isinstance(error, FileExistsError):
            if os.path.isdir(self._path):
                raise _refused(self._path, error, errno.EISDIR) from error
            msg = f"{layout.uri(self._root, self._key)} exists already"
            raise ObjectExistsError(msg) from None
        raise _refused(self._path, error, error.errno or 0) from error


def _folder(root_uri: str) -> str:
    parts = urlsplit(root_uri)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path.endswith("/"):
        msg = f"{root_uri} does not name a folder of this machine"
        raise StoreRefusedError(msg, hint="write it as file:///path/to/folder/, with the slash at its end")
    return os.path.realpath(unquote(parts.path)).rstrip("/")


def _leads_to(folder: str, prefix: str, after: str) -> bool:
    """Whether keys that begin with *folder* may begin with *prefix* and be greater than *after*."""
    return (folder.startswith(prefix) or prefix.startswith(folder)) and (folder > after or after.startswith(folder))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8 come as halves of characters
        return False
    return True


def _listed(path: str, key: str) -> ObjectInfo | None:
    """The object, unless it is gone since its folder was read."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise _refused(path, exc, exc.errno or 0) from exc
    return _info(key, found) if stat.S_ISREG(found.st_mode) else None


def _info(key: str, found: os.stat_result) -> ObjectInfo:
    etag = f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"
    return ObjectInfo(key, found.st_size, etag, from_ns(found.st_mtime_ns))


def _chunks(body: Body) -> Iterable[bytes]:
    return (body,) if isinstance(body, bytes) else iter(partial(body.read, durable.CHUNK), b"")


def _check_is_object(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError


def _refused(path: str, exc: OSError, number: int) -> ClsError:
    msg = f"{path}: {os.strerror(number) if number else exc}"
    if number in _REMEDIES:
        return StoreRefusedError(msg, hint=_REMEDIES[number])
    return StoreUnavailableError(msg, hint="look at the disk, or at the connection to the file server")
