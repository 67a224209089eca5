"""A container for each lot, under the workload contract."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

from cls_docker.client import Engine
from cls_docker.components import ContainerArc
from cls_docker.confinement import Confinement
from cls_docker.errors import EngineRefusedError, EngineUnavailableError
from cls_docker.images import Image
from cls_docker.mounts import mounts
from cls_docker.run import Run, check_set, run_of, user_of
from cls_docker.running import run_container
from cls_docker.script import script_of
from cls_docker.settings import settings
from clusterless.errors import WorkloadError
from clusterless.model.arc import Arc
from clusterless.model.runtime_props import Architecture
from clusterless.provider import Container, Script, Surroundings, Work, WorkResult
from clusterless.runtime.output import Output
from clusterless.runtime.staged import as_files, failed, succeeded

PLATFORMS = {Architecture.ARM_64: "linux/arm64", Architecture.X86_64: "linux/amd64"}


def open_arc(arc: ContainerArc, surroundings: Surroundings) -> ContainerWorkload:
    """What works ``docker:core:containerArc``.

    Raises:
        VariableUnsetError: the arc wants a variable passed on that is not set.
    """
    check_set(arc.workload.pass_environment, os.environ)
    return ContainerWorkload(arc, arc.workload.container, arc.workload.confinement, surroundings)


def open_any(arc: Arc, container: Container, surroundings: Surroundings) -> ContainerWorkload:
    """What works any arc of a container kind, within what is set for the machine (``.clsconfig-docker``).

    Raises:
        MalformedError: the settings cannot be read.
    """
    return ContainerWorkload(arc, container, Confinement(network=settings().network), surroundings)


class ContainerWorkload:
    """Runs one container a lot; any number of lots may be worked at a time."""

    def __init__(self, arc: Arc, container: Container, confinement: Confinement, surroundings: Surroundings) -> None:
        self._arc = arc
        self._container = container
        self._confinement = confinement
        self._surroundings = surroundings
        self._engine = Engine()
        self._folder = surroundings.base / container.image_path if container.image_path else None
        self._platform = PLATFORMS[container.architecture] if container.architecture else ""
        self._image = Image(self._engine, container.image, self._folder, confinement.pull_policy, self._platform)

    def check_ready(self) -> None:
        """Ask the engine whether it is there: one that is down takes no lot's attempts.

        Raises:
            EngineUnavailableError, EngineRefusedError: there is no engine that can be used.
        """
        self._engine.check()

    def run(self, work: Work) -> WorkResult:
        """Run the container.

        Raises:
            WorkloadError: it could not be made or started, exited otherwise than with 0, ran too long, was
                stopped, or left no good manifest, and nothing partial.
            EngineUnavailableError, EngineRefusedError: there is no engine that can be used.
        """
        with as_files(work.sinks, self._surroundings.scratch) as partials, Output(work.output) as output:
            try:
                run_container(
                    self._engine,
                    self._image,
                    self.described(work, partials, rootless=self._engine.about.rootless),
                    output=output,
                    timeout=self._container.timeout_sec,
                    stopping=work.stopping,
                    clock=self._surroundings.clock,
                )
            except WorkloadError as error:
                return failed(work, error)
        return succeeded(work)

    def script(self, work: Work) -> Script:
        """The same container, made by ``docker run``; who is who in it is asked of the engine, if there is one.

        Raises:
            WorkloadError: the command selects what is not there, or a folder cannot be had.
        """
        rootless = False
        with suppress(EngineUnavailableError, EngineRefusedError):
            rootless = self._engine.about.rootless
        run = self.described(work, {}, rootless=rootless)
        return script_of(run, self._surroundings.base, self._folder, self._platform)

    def described(self, work: Work, partials: Mapping[str, Sequence[str]], *, rootless: bool = False) -> Run:
        """What is run for *work*, by its image's name: what is built or fetched is known only then.

        Raises:
            WorkloadError: the command selects what is not there, or a folder cannot be had.
        """
        return run_of(
            self._arc,
            work,
            self._container,
            self._confinement,
            self._surroundings,
            mounts=mounts(work, self._confinement.volumes, partials),
            partials=partials,
            user=user_of(self._confinement, os.getuid(), os.getgid(), rootless=rootless),
        )

    def close(self) -> None:
        self._engine.close()
