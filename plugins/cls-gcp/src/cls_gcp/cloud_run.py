"""How an arc that is worked in a container by Cloud Run is declared; imports no SDK."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.naming import check_environment
from clusterless.model.runtime_props import ContainerProps
from clusterless.provider import Container
from clusterless.runtime.contract import check_command

_PASSED = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "STORAGE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST",
)


@frozen(kw_only=True)
class CloudRunSettings(WorkloadSettings):
    """``job`` is a job of Cloud Run in the placement's location, which is executed once for each lot.

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


@frozen(kw_only=True)
class CloudRunJobArc(Arc):
    """Runs a container for each lot, which reads and writes manifests by the workload contract.

    Cloud Run executes its ``job``; ``cls run --workloads docker`` runs its image on this machine.
    """

    workload: CloudRunSettings = field(factory=CloudRunSettings)

    @workload.validator
    def _is_whole(self, _: object, workload: CloudRunSettings) -> None:
        if not (workload.job or workload.image or workload.image_path):
            msg = f"arc {self.name} has neither a 'job' nor an 'image' or 'imagePath': there is nothing to run"
            raise InvalidValueError(msg)
        if workload.image and workload.image_path:
            msg = f"arc {self.name} has both an 'image' and an 'imagePath'"
            raise InvalidValueError(msg, hint="leave one of them out")


def container(arc: CloudRunJobArc) -> Container:
    """What the arc's lots are worked in on this machine; it is handed what leads this process to Google Cloud."""
    workload, props = arc.workload, arc.workload.container_runtime_props
    return Container(
        image=workload.image,
        image_path=workload.image_path,
        command=workload.command,
        environment=workload.environment,
        passed=_PASSED,
        props=workload.workload_props,
        timeout_sec=props.timeout_min * 60,
        memory_mb=props.memory_size_mb,
        architecture=props.architecture,
    )
