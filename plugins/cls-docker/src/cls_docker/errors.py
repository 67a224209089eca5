"""What a Docker engine answers, in our words: foreign exceptions stop here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clusterless.errors import ClsError, WorkloadError

if TYPE_CHECKING:
    from docker.errors import APIError

_FULL = "no space left on device"
_START = "start the engine (dockerd, Docker Desktop, podman system service), or name another by DOCKER_HOST"
_MEMBER = "let this user use it (on Linux, by the group docker), or name an engine of your own by DOCKER_HOST"

_LOGIN = ("unauthorized", "denied", "no basic auth credentials", "authentication required")


class EngineUnavailableError(ClsError, ConnectionError):
    """The container engine did not answer; what was asked of it may or may not have happened."""

    code = "engine-unavailable"
    exit_code = 74
    retryable = True


class EngineRefusedError(ClsError):
    """The container engine cannot be used as it is: not allowed, too old, or its disk is full."""

    code = "engine-refused"
    exit_code = 74


class ImageMissingError(WorkloadError):
    """The image is not on the engine; it may be pulled."""


class ContainerGoneError(WorkloadError):
    """The container is not on the engine any more."""


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Say of what the SDK raises that it happened while asked *what*, as in "start a container".

    Raises:
        EngineUnavailableError: there was no answer.
        EngineRefusedError: nothing can be asked of the engine as it is.
        ImageMissingError, ContainerGoneError, WorkloadError: the engine said no to this.
    """
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise _told(what, error) from error
    except (RequestException, HTTPError, ConnectionError, TimeoutError) as error:
        raise unanswered(what, error) from error
    except DockerException as error:
        msg = f"cannot {what}: {error}"
        raise WorkloadError(msg) from error


def unanswered(what: str, error: BaseException) -> ClsError:
    """What to say where the engine was not reached."""
    cause = next((each for each in causes(error) if isinstance(each, OSError) and each.errno), error)
    if isinstance(cause, PermissionError):
        return EngineRefusedError(f"cannot {what}: this user may not use the engine: {cause}", hint=_MEMBER)
    return EngineUnavailableError(f"cannot {what}: the engine does not answer: {cause}", hint=_START)


def said_no(problem: str, said: str, hint: str) -> ClsError:
    """What to say of a *problem* that the engine told of, *said*, in the midst of what it did."""
    return full(problem) if _FULL in said.lower() else WorkloadError(problem, hint=hint)


def registry_hint(repository: str, said: str) -> str:
    """What to do where the registry of *repository* refused with the words *said*, or did not answer."""
    if not any(word in said.lower() for word in _LOGIN):
        return "is the registry's name right, and can the engine reach it?"
    host = repository.partition("/")[0]
    return f"docker login {host}" if "." in host or ":" in host else "docker login"


def full(problem: str) -> EngineRefusedError:
    return EngineRefusedError(problem, hint="make room where the engine keeps its data: docker system df")


def _told(what: str, error: APIError) -> ClsError:
    from docker.errors import ImageNotFound, NotFound

    said = str(error.explanation or error).strip()
    msg = f"cannot {what}: {said}"
    if _FULL in said.lower():
        return full(msg)
    if isinstance(error, ImageNotFound):
        return ImageMissingError(msg, hint="docker images; or name an image that can be pulled")
    if isinstance(error, NotFound) and re.search(r"no such container", said, re.IGNORECASE):
        return ContainerGoneError(msg)
    return WorkloadError(msg)


def causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and what it was raised from or made of: urllib3 and requests hide the system's own as an argument."""
    yield error
    for each in (*error.args, getattr(error, "reason", None), error.__cause__ or error.__context__):
        if isinstance(each, BaseException) and each is not error:
            yield from causes(each)
