"""Where the operating system's errors about folders become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clusterless.errors import StoreRefusedError, StoreUnavailableError


@contextmanager
def explained(folder: str) -> Iterator[None]:
    """Say of an OSError inside what it means for *folder*.

    Raises:
        StoreRefusedError: *folder*, or what it names, may not be used, or is not a folder.
        StoreUnavailableError: it could not be reached; again may be better.
    """
    try:
        yield
    except StoreUnavailableError:
        raise  # is an OSError itself, and ours already
    except StoreRefusedError:
        raise
    except PermissionError as exc:
        msg = f"the folder {exc.filename or folder} may not be used: {exc.strerror or exc}"
        raise StoreRefusedError(msg, hint=f"let this user read, enter and write {folder}") from exc
    except (FileExistsError, NotADirectoryError) as exc:
        msg = f"{exc.filename or folder} is not a folder"
        raise StoreRefusedError(msg, hint="move the file away, or name another folder") from exc
    except OSError as exc:
        msg = f"the folder {folder} did not answer: {exc}"
        raise StoreUnavailableError(msg) from exc
