"""How an arc that is worked in a container by AWS Batch is declared (FORMATS 6.10); imports no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from uuid import NAMESPACE_URL, uuid5

from attrs import Factory, field, frozen

from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.naming import check_environment
from clusterless.model.runtime_props import ContainerProps, FunctionProps
from clusterless.provider import Container, Surroundings, Work
from clusterless.runtime import container_job
from clusterless.runtime.contract import check_command

_PASSED = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_S3_ENDPOINT",
)


@frozen(kw_only=True)
class BatchSettings(WorkloadSettings):
    """``imagePath`` is the folder of a Dockerfile; a relative one is meant from the project file's.

    ``command`` replaces the image's own; an argument such as ``$.arcNotifyEvent.lot`` is replaced by what it selects.
    """

    batch_runtime_props: ContainerProps = Factory(ContainerProps)
    lambda_runtime_props: FunctionProps = Factory(lambda: FunctionProps(retry_attempts=3, timeout_min=15))
    compute_environment_ref: str = ""
    image_path: str = ""
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    command: tuple[str, ...] = field(default=(), validator=check_command)


@frozen(kw_only=True)
class BatchExecArc(Arc):
    """Runs a container for each lot, which reads and writes manifests by the workload contract.

    Where it is deployed, AWS Batch runs it; ``cls run --workloads docker`` does on this machine.
    """

    workload: BatchSettings = field(factory=BatchSettings)

    @workload.validator
    def _is_whole(self, _: object, workload: BatchSettings) -> None:
        for key, value in (
            ("computeEnvironmentRef", workload.compute_environment_ref),
            ("imagePath", workload.image_path),
        ):
            if not value:
                msg = f"'{key}' is missing: a container needs a place to run, and an image to run"
                raise InvalidValueError(msg)


def container(arc: BatchExecArc) -> Container:
    """What the arc's lots are worked in; it is handed the credentials that this process has."""
    workload, props = arc.workload, arc.workload.batch_runtime_props
    return Container(
        image_path=workload.image_path,
        command=workload.command,
        environment=workload.environment,
        passed=_PASSED,
        told=_told,
        props=workload.workload_props,
        timeout_sec=props.timeout_min * 60,
        memory_mb=props.memory_size_mb,
        architecture=props.architecture,
    )


def _told(work: Work) -> dict[str, str]:
    """What AWS Batch tells a job of itself: each attempt is one."""
    return {"AWS_BATCH_JOB_ID": str(uuid5(NAMESPACE_URL, work.attempt)), "AWS_BATCH_JOB_ATTEMPT": "1"}


def without_engine(arc: BatchExecArc, _: Surroundings) -> NoReturn:
    """Say why the arc cannot be worked by a run that was given no engine.

    Raises:
        NotInstalledError: always.
    """
    raise container_job.without_engine(arc, "is worked in a container")
