"""One run of a container as a value: what `docker run` would be told."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import Factory, frozen

from cls_docker.confinement import Confinement
from cls_docker.mounts import Mount
from clusterless.errors import VariableUnsetError
from clusterless.model.arc import Arc
from clusterless.provider import Container, Surroundings, Work
from clusterless.runtime import contract

LABEL = "clusterless."
SCRATCH = "/tmp"  # noqa: S108  the container's own
LOG_SIZE = "64m"  # kept by the engine, for who comes back to a container
_MB = 1024 * 1024
_UNNAMED = re.compile(r"[^A-Za-z0-9_.-]")


@frozen(kw_only=True)
class Run:
    """What is run: *passed* names variables that are taken from around ``cls``; an empty *user* is the image's own."""

    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    passed: Sequence[str] = ()
    labels: Mapping[str, str] = Factory(dict)
    mounts: Sequence[Mount] = ()
    memory_mb: int | None = None
    cpus: float | None = None
    user: str = ""
    confinement: Confinement = Factory(Confinement)

    @property
    def name(self) -> str:
        """What people see the container by: its element, lot and attempt; in no two stores alike."""
        store, *_, element, lot, attempt = self.labels.values()
        return _UNNAMED.sub("-", f"cls-{element}-{lot}-{attempt}-{zlib.crc32(store.encode()):08x}")


def labels(surroundings: Surroundings, kind: str, name: str, lot: str, attempt: str) -> dict[str, str]:
    """What a container of an ``arc`` or ``activity`` (*kind*) is known by, among namesakes of its project, too."""
    told = {
        "store": surroundings.roots.arc_state,
        "project": surroundings.project.name,
        "version": surroundings.project.version,
        kind: name,
        "lot": lot,
        "attempt": attempt,
    }
    return {f"{LABEL}{key}": value for key, value in told.items()}


def run_of(
    arc: Arc,
    work: Work,
    container: Container,
    confinement: Confinement,
    surroundings: Surroundings,
    *,
    mounts: Sequence[Mount],
    partials: Mapping[str, Sequence[str]],
    user: str,
) -> Run:
    """What is run for an attempt.

    Raises:
        WorkloadError: the command selects what is not there.
    """
    return Run(
        image=container.image,
        command=contract.arguments(container.command, work, partials),
        environment={
            **_way(work, surroundings),
            **container.told(work),
            **container.environment,
            **contract.variables(arc, work, container.props),
        },
        passed=container.passed,
        labels=labels(surroundings, "arc", work.arc, str(work.lot), work.attempt),
        mounts=mounts,
        memory_mb=container.memory_mb,
        cpus=container.cpus,
        user=user,
        confinement=confinement,
    )


def _way(work: Work, surroundings: Surroundings) -> dict[str, str]:
    """What leads to where the lot's objects and manifests lie; where that contradicts itself, to the sinks."""
    sources, sinks = work.sources.values(), work.sinks.values()
    uris = [uri for source in sources for uri in (*source.roots, source.manifest_uri)]
    uris += [uri for sink in sinks for uri in (sink.staging, sink.dataset.path_uri)]
    return {name: value for uri in uris for name, value in surroundings.variables(uri).items()}


def user_of(confinement: Confinement, uid: int, gid: int, *, rootless: bool) -> str:
    """Who is who in a container: where the engine is *rootless*, root in it is the one who runs it."""
    if confinement.user is not None:
        return confinement.user
    return "0:0" if rootless else f"{uid}:{gid}"


def handed_on(names: Sequence[str], around: Mapping[str, str]) -> dict[str, str]:
    """The variables of *names* as they are *around* ``cls``, where they are set."""
    return {name: around[name] for name in names if name in around}


def check_set(names: Sequence[str], around: Mapping[str, str]) -> None:
    """Refuse to begin without what an arc declares that it needs.

    Raises:
        VariableUnsetError: one of *names* is not set *around* ``cls``.
    """
    for name in names:
        if name not in around:
            msg = f"the variable {name} is to be passed to a container, and is not set"
            raise VariableUnsetError(msg, hint=f"export {name}=…, or take it out of 'passEnvironment'")


def creation(run: Run, around: Mapping[str, str]) -> dict[str, Any]:
    """*run* as the body of the Docker API's ``/containers/create``; what it passes is taken from *around* ``cls``."""
    environment = {**handed_on(run.passed, around), **run.environment}
    return {
        "Image": run.image,
        "Cmd": list(run.command) or None,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": dict(run.labels),
        "User": run.user,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": _host(run),
    }


def _host(run: Run) -> dict[str, Any]:
    confinement = run.confinement
    host: dict[str, Any] = {
        "Mounts": [
            {"Type": "bind", "Source": each.source, "Target": each.target, "ReadOnly": each.read_only}
            for each in run.mounts
        ],
        "SecurityOpt": ["no-new-privileges"],
        "PidsLimit": confinement.pids_limit,
        "ReadonlyRootfs": confinement.read_only_root,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": LOG_SIZE}},
    }
    if confinement.network:
        host["NetworkMode"] = confinement.network
    if not confinement.keeps_capabilities:
        host["CapDrop"] = ["ALL"]
    if confinement.scratch_size_mb:
        host["Tmpfs"] = {SCRATCH: scratch_options(confinement.scratch_size_mb)}
    if run.memory_mb:
        host["Memory"] = host["MemorySwap"] = run.memory_mb * _MB  # no swap: too much is too much at once
    if run.cpus:
        host["NanoCpus"] = int(run.cpus * 1e9)
    return host


def scratch_options(size_mb: int) -> str:
    """How a folder in memory is mounted that anybody may write to."""
    return f"rw,nosuid,nodev,exec,mode=1777,size={size_mb}m"
