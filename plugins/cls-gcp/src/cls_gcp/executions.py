"""Lots worked by executions of a job of Cloud Run: begun, waited for, and ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

from attrs import evolve

from cls_gcp import clients
from cls_gcp.cloud_run import CloudRunJobArc
from cls_gcp.errors import answered, asking
from cls_gcp.settings import reach
from clusterless.errors import ClsError, NotInstalledError, ObjectMissingError, StoreUnavailableError, WorkloadError
from clusterless.provider import Surroundings, Work, WorkResult
from clusterless.runtime import contract
from clusterless.runtime.staged import failed, succeeded

_log = logging.getLogger(__name__)

_PUBLIC = "https://run.googleapis.com"
_TRIES = 4  # to begin, and of each look
_PAUSE = 2.0  # seconds before it is asked again, and between looks
_GRACE = 120.0  # seconds that an execution may wait for a place beyond its own time
_RECENT = 100  # executions that are looked through for one whose beginning was not answered

Execution = Mapping[str, Any]
"""What Cloud Run tells of an execution: its ``google.cloud.run.v2.Execution``, as JSON."""


def open_job(arc: CloudRunJobArc, surroundings: Surroundings) -> JobWorkload:
    """What has Cloud Run work the arc.

    Raises:
        NotInstalledError: the arc names no job, and this run was given no engine.
    """
    if not arc.workload.job:
        msg = f"arc {arc.name} names no job of Cloud Run, and this run was given no engine for containers"
        hint = "cls run --workloads docker …; where docker is not known: pip install cls-docker"
        raise NotInstalledError(msg, hint=hint)
    return JobWorkload(arc, surroundings)


class JobWorkload:
    """Has the job executed once a lot; any number of lots may be worked at a time."""

    def __init__(self, arc: CloudRunJobArc, surroundings: Surroundings) -> None:
        self._arc = arc
        self._surroundings = surroundings
        placement = surroundings.placement
        found = reach(placement)
        self._job = f"projects/{placement.account}/locations/{placement.region}/jobs/{arc.workload.job}"
        self._root = f"{found.run_endpoint or _PUBLIC}/v2/"
        self._session = clients.session(evolve(found, endpoint=found.run_endpoint))
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
        asked = {"overrides": self._overrides(work)}
        for turn in range(_TRIES):
            try:
                return str(self._post(f"{self._job}:run", asked)["metadata"]["name"])
            except ObjectMissingError as error:
                msg = f"there is no job {self._job}"
                raise WorkloadError(msg, hint="`gcloud run jobs create` makes one; or check 'job'") from error
            except StoreUnavailableError as lost:
                _log.warning("%s", lost)
                self._surroundings.clock.sleep(_PAUSE * 2**turn)
                if begun := self._begun(work):
                    return begun
        msg = f"{self._job} could not be executed, though asked {_TRIES} times"
        raise WorkloadError(msg)

    def _begun(self, work: Work) -> str | None:
        """The execution of this attempt, if one was begun though no answer came."""
        found = self._get(f"{self._job}/executions", pageSize=str(_RECENT)).get("executions", [])
        return next((str(each["name"]) for each in found if _variables(each).get("CLS_ATTEMPT") == work.attempt), None)

    def _overrides(self, work: Work) -> dict[str, Any]:
        settings = self._arc.workload
        variables = {**settings.environment, **contract.variables(self._arc, work, settings.workload_props)}
        given: dict[str, Any] = {"env": [{"name": name, "value": value} for name, value in variables.items()]}
        if settings.command:
            given["args"] = contract.arguments(settings.command, work, {})
        return {"containerOverrides": [given], "taskCount": 1, "timeout": f"{self._timeout}s"}

    # ---- waited for

    def _wait(self, name: str, work: Work) -> None:
        limit = monotonic() + self._timeout + _GRACE
        while True:
            execution = self._get(name)
            if execution.get("completionTime"):
                return self._judge(execution)
            if work.stopping() or monotonic() > limit:
                self._cancel(name)
                msg = f"{name} was cancelled: it was to be given up, or took too long"
                raise WorkloadError(msg)
            self._surroundings.clock.sleep(_PAUSE)

    @staticmethod
    def _judge(execution: Execution) -> None:
        if execution.get("succeededCount") and not execution.get("failedCount"):
            return
        said = [each.get("message", "") for each in execution.get("conditions", ()) if each.get("type") == "Completed"]
        msg = f"{execution['name']} failed: {' '.join(said) or 'no reason is given'}"
        raise WorkloadError(msg, hint=f"see its log: {execution['logUri']}" if execution.get("logUri") else "")

    def _cancel(self, name: str) -> None:
        try:
            self._post(f"{name}:cancel", {})
        except ClsError as error:
            _log.warning("%s may go on: %s", name, error)

    # ---- asked

    def _post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        with asking(path):
            answer = self._session.post(self._root + path, json=body, timeout=(clients.CONNECT, clients.READ))
        answered(path, answer)
        return _read(path, answer)

    def _get(self, path: str, **parameters: str) -> Mapping[str, Any]:
        for turn in range(_TRIES):
            try:
                with asking(path):
                    answer = self._session.get(
                        self._root + path, params=parameters, timeout=(clients.CONNECT, clients.READ)
                    )
                answered(path, answer)
            except StoreUnavailableError as error:
                if turn == _TRIES - 1:
                    raise
                _log.info("%s", error)
                self._surroundings.clock.sleep(_PAUSE * 2**turn)
            else:
                return _read(path, answer)
        raise AssertionError


def _read(path: str, answer: Any) -> Mapping[str, Any]:
    try:
        value: Mapping[str, Any] = answer.json()
    except ValueError as error:
        msg = f"{path}: the answer is no JSON"
        raise StoreUnavailableError(msg) from error
    return value


def _variables(execution: Execution) -> dict[str, str]:
    containers = execution.get("template", {}).get("containers", ())
    return {each["name"]: each.get("value", "") for container in containers for each in container.get("env", ())}
