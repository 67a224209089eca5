"""What a container is kept within, and given besides what its `Container` says."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from pathlib import PurePosixPath

from attrs import field, frozen
from attrs.validators import and_, ge, instance_of

from clusterless.errors import InvalidValueError, cut

_SHOWN = 200
_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock")
_KERNEL = ("/proc", "/sys", "/dev")


class PullPolicy(enum.Enum):
    """When an image is asked of its registry."""

    MISSING = "missing"
    ALWAYS = "always"
    NEVER = "never"


def _is_a_path(_: object, __: object, path: str) -> None:
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] != "/" or ".." in parts or "\0" in path:
        msg = f"{cut(repr(path), _SHOWN)} is not a volume's path: use an absolute one below /, without '..'"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class Volume:
    """The folder or file ``source`` of this machine, at ``target`` in the container."""

    source: str = field(validator=_is_a_path)
    target: str = field(validator=_is_a_path)
    read_only: bool = True

    def __attrs_post_init__(self) -> None:
        for path in (self.source, self.target):
            check_shown(path)


def check_shown(path: str, sockets: Iterable[str] = ()) -> None:
    """Refuse to show *path* to a container where it would be let out by it, or see or hide what is the kernel's.

    *sockets* are where engines listen: neither they nor a folder above one is shown, not even to read, for
    who may read a socket may connect to it.

    Raises:
        InvalidValueError: *path* is such a one.
    """
    shown = PurePosixPath(path)
    if shown.name in _SOCKETS or any(PurePosixPath(each).is_relative_to(shown) for each in sockets):
        msg = f"{path} would let the container out: whoever has the engine has the machine"
        raise InvalidValueError(msg)
    if any(shown.is_relative_to(each) for each in _KERNEL):
        msg = f"{path} is the kernel's: no volume may show or hide it"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class Confinement:
    """How far a container is let: by default as a cloud's own engine lets it, so that its images run unchanged.

    An empty *user* is the image's own, None whoever runs ``cls``; an empty *network* is the engine's default.
    *scratch_size_mb* is the size of ``/tmp``, in memory; None: it is a part of the root like any other.
    """

    user: str | None = ""
    network: str = ""
    pids_limit: int = field(default=4096, validator=and_(instance_of(int), ge(1)))
    read_only_root: bool = False
    scratch_size_mb: int | None = None
    keeps_capabilities: bool = True
    volumes: tuple[Volume, ...] = ()
    pull_policy: PullPolicy = PullPolicy.MISSING
