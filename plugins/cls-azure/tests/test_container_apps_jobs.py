"""Executions of jobs, against a server that knows Container Apps' own messages and replays what it documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import define, evolve, field
from azure.core.credentials import AccessToken
from azure.mgmt.appcontainers import models
from beds.answering import Asked, answering
from beds.azurite import ACCOUNT, REGION
from beds.proxy import Answer, Lost, Plan, proxied

from cls_azure import clients
from cls_azure.container_apps import ContainerAppsJobArc, container
from cls_azure.executions import JobWorkload
from cls_azure.management import Management
from cls_azure.settings import Reach
from clusterless import codec
from clusterless.errors import InvalidValueError, MalformedError, NotInstalledError, StoreRefusedError, WorkloadError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import SinkLot, SourceLot, StoreRoots, Surroundings, Work
from clusterless.testing.clock import SettableClock

GROUP = "/subscriptions/0f0e/resourceGroups/pipelines"
JOB = f"{GROUP}/providers/Microsoft.App/jobs/box"
LOT = Lot.parse("20240131PT5M001")
PLACE = Placement(provider="azure", stage="dev", account=ACCOUNT, region=REGION)
COMPLETE = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=("az://c/out/x",))
BUSY = Answer(503, b'{"error": {"code": "ServiceUnavailable", "message": "The service is unavailable."}}')
SLOW = Answer(429, b'{"error": {"code": "TooManyRequests", "message": "slower"}}', {"Retry-After": "1"})
OWN = models.JobTemplate(
    containers=[
        models.Container(
            name="box",
            image="registry/box:1",
            command=["/box"],
            args=["--own"],
            env=[
                models.EnvironmentVar(name="KEPT", secret_ref="a-secret"),
                models.EnvironmentVar(name="CLS_LOT", value="x"),
            ],
            resources=models.ContainerResources(cpu=0.5, memory="1Gi"),
            volume_mounts=[models.VolumeMount(volume_name="v", mount_path="/v")],
        ),
        models.Container(name="beside", image="registry/beside:1"),
    ],
    init_containers=[models.InitContainer(name="first", image="registry/first:1")],
)
"""What the job is made with."""


# ---- the service -----------------------------------------------------------------------------------------------


def started(template: Mapping[str, Any]) -> models.JobExecutionTemplate:
    """The service's own message, which takes no key and no value that it does not know."""
    assert set(template) <= {"containers", "initContainers"}
    return models.JobExecutionTemplate(
        containers=[_container(each) for each in template["containers"]],
        init_containers=[_container(each) for each in template.get("initContainers", ())],
    )


def _container(values: Mapping[str, Any]) -> models.JobExecutionContainer:
    given = dict(values)
    env = [_variable(each) for each in given.pop("env", ())]
    resources = models.ContainerResources(**given.pop("resources")) if "resources" in given else None
    assert all(isinstance(each, str) for each in (*given.get("args", ()), *given.get("command", ())))
    return models.JobExecutionContainer(env=env, resources=resources, **given)


def _variable(values: Mapping[str, Any]) -> models.EnvironmentVar:
    names = {"secretRef": "secret_ref"}
    return models.EnvironmentVar(**{names.get(name, name): value for name, value in values.items()})


@define
class Service:
    """Container Apps, as far as its documentation tells: each execution ends at the look after it was begun."""

    executions: list[models.JobExecution] = field(factory=list)
    ends: dict[str, Any] = field(factory=lambda: {"status": "Succeeded"})
    stopped: list[str] = field(factory=list)
    ever: bool = False  # executions go on until they are stopped
    unnamed: bool = False  # what is begun is accepted, and its name not told
    pages: int = 100  # executions on one
    endpoint: str = ""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        assert "authorization" not in asked.headers  # in plain text
        parts = urlsplit(asked.path)
        assert "api-version=2024-03-01" in parts.query
        if not parts.path.startswith(JOB):
            return 404, {"error": {"code": "ResourceNotFound", "message": f"{parts.path} was not found"}}
        match asked.method, parts.path.removeprefix(JOB).split("/")[1:]:
            case "GET", []:
                return 200, {"name": "box", "properties": {"template": OWN.as_dict()}}
            case "POST", ["start"]:
                made = self.begin(asked.json)
                return (202, None) if self.unnamed else (200, {"name": made.name, "id": made.id})
            case "GET", ["executions"]:
                return 200, self.listed(int(parts.query.partition("skip=")[2] or 0))
            case "GET", ["executions", name]:
                return self.look(name)
            case "POST", ["executions", name, "stop"]:
                self.stopped.append(name)
                return 202, None
        return 405, {"error": {"code": "MethodNotAllowed", "message": "no"}}

    def begin(self, body: Any) -> models.JobExecution:
        name = f"box-{len(self.executions)}"
        properties = models.JobExecutionProperties({"status": "Running", "template": started(body).as_dict()})
        made = models.JobExecution({"name": name, "id": f"{JOB}/executions/{name}", "properties": properties})
        self.executions.append(made)
        return made

    def listed(self, skip: int) -> dict[str, Any]:
        page = self.executions[skip : skip + self.pages]
        more = f"{self.endpoint}{JOB}/executions?api-version=2024-03-01&skip={skip + self.pages}"
        link = {"nextLink": more} if skip + self.pages < len(self.executions) else {}
        return {"value": [each.as_dict() for each in page], **link}

    def look(self, name: str) -> tuple[int, Any]:
        (found,) = [each for each in self.executions if each.name == name]
        told = found.as_dict()
        if not self.ever:
            found["properties"].update(self.ends)
        return 200, told


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def around(service: Service, plan: Plan, apart: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Surroundings]:
    with answering(service.answer) as endpoint, proxied(endpoint, plan) as proxy:
        service.endpoint = proxy
        (tmp_path / ".clsconfig-azure").write_text(
            f'managementEndpoint = "{proxy}"\nsubscription = "0f0e"\nresourceGroup = "pipelines"'
        )
        apart.chdir(tmp_path)
        root = "az://c/"
        yield Surroundings(
            project=Project(name="Demo", version="1"),
            placement=PLACE,
            roots=StoreRoots(metadata=root, arc_state=root, manifest=root),
            open_store=find_plugins().open_store,
            clock=SettableClock(),
            base=tmp_path,
            scratch=tmp_path,
        )


def arc(**workload: Any) -> ContainerAppsJobArc:
    written = {
        "type": "azure:core:containerAppsJobArc",
        "name": "box",
        "sources": {"main": {"name": "a", "version": "1"}},
        "sinks": {"main": {"name": "b", "version": "1", "pathURI": "az://c/out/"}},
    }
    values = {**written, "workload": workload or {"job": "box"}}
    read: ContainerAppsJobArc = codec.read_declaration(values, ContainerAppsJobArc, source="p.json")
    return read


def work(tmp_path: Path, manifest: Manifest | None = COMPLETE, stopping: Callable[[], bool] = lambda: False) -> Work:
    source = LocatedDataset(name="a", version="1", path_uri="az://c/in/")
    sink = LocatedDataset(name="b", version="1", path_uri="az://c/out/")
    listed = SourceLot(dataset=source, manifest_uri="az://m/manifest.json", revision=0, read=lambda: COMPLETE)
    return Work(
        arc="box",
        lot=LOT,
        attempt="attempt-1",
        revision=0,
        token="token-1",
        role="main",
        sources={"main": listed},
        sinks={"main": SinkLot(dataset=sink, staging="az://m/lot={lot}/state={state}/manifest.json")},
        collect=lambda: {"main": manifest} if manifest else {},
        stopping=stopping,
        output=tmp_path / "output",
    )


# ---- executed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", ["box", JOB])
def test_a_job_is_executed_once_and_told_of_its_lot(
    around: Surroundings, service: Service, tmp_path: Path, job: str
) -> None:
    declared = arc(job=job, command=["--lot", "$.arcNotifyEvent.lot"], environment={"A": "b"})
    result = JobWorkload(declared, around).run(work(tmp_path))
    assert result.sinks["main"].manifest == COMPLETE
    (execution,) = service.executions
    template = execution["properties"]["template"]
    box, beside = template["containers"]
    told = {each["name"]: each.get("value") for each in box["env"]}
    assert (box["image"], box["command"], box["args"]) == ("registry/box:1", ["/box"], ["--lot", str(LOT)])
    assert box["resources"] == {"cpu": 0.5, "memory": "1Gi"}
    assert (told["A"], told["CLS_LOT"], told["CLS_ATTEMPT"]) == ("b", str(LOT), "attempt-1")
    assert box["env"][0] == {"name": "KEPT", "secretRef": "a-secret"}
    assert len(told) == len(box["env"])
    assert json.loads(told["CLS_ARC_PROPS_JSON"])["sourceManifestPaths"] == {"main": "az://m/manifest.json"}
    assert (beside["image"], template["initContainers"][0]["name"]) == ("registry/beside:1", "first")


def test_a_jobs_own_arguments_stay_where_none_are_given(around: Surroundings, service: Service, tmp_path: Path) -> None:
    JobWorkload(arc(), around).run(work(tmp_path))
    (execution,) = service.executions
    assert execution["properties"]["template"]["containers"][0]["args"] == ["--own"]


@pytest.mark.parametrize("trouble", [[Lost()], [BUSY], [SLOW], [BUSY, Lost()], [Lost(), Lost()]])
def test_a_job_whose_beginning_was_not_answered_is_not_executed_twice(
    around: Surroundings, service: Service, plan: Plan, tmp_path: Path, trouble: list[Answer | Lost]
) -> None:
    plan.add("/start", *trouble)
    JobWorkload(arc(), around).run(work(tmp_path))
    assert len(service.executions) == 1


def test_what_was_accepted_without_a_name_is_looked_for_and_not_begun_again(
    around: Surroundings, service: Service, plan: Plan, tmp_path: Path
) -> None:
    service.unnamed, service.pages = True, 1
    for _ in range(2):  # those of other lots
        service.begin({"containers": [{"env": [{"name": "CLS_ATTEMPT", "value": "another"}]}]})
    plan.add(r"/executions\?", Answer(200, b'{"value": []}'))  # it is not listed at once
    JobWorkload(arc(), around).run(work(tmp_path))
    assert len(service.executions) == 3
    assert len([each for each in plan.asked if each.startswith("POST")]) == 1


def test_looks_that_are_not_answered_or_come_too_soon_are_made_again(
    around: Surroundings, plan: Plan, tmp_path: Path
) -> None:
    plan.add("GET .*/executions/", BUSY, Lost(), SLOW)
    assert JobWorkload(arc(), around).run(work(tmp_path)).sinks
    plan.add("GET .*/executions/", Answer(404, b'{"error": {"code": "NotFound", "message": "not yet"}}'))
    assert JobWorkload(arc(), around).run(work(tmp_path)).sinks


def test_who_is_always_busy_has_the_lot_fail(
    around: Surroundings, service: Service, plan: Plan, tmp_path: Path
) -> None:
    plan.add("/start", *[BUSY] * 9)
    with pytest.raises(WorkloadError, match="could not be executed, though asked 4 times"):
        JobWorkload(arc(), around).run(work(tmp_path))
    assert service.executions == []


@pytest.mark.parametrize("status", ["Failed", "Degraded", "Stopped"])
def test_what_failed_is_told_with_its_reason_and_log(
    around: Surroundings, service: Service, tmp_path: Path, status: str
) -> None:
    service.ends = {"status": status, "reason": "BackoffLimitExceeded", "message": "It exited with 1."}
    told = f"box-0 {status.lower()}: BackoffLimitExceeded It exited with 1"
    with pytest.raises(WorkloadError, match=told) as failed:
        JobWorkload(arc(), around).run(work(tmp_path, None))
    assert "az containerapp job logs show --execution box-0" in failed.value.hint


def test_what_failed_and_left_something_partial_is_partial(
    around: Surroundings, service: Service, tmp_path: Path
) -> None:
    service.ends = {"status": "Failed"}
    partial = evolve(COMPLETE, state=ManifestState.PARTIAL)
    result = JobWorkload(arc(), around).run(work(tmp_path, partial))
    assert "no reason is given" in result.problem


def test_what_ended_well_without_a_manifest_has_failed(around: Surroundings, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="without a manifest for sink 'main'"):
        JobWorkload(arc(), around).run(work(tmp_path, None))


def test_what_is_to_stop_is_stopped(around: Surroundings, service: Service, tmp_path: Path) -> None:
    service.ever = True
    with pytest.raises(WorkloadError, match="was stopped"):
        JobWorkload(arc(), around).run(work(tmp_path, None, stopping=lambda: True))
    assert service.stopped == ["box-0"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(403, b'{"error": {"code": "AuthorizationFailed", "message": "no role"}}'), "access was denied"),
        (Answer(400, b'{"error": {"code": "InvalidTemplate", "message": "it is wrong"}}'), "it is wrong"),
        (Answer(200, b"<html>"), "could not be executed"),
    ],
)
def test_what_the_service_refuses_fails_the_lot(
    around: Surroundings, plan: Plan, tmp_path: Path, answer: Answer, told: str
) -> None:
    plan.add("/start", *[answer] * 4)
    with pytest.raises(WorkloadError, match=told):
        JobWorkload(arc(), around).run(work(tmp_path, None))


def test_a_job_that_is_not_there_is_told_with_what_to_do(around: Surroundings, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"there is no job .*/jobs/nobody") as refused:
        JobWorkload(arc(job="nobody"), around).run(work(tmp_path, None))
    assert "az containerapp job create" in refused.value.hint


# ---- declared --------------------------------------------------------------------------------------------------


def test_a_job_whose_place_nobody_names_is_refused(apart: pytest.MonkeyPatch, tmp_path: Path) -> None:
    apart.chdir(tmp_path)
    around: Any = type("Around", (), {"placement": PLACE})
    with pytest.raises(InvalidValueError, match="nothing says where the job box") as refused:
        JobWorkload(arc(), around)
    assert "'resourceGroup' in .clsconfig-azure" in refused.value.hint


def test_the_service_is_asked_as_an_identity(apart: pytest.MonkeyPatch) -> None:
    scopes: list[str] = []

    class Nobody:
        def get_token(self, *asked: str, **_: object) -> AccessToken:
            scopes.extend(asked)
            raise StoreRefusedError("nobody")

    apart.setattr(clients, "identity", lambda _: Nobody())
    with pytest.raises(StoreRefusedError, match="nobody"):
        Management(Reach(), "v").get("/jobs")
    assert scopes == ["https://management.azure.com/.default"]


@pytest.mark.parametrize(
    ("workload", "told"),
    [
        ({"environment": {}}, "neither a 'job' nor an 'image'"),
        ({"image": "i", "imagePath": "p"}, "both an 'image' and an 'imagePath'"),
        ({"job": "j1", "command": ["$.a-b."]}, "selects nothing"),
        ({"job": "Not_A_Job"}, "is not a job of Container Apps"),
        ({"job": "/subscriptions/s/jobs/box"}, "is not a job of Container Apps"),
        ({"job": "j1", "jobs": 1}, "jobs"),
    ],
)
def test_mistakes_are_told(workload: dict[str, Any], told: str) -> None:
    with pytest.raises(MalformedError) as refused:
        arc(**workload)
    assert told in refused.value.problem


def test_an_engine_of_this_machine_runs_the_image(tmp_path: Path) -> None:
    made = container(arc(image="i:1", command=["x"], containerRuntimeProps={"memorySizeMB": 2048, "timeoutMin": 2}))
    assert (made.image, list(made.command), made.memory_mb, made.timeout_sec) == ("i:1", ["x"], 2048, 120)
    assert "AZURE_STORAGE_CONNECTION_STRING" in made.passed
    assert made.told(work(tmp_path)) == {
        "CONTAINER_APP_JOB_NAME": "box",
        "CONTAINER_APP_JOB_EXECUTION_NAME": "box-attempt-1",
    }


def test_without_a_job_and_an_engine_it_is_said_how_to_have_one() -> None:
    component = find_plugins().arcs()["azure:core:containerAppsJobArc"]
    assert component.container is container
    with pytest.raises(NotInstalledError, match="names no job") as refused:
        component.load()(arc(image="i"), None)  # type: ignore[arg-type]
    assert refused.value.hint.startswith("cls run --workloads docker")
