"""``docker:core:containerActivity``: a container on a clock."""

from __future__ import annotations

import os

from cls_docker.activities import ContainerActivity
from cls_docker.client import Engine
from cls_docker.images import Image
from cls_docker.mounts import shown
from cls_docker.run import Run, check_set, labels, user_of
from cls_docker.running import run_container
from clusterless.provider import Occasion, Surroundings
from clusterless.runtime import contract
from clusterless.runtime.output import Output


def open_activity(activity: ContainerActivity, surroundings: Surroundings) -> RunContainer:
    """What runs ``docker:core:containerActivity``.

    Raises:
        VariableUnsetError: the activity wants a variable passed on that is not set.
    """
    check_set(activity.workload.pass_environment, os.environ)
    return RunContainer(activity, surroundings)


class RunContainer:
    """Runs one container a time; what a killed `cls` left running is removed before the next begins."""

    def __init__(self, activity: ContainerActivity, surroundings: Surroundings) -> None:
        settings = activity.workload
        self._activity = activity
        self._surroundings = surroundings
        self._engine = Engine()
        folder = surroundings.base / settings.image_path if settings.image_path else None
        self._image = Image(self._engine, settings.image, folder, settings.pull_policy)

    def run(self, occasion: Occasion) -> str:
        """Run the container.

        Raises:
            WorkloadError: it could not be made or begun, exited otherwise than with 0, ran too long, or was stopped.
            EngineUnavailableError, EngineRefusedError: there is no engine that can be used.
        """
        with Output(occasion.output) as output:
            run_container(
                self._engine,
                self._image,
                self._described(occasion),
                output=output,
                timeout=self._activity.timeout_sec,
                stopping=occasion.stopping,
                clock=self._surroundings.clock,
            )
        return ""

    def close(self) -> None:
        self._engine.close()

    def _described(self, occasion: Occasion) -> Run:
        settings, lot = self._activity.workload, str(occasion.lot)
        rootless = self._engine.about.rootless
        return Run(
            image=settings.image,
            command=settings.command,
            environment={**settings.environment, **contract.occasion_variables(occasion, settings.workload_props)},
            passed=settings.pass_environment,
            labels=labels(self._surroundings, "activity", occasion.activity, lot, occasion.attempt),
            mounts=shown(settings.volumes),
            memory_mb=settings.memory_size_mb,
            cpus=settings.cpus,
            user=user_of(settings.confinement, os.getuid(), os.getgid(), rootless=rootless),
            confinement=settings.confinement,
        )
