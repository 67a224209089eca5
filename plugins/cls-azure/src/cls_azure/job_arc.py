"""How an arc that is worked in a container by Azure Container Apps is declared; imports no SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import Factory, field, frozen

from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.naming import check_environment
from clusterless.model.runtime_props import ContainerProps
from clusterless.provider import Container, Work
from clusterless.runtime.contract import check_command

_PASSED = (
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_ACCOUNT",
    "AZURE_STORAGE_KEY",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_SECRET",
)
_JOB = re.compile(
    r"(/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.App/jobs/)?[a-z][a-z0-9-]{0,30}[a-z0-9]",
    re.IGNORECASE,
)


@frozen(kw_only=True)
class ContainerAppsSettings(WorkloadSettings):
    """``job`` is a job of Container Apps, which is executed once for each lot.

    It is named by its id (``/subscriptions/…/jobs/NAME``), or by its name, in the subscription and the resource group
    that the settings name. ``image``, or ``imagePath`` (the folder of a Dockerfile), is what an engine of this machine
    runs instead. ``command`` replaces the image's own; of a job, its arguments. An argument such as
    ``$.arcNotifyEvent.lot`` is replaced by what it selects.
    """

    job: str = field(default="")
    image: str = ""
    image_path: str = ""
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    command: tuple[str, ...] = field(default=(), validator=check_command)
    container_runtime_props: ContainerProps = Factory(ContainerProps)

    @job.validator
    def _is_a_job(self, _: object, text: str) -> None:
        if text and not _JOB.fullmatch(text):
            msg = f"{text!r} is not a job of Container Apps"
            hint = "use its name, or '/subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/NAME'"
            raise InvalidValueError(msg, hint=hint)


@frozen(kw_only=True)
class ContainerAppsJobArc(Arc):
    """Runs a container for each lot, which reads and writes manifests by the workload contract.

    Container Apps executes its ``job``; ``cls run --workloads docker`` runs its image on this machine.
    """

    workload: ContainerAppsSettings = field(factory=ContainerAppsSettings)

    @workload.validator
    def _is_whole(self, _: object, workload: ContainerAppsSettings) -> None:
        if not (workload.job or workload.image or workload.image_path):
            msg = f"arc {self.name} has neither a 'job' nor an 'image' or 'imagePath': there is nothing to run"
            raise InvalidValueError(msg)
        if workload.image and workload.image_path:
            msg = f"arc {self.name} has both an 'image' and an 'imagePath'"
            raise InvalidValueError(msg, hint="leave one of them out")


def container(arc: ContainerAppsJobArc) -> Container:
    """What the arc's lots are worked in on this machine; it is handed what leads this process to Azure."""
    workload, props = arc.workload, arc.workload.container_runtime_props
    job = workload.job.rpartition("/")[2] or arc.name

    def told(work: Work) -> Mapping[str, str]:
        return {"CONTAINER_APP_JOB_NAME": job, "CONTAINER_APP_JOB_EXECUTION_NAME": f"{job}-{work.attempt}"}

    return Container(
        image=workload.image,
        image_path=workload.image_path,
        command=workload.command,
        environment=workload.environment,
        passed=_PASSED,
        told=told,
        props=workload.workload_props,
        timeout_sec=props.timeout_min * 60,
        memory_mb=props.memory_size_mb,
        architecture=props.architecture,
    )
