"""Lots worked by executions of a job of Cloud Run: begun, waited for, and ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from cls_gcp import clients
from cls_gcp.cloud_run import CloudRunJobArc
from cls_gcp.errors import answered, asking
from cls_gcp.settings import reach
from clusterless.errors import ObjectMissingError, StoreUnavailableError, WorkloadError
from clusterless.provider import Surroundings, Work
from clusterless.runtime import contract
from clusterless.runtime.container_job import without_engine
from clusterless.runtime.executions import PAUSE, TRIES, Executions

_log = logging.getLogger(__name__)

_PUBLIC = "https://run.googleapis.com"
_RECENT = 100  # executions that are looked through for one whose beginning was not answered

Execution = Mapping[str, Any]
"""What Cloud Run tells of an execution: its ``google.cloud.run.v2.Execution``, as JSON."""


def open_job(arc: CloudRunJobArc, surroundings: Surroundings) -> JobWorkload:
    """What has Cloud Run work the arc.

    Raises:
        NotInstalledError: the arc names no job, and this run was given no engine.
    """
    if not arc.workload.job:
        raise without_engine(arc, "names no job of Cloud Run")
    return JobWorkload(arc, surroundings)


class JobWorkload(Executions):
    """Has the job of Cloud Run executed once a lot."""

    def __init__(self, arc: CloudRunJobArc, surroundings: Surroundings) -> None:
        super().__init__(arc.workload.container_runtime_props.timeout_min * 60, surroundings.clock)
        self._arc = arc
        self._surroundings = surroundings
        placement = surroundings.placement
        found = reach(placement)
        self._job = f"projects/{placement.account}/locations/{placement.region}/jobs/{arc.workload.job}"
        self._root = f"{found.run_endpoint or _PUBLIC}/v2/"
        self._session = clients.session(evolve(found, endpoint=found.run_endpoint))

    # ---- begun

    def begin(self, work: Work) -> str:
        asked = {"overrides": self._overrides(work)}
        for turn in range(TRIES):
            try:
                return str(self._post(f"{self._job}:run", asked)["metadata"]["name"])
            except ObjectMissingError as error:
                msg = f"there is no job {self._job}"
                raise WorkloadError(msg, hint="`gcloud run jobs create` makes one; or check 'job'") from error
            except StoreUnavailableError as lost:
                _log.warning("%s", lost)
                self._surroundings.clock.sleep(PAUSE * 2**turn)
                if begun := self._begun(work):
                    return begun
        msg = f"{self._job} could not be executed, though asked {TRIES} times"
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

    def has_succeeded(self, execution: str) -> bool:
        found = self._get(execution)
        if not found.get("completionTime"):
            return False
        if found.get("succeededCount") and not found.get("failedCount"):
            return True
        said = [each.get("message", "") for each in found.get("conditions", ()) if each.get("type") == "Completed"]
        msg = f"{execution} failed: {' '.join(said) or 'no reason is given'}"
        raise WorkloadError(msg, hint=f"see its log: {found['logUri']}" if found.get("logUri") else "")

    def stop(self, execution: str) -> None:
        self._post(f"{execution}:cancel", {})

    # ---- asked

    def _post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        with asking(path):
            answer = self._session.post(self._root + path, json=body, timeout=(clients.CONNECT, clients.READ))
        answered(path, answer)
        return _read(path, answer)

    def _get(self, path: str, **parameters: str) -> Mapping[str, Any]:
        def ask() -> Mapping[str, Any]:
            with asking(path):
                answer = self._session.get(
                    self._root + path, params=parameters, timeout=(clients.CONNECT, clients.READ)
                )
            answered(path, answer)
            return _read(path, answer)

        return self.patiently(ask)


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
