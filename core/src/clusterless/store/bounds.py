"""That what was opened lies below a folder, whatever became meanwhile of the names that led there."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable

from clusterless.errors import StoreRefusedError, StoreUnavailableError

_KNOWN_AT_MOST = 10_000


class Bounds:
    """Below *folder*, an absolute path without links and without a slash at its end ('' is the root of all).

    Who looks at a name and then uses it may have been outrun by somebody who put a link there: so it is asked of what
    was opened where it is. Of systems that do not tell that, nothing is refused.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._known: dict[str, None] = {}  # folders that were there, and below it
        self._disk = _disk(folder)

    def check_disk(self) -> None:
        """That *folder* lies on the disk where it was at first: asked before writing, and where nothing is found.

        Beneath a disk that is unmounted there is a folder too: it looks like a store in which nothing ever was.

        Raises:
            StoreUnavailableError: it does not.
        """
        if _disk(self._folder) != self._disk:
            msg = f"{self._folder} lies on another disk than before: one was unmounted, or mounted"
            hint = "mount what was mounted; what then still says so has to be started again"
            raise StoreUnavailableError(msg, hint=hint)

    def check(self, folder: str, key: str) -> None:
        """That no link leads *key*, of what is in *folder*, out; each folder on the way is looked at once.

        Raises:
            StoreRefusedError: one does.
        """
        if folder in self._known or folder == self._folder:
            return
        self.check(folder.rpartition("/")[0], key)
        try:
            mode = os.lstat(folder).st_mode
            real = os.path.realpath(folder) if stat.S_ISLNK(mode) else ""
        except OSError:
            return  # nothing is there that leads anywhere, or no longer; whoever asks for more is told why
        if real:
            self._check_holds(real, key)
        elif stat.S_ISDIR(mode):
            self.know(folder)

    def knows(self, folder: str) -> bool:
        """Whether *folder* was there, when it was last looked at."""
        return folder in self._known

    def know(self, folder: str) -> None:
        """That *folder* is there, and below this one."""
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        self._known[folder] = None

    def forget(self, folder: str) -> None:
        """That *folder* may be there no longer."""
        self._known.pop(folder, None)

    def enter(self, folder: str) -> int:
        """A descriptor of *folder*, to name what is in it by; the caller closes it.

        Raises:
            StoreRefusedError: it is elsewhere.
        """
        return self.checked(os.open(folder or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), folder)

    def checked(self, fd: int, path: str) -> int:
        """*fd*, opened as *path*.

        Raises:
            StoreRefusedError: it is elsewhere; it was closed.
        """
        try:
            if real := _where(fd):
                self._check_holds(real, path)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def unlink(self, path: str) -> None:
        """As `os.unlink`; or StoreRefusedError."""
        self._name(os.unlink, path)

    def mkdir(self, path: str) -> None:
        """As `os.mkdir`; or StoreRefusedError."""
        self._name(os.mkdir, path)

    def rmdir(self, path: str) -> None:
        """As `os.rmdir`; or StoreRefusedError."""
        self._name(os.rmdir, path)

    def _check_holds(self, real: str, what: str) -> None:
        if not f"{real}/".startswith(f"{self._folder}/"):
            msg = f"{what!r} leads out of {self._folder}, to {real}"
            raise StoreRefusedError(msg, hint="remove the symbolic link, or name the folder it leads to")

    def _name(self, use: Callable[..., None], path: str) -> None:
        folder, _, name = path.rpartition("/")
        fd = self.enter(folder)
        try:
            use(name, dir_fd=fd)
        finally:
            os.close(fd)


def _disk(folder: str) -> int:
    """The number of the disk of *folder*, or of the nearest above it that is there."""
    while True:
        try:
            return os.stat(folder or "/").st_dev
        except OSError:
            folder = folder.rpartition("/")[0]


def _where(fd: int) -> str:
    """The path of what is open, '' where the system does not tell."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except (FileNotFoundError, PermissionError):
        if not hasattr(fcntl, "F_GETPATH"):
            return ""
        return os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
