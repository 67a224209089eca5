"""How an arc that is worked in a container by Azure Container Apps is declared; imports no SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import field, frozen

from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc
from clusterless.provider import Container, Work
from clusterless.runtime.container_job import JobSettings, check_whole

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
class ContainerAppsSettings(JobSettings):
    """``job`` is a job of Container Apps, which is executed once for each lot.

    It is named by its id (``/subscriptions/…/jobs/NAME``), or by its name, in the subscription and the resource group
    that the settings name.
    """

    job: str = field(default="")

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

    workload: ContainerAppsSettings = field(factory=ContainerAppsSettings, validator=check_whole)


def container(arc: ContainerAppsJobArc) -> Container:
    """What the arc's lots are worked in on this machine; it is handed what leads this process to Azure."""
    job = arc.workload.job.rpartition("/")[2] or arc.name

    def told(work: Work) -> Mapping[str, str]:
        return {"CONTAINER_APP_JOB_NAME": job, "CONTAINER_APP_JOB_EXECUTION_NAME": f"{job}-{work.attempt}"}

    return arc.workload.container(_PASSED, told)
