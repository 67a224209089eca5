"""What is declared alike of every arc that a service works by executing a job of containers, whoever's it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import Factory, field, frozen

from clusterless.errors import InvalidValueError, NotInstalledError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.naming import check_environment
from clusterless.model.runtime_props import ContainerProps
from clusterless.provider import Container, Work
from clusterless.runtime.contract import check_command


@frozen(kw_only=True)
class JobSettings(WorkloadSettings):
    """``job`` is executed once for each lot; what it is called, the service says.

    ``image``, or ``imagePath`` (the folder of a Dockerfile), is what an engine of this machine runs instead.
    ``command`` replaces the image's own; of a job, its arguments. An argument such as ``$.arcNotifyEvent.lot`` is
    replaced by what it selects.
    """

    job: str = ""
    image: str = ""
    image_path: str = ""
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    command: tuple[str, ...] = field(default=(), validator=check_command)
    container_runtime_props: ContainerProps = Factory(ContainerProps)

    def container(self, passed: Sequence[str], told: Callable[[Work], Mapping[str, str]] = lambda _: {}) -> Container:
        """What lots are worked in on this machine; for *passed* and *told*, see `Container`."""
        props = self.container_runtime_props
        return Container(
            image=self.image,
            image_path=self.image_path,
            command=self.command,
            environment=self.environment,
            passed=passed,
            told=told,
            props=self.workload_props,
            timeout_sec=props.timeout_min * 60,
            memory_mb=props.memory_size_mb,
            architecture=props.architecture,
        )


def check_whole(arc: Arc, _: object, workload: JobSettings) -> None:
    """Refuse a *workload* that says nothing to run, or two things.

    Raises:
        InvalidValueError: neither a job nor an image is given, or two images are.
    """
    if not (workload.job or workload.image or workload.image_path):
        msg = f"arc {arc.name} has neither a 'job' nor an 'image' or 'imagePath': there is nothing to run"
        raise InvalidValueError(msg)
    if workload.image and workload.image_path:
        msg = f"arc {arc.name} has both an 'image' and an 'imagePath'"
        raise InvalidValueError(msg, hint="leave one of them out")


def without_engine(arc: Arc, why: str) -> NotInstalledError:
    """The error of an *arc* that only an engine of this machine could work, as *why* says, where there is none."""
    msg = f"arc {arc.name} {why}, and this run was given no engine for containers"
    hint = "cls run --workloads docker …, and so with other commands; where docker is not known: pip install cls-docker"
    return NotInstalledError(msg, hint=hint)
