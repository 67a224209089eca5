"""What works a lot in a container, as somebody may type it: the same container, made by ``docker run``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cls_docker.images import slug
from cls_docker.mounts import Mount
from cls_docker.run import LABEL, SCRATCH, Run, scratch_options
from clusterless.provider import Script

_TELLS = "CLS_"  # what the names of variables begin with that are not declared, but told
_LOCAL = "CLS_LOCAL"  # of every script


def script_of(run: Run, base: Path, folder: Path | None, platform: str = "") -> Script:
    """The script of *run*; its image is built from *folder* beforehand, if there is one, under a name of its own.

    It has no label, so that no `cls run` takes its container for one that was left behind.
    """
    told = {name: value for name, value in run.environment.items() if name.startswith(_TELLS)}
    image = f"cls-local/{slug(run.labels[f'{LABEL}arc'])}" if folder else run.image
    build = ["docker", "build", "--quiet", "--network=host", *_platform(platform), f"--tag={image}", str(folder)]
    return Script(
        folder=base,
        variables=told,
        command=["docker", "run", "--rm", *_platform(platform), *_options(run, told), image, *run.command],
        notes=[f"passed as they are set where this is run: {', '.join(run.passed)}"] if run.passed else (),
        before=[build] if folder else [],
    )


def _platform(platform: str) -> list[str]:
    return [f"--platform={platform}"] if platform else []


def _options(run: Run, told: Mapping[str, str]) -> Iterator[str]:
    yield from _variables(run, told)
    yield from (f"--mount={_mount(each)}" for each in run.mounts)
    yield from _limits(run)


def _variables(run: Run, told: Mapping[str, str]) -> Iterator[str]:
    """What is told is exported by the script, what is passed by who runs it; the rest could change what bash does."""
    yield from (f"--env={name}" for name in (*told, _LOCAL, *run.passed))
    yield from (f"--env={name}={value}" for name, value in run.environment.items() if name not in told)


def _limits(run: Run) -> Iterator[str]:
    within = run.confinement
    yield "--security-opt=no-new-privileges"
    yield f"--pids-limit={within.pids_limit}"
    if run.user:
        yield f"--user={run.user}"
    if within.network:
        yield f"--network={within.network}"
    if within.read_only_root:
        yield "--read-only"
    if not within.keeps_capabilities:
        yield "--cap-drop=ALL"
    if within.scratch_size_mb:
        yield f"--tmpfs={SCRATCH}:{scratch_options(within.scratch_size_mb)}"
    if run.memory_mb:
        yield from (f"--memory={run.memory_mb}m", f"--memory-swap={run.memory_mb}m")
    if run.cpus:
        yield f"--cpus={run.cpus}"


def _mount(mount: Mount) -> str:
    fields = [
        "type=bind",
        f"source={mount.source}",
        f"target={mount.target}",
        *(["readonly"] if mount.read_only else []),
    ]
    return ",".join(map(_field, fields))


def _field(text: str) -> str:
    """*text* as a field of a line of comma separated values, which docker reads a mount as."""
    return '"' + text.replace('"', '""') + '"' if set(text) & {",", '"', "\n"} else text
