"""How an arc that is worked in a container by Cloud Run is declared; imports no SDK."""

from __future__ import annotations

from attrs import field, frozen

from clusterless.model.arc import Arc
from clusterless.provider import Container
from clusterless.runtime.container_job import JobSettings, check_whole

_PASSED = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "STORAGE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST",
)


@frozen(kw_only=True)
class CloudRunSettings(JobSettings):
    """``job`` is a job of Cloud Run in the placement's location, which is executed once for each lot."""

    job: str = ""


@frozen(kw_only=True)
class CloudRunJobArc(Arc):
    """Runs a container for each lot, which reads and writes manifests by the workload contract.

    Cloud Run executes its ``job``; ``cls run --workloads docker`` runs its image on this machine.
    """

    workload: CloudRunSettings = field(factory=CloudRunSettings, validator=check_whole)


def container(arc: CloudRunJobArc) -> Container:
    """What the arc's lots are worked in on this machine; it is handed what leads this process to Google Cloud."""
    return arc.workload.container(_PASSED)
