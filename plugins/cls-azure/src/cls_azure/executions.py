"""Lots worked by executions of a job of Container Apps: begun, waited for, and ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any

from cls_azure.job_arc import ContainerAppsJobArc
from cls_azure.management import Management
from cls_azure.settings import Reach, reach
from clusterless.errors import (
    ClsError,
    InvalidValueError,
    NotInstalledError,
    ObjectMissingError,
    StoreUnavailableError,
    WorkloadError,
)
from clusterless.provider import Surroundings, Work, WorkResult
from clusterless.runtime import contract
from clusterless.runtime.staged import failed, succeeded

_log = logging.getLogger(__name__)

_VERSION = "2024-03-01"
_TRIES = 4  # to begin, and of each look
_PAUSE = 2.0  # seconds before it is asked again, and between looks
_GRACE = 120.0  # seconds that an execution may wait for a place beyond its own time
_SUCCEEDED = "Succeeded"
_FAILED = {"Failed", "Stopped", "Degraded"}
_OVERRIDABLE = ("image", "name", "command", "args", "env")
_SIZES = ("cpu", "memory")
_PASSING = (StoreUnavailableError,)

Values = Mapping[str, Any]
"""What Container Apps tells or is told of a job, an execution, or a part of one, as JSON."""


def open_job(arc: ContainerAppsJobArc, surroundings: Surroundings) -> JobWorkload:
    """What has Container Apps work the arc.

    Raises:
        NotInstalledError: the arc names no job, and this run was given no engine.
        InvalidValueError: nothing says where the job is.
    """
    if not arc.workload.job:
        msg = f"arc {arc.name} names no job of Container Apps, and this run was given no engine for containers"
        hint = "cls run --workloads docker …; where docker is not known: pip install cls-docker"
        raise NotInstalledError(msg, hint=hint)
    return JobWorkload(arc, surroundings)


class JobWorkload:
    """Has the job executed once a lot; any number of lots may be worked at a time.

    Raises:
        InvalidValueError: nothing says where the job is.
    """

    def __init__(self, arc: ContainerAppsJobArc, surroundings: Surroundings) -> None:
        found = reach(surroundings.placement)
        self._arc = arc
        self._surroundings = surroundings
        self._job = _path(arc.workload.job, found)
        self._management = Management(found, _VERSION)
        self._timeout = arc.workload.container_runtime_props.timeout_min * 60

    def run(self, work: Work) -> WorkResult:
        """Execute the job, and wait until it has ended.

        Raises:
            WorkloadError: it could not be begun, failed, ran too long, was stopped, or left no good manifest, and
                nothing partial.
        """
        try:
            self._wait(self._begin(work), work)
        except WorkloadError as error:
            return failed(work, error)
        except ClsError as error:
            raise WorkloadError(error.problem, hint=error.hint) from error
        return succeeded(work)

    def close(self) -> None:
        """Nothing is held between lots."""

    # ---- begun

    def _begin(self, work: Work) -> str:
        """The name of an execution for this attempt; never a second one."""
        try:
            template = self._template(self._get(self._job), work)
        except ObjectMissingError as error:
            msg = f"there is no job {self._job}"
            raise WorkloadError(msg, hint="`az containerapp job create` makes one; or check 'job'") from error
        accepted = False  # and its name comes later
        for turn in range(_TRIES):
            try:
                if not accepted:
                    if named := self._management.post(f"{self._job}/start", template).get("name"):
                        return str(named)
                    accepted = True
            except StoreUnavailableError as lost:
                _log.warning("%s", lost)
            self._surroundings.clock.sleep(_PAUSE * 2**turn)
            if begun := self._begun(work):
                return begun
        msg = f"{self._job} could not be executed, though asked {_TRIES} times"
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

    def _wait(self, name: str, work: Work) -> None:
        limit = monotonic() + self._timeout + _GRACE
        path = f"{self._job}/executions/{name}"
        while True:
            execution = self._patiently(
                lambda: self._management.get(path), (*_PASSING, ObjectMissingError)
            )  # too new yet
            properties = execution.get("properties", {})
            if properties.get("status") == _SUCCEEDED:
                return
            if properties.get("status") in _FAILED:
                said = " ".join(str(properties[key]) for key in ("reason", "message") if properties.get(key))
                msg = f"{name} {str(properties['status']).lower()}: {said or 'no reason is given'}"
                raise WorkloadError(msg, hint=f"see its log: az containerapp job logs show --execution {name} …")
            if work.stopping() or monotonic() > limit:
                self._stop(path)
                msg = f"{name} was stopped: it was to be given up, or took too long"
                raise WorkloadError(msg)
            self._surroundings.clock.sleep(_PAUSE)

    def _stop(self, path: str) -> None:
        try:
            self._management.post(f"{path}/stop")
        except ClsError as error:
            _log.warning("%s may go on: %s", path, error)

    # ---- asked

    def _get(self, path: str) -> Values:
        return self._patiently(lambda: self._management.get(path))

    def _patiently(self, ask: Callable[[], Values], passing: tuple[type[ClsError], ...] = _PASSING) -> Values:
        """What *ask* gives, asked again where one of *passing* was raised."""
        for turn in range(_TRIES - 1):
            try:
                return ask()
            except passing as error:
                _log.info("%s", error)
                self._surroundings.clock.sleep(_PAUSE * 2**turn)
        return ask()


def _path(job: str, found: Reach) -> str:
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
