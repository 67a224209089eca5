"""That what was opened lies below a folder, whatever became meanwhile of the names that led there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable

from clusterless.errors import StoreRefusedError


class Bounds:
    """Below *folder*, an absolute path without links and without a slash at its end ('' is the root of all).

    Who looks at a name and then uses it may have been outrun by somebody who put a link there: so it is asked of what
    was opened where it is. Of systems that do not tell that, nothing is refused.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._below = f"{folder}/"

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
            real = _where(fd)
        except BaseException:
            os.close(fd)
            raise
        if not real or real.startswith(self._below) or real == self._folder:
            return fd
        os.close(fd)
        raise led_out(path, self._folder, real)

    def unlink(self, path: str) -> None:
        """As `os.unlink`; or StoreRefusedError."""
        self._name(os.unlink, path)

    def mkdir(self, path: str) -> None:
        """As `os.mkdir`; or StoreRefusedError."""
        self._name(os.mkdir, path)

    def rmdir(self, path: str) -> None:
        """As `os.rmdir`; or StoreRefusedError."""
        self._name(os.rmdir, path)

    def _name(self, use: Callable[..., None], path: str) -> None:
        folder, _, name = path.rpartition("/")
        fd = self.enter(folder)
        try:
            use(name, dir_fd=fd)
        finally:
            os.close(fd)


def led_out(what: str, folder: str, real: str) -> StoreRefusedError:
    """What is said of *what*, which is not below *folder*."""
    return StoreRefusedError(
        f"{what!r} leads out of {folder}, to {real}", hint="remove the symbolic link, or name the folder it leads to"
    )


def _where(fd: int) -> str:
    """The path of what is open, '' where the system does not tell."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except (FileNotFoundError, PermissionError):
        if not hasattr(fcntl, "F_GETPATH"):
            return ""
        return os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
