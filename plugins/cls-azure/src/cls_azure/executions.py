"""Lots worked by executions of a job of Container Apps: begun, waited for, and ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from cls_azure.container_apps import ContainerAppsJobArc
from cls_azure.management import Management
from cls_azure.settings import Reach, reach
from clusterless.errors import (
    InvalidValueError,
    ObjectMissingError,
    StoreUnavailableError,
    WorkloadError,
)
from clusterless.provider import Surroundings, Work
from clusterless.runtime import contract
from clusterless.runtime.container_job import without_engine
from clusterless.runtime.executions import PAUSE, TRIES, Executions

_log = logging.getLogger(__name__)

_VERSION = "2024-03-01"
_SUCCEEDED = "Succeeded"
_FAILED = {"Failed", "Stopped", "Degraded"}
_OVERRIDABLE = ("image", "name", "command", "args", "env")
_SIZES = ("cpu", "memory")

Values = Mapping[str, Any]
"""What Container Apps tells or is told of a job, an execution, or a part of one, as JSON."""


def open_job(arc: ContainerAppsJobArc, surroundings: Surroundings) -> JobWorkload:
    """What has Container Apps work the arc.

    Raises:
        NotInstalledError: the arc names no job, and this run was given no engine.
        InvalidValueError: nothing says where the job is.
    """
    if not arc.workload.job:
        raise without_engine(arc, "names no job of Container Apps")
    return JobWorkload(arc, surroundings)


class JobWorkload(Executions):
    """Has the job of Container Apps executed once a lot.

    Raises:
        InvalidValueError: nothing says where the job is.
    """

    def __init__(self, arc: ContainerAppsJobArc, surroundings: Surroundings) -> None:
        found = reach(surroundings.placement)
        self._job = _job_path(arc.workload.job, found)
        super().__init__(arc.workload.container_runtime_props.timeout_min * 60, surroundings.clock)
        self._arc = arc
        self._surroundings = surroundings
        self._management = Management(found, _VERSION)

    # ---- begun

    def begin(self, work: Work) -> str:
        try:
            template = self._template(self._get(self._job), work)
        except ObjectMissingError as error:
            msg = f"there is no job {self._job}"
            raise WorkloadError(msg, hint="`az containerapp job create` makes one; or check 'job'") from error
        accepted = False  # and its name comes later
        for turn in range(TRIES):
            try:
                if not accepted:
                    if named := self._management.post(f"{self._job}/start", template).get("name"):
                        return str(named)
                    accepted = True
            except StoreUnavailableError as lost:
                _log.warning("%s", lost)
            self._surroundings.clock.sleep(PAUSE * 2**turn)
            if begun := self._begun(work):
                return begun
        msg = f"{self._job} could not be executed, though asked {TRIES} times"
        raise WorkloadError(msg)

    def _begun(self, work: Work) -> str | None:
        """The execution of this attempt, if one was begun though its name was not told."""
        of = ({"name": "CLS_ATTEMPT", "value": work.attempt},)
        return next((str(each["name"]) for each in self._executions() if _has(each, *of)), None)

    def _executions(self) -> Iterator[Values]:
        more: str | None = f"{self._job}/executions"
        while more:
            page = self._get(more)
            yield from page.get("value", ())
            more = page.get("nextLink")

    def _template(self, job: Values, work: Work) -> Values:
        """The job's own, whose first container is told of the lot: what is given replaces all that the job has."""
        own = job["properties"]["template"]
        first, *others = map(_overridable, own.get("containers") or [{}])
        settings = self._arc.workload
        variables = {**settings.environment, **contract.variables(self._arc, work, settings.workload_props)}
        kept = [each for each in first.get("env") or () if each["name"] not in variables]
        first["env"] = kept + [{"name": name, "value": value} for name, value in variables.items()]
        if settings.command:
            first["args"] = contract.arguments(settings.command, work, {})
        template: dict[str, Any] = {"containers": [first, *others]}
        if before := own.get("initContainers"):
            template["initContainers"] = [*map(_overridable, before)]
        return template

    # ---- waited for

    def has_succeeded(self, execution: str) -> bool:
        path = self._path(execution)
        perhaps_too_new = (StoreUnavailableError, ObjectMissingError)
        found = self.patiently(lambda: self._management.get(path), perhaps_too_new)
        properties = found.get("properties", {})
        if properties.get("status") in _FAILED:
            said = " ".join(str(properties[key]) for key in ("reason", "message") if properties.get(key))
            msg = f"{execution} {str(properties['status']).lower()}: {said or 'no reason is given'}"
            raise WorkloadError(msg, hint=f"see its log: az containerapp job logs show --execution {execution} …")
        return bool(properties.get("status") == _SUCCEEDED)

    def stop(self, execution: str) -> None:
        self._management.post(f"{self._path(execution)}/stop")

    def _path(self, execution: str) -> str:
        return f"{self._job}/executions/{execution}"

    # ---- asked

    def _get(self, path: str) -> Values:
        return self.patiently(lambda: self._management.get(path))


def _job_path(job: str, found: Reach) -> str:
    """Where the *job* is, whose name may stand alone."""
    if "/" in job:
        return job
    if not (found.subscription and found.resource_group):
        msg = f"nothing says where the job {job} of Container Apps is"
        hint = "set 'subscription' and 'resourceGroup' in .clsconfig-azure, or give the job's id, /subscriptions/…"
        raise InvalidValueError(msg, hint=hint)
    group = f"/subscriptions/{found.subscription}/resourceGroups/{found.resource_group}"
    return f"{group}/providers/Microsoft.App/jobs/{job}"


def _overridable(container: Values) -> dict[str, Any]:
    """What of a job's *container* an execution may be given."""
    given = {key: container[key] for key in _OVERRIDABLE if container.get(key)}
    sizes = {key: value for key, value in (container.get("resources") or {}).items() if key in _SIZES}
    return given | ({"resources": sizes} if sizes else {})


def _has(execution: Values, variable: Values) -> bool:
    """Whether the *execution*'s first container was told that *variable*."""
    containers = execution.get("properties", {}).get("template", {}).get("containers") or [{}]
    return any(variable.items() <= each.items() for each in containers[0].get("env") or ())
