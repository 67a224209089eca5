"""Executions of jobs, against a server that knows Cloud Run's own messages and replays what it documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from attrs import define, evolve, field
from beds.proxy import Answer, Lost, Plan, proxied
from google.cloud import run_v2
from google.protobuf.json_format import MessageToDict, ParseDict

from cls_gcp.cloud_run import CloudRunJobArc, container
from cls_gcp.executions import JobWorkload
from clusterless import codec
from clusterless.errors import MalformedError, NotInstalledError, WorkloadError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import SinkLot, SourceLot, StoreRoots, Surroundings, Work
from clusterless.testing.clock import SettableClock

JOB = "projects/my-project/locations/europe-west1/jobs/box"
LOT = Lot.parse("20240131PT5M001")
PLACE = Placement(provider="gcp", stage="dev", account="my-project", region="europe-west1")
COMPLETE = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=("gs://b/out/x",))
BUSY = Answer(
    503, b'{"error": {"code": 503, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}}'
)


@define
class Service:
    """Cloud Run, as far as its documentation tells: each execution ends at the look after it was begun."""

    executions: list[run_v2.Execution] = field(factory=list)
    ends: dict[str, Any] = field(factory=lambda: {"succeeded_count": 1})
    cancelled: list[str] = field(factory=list)
    ever: bool = False  # executions go on until they are cancelled

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST" and (match := re.fullmatch(r"/v2/(.+/jobs/[^/]+):run", path)):
            asked = ParseDict({"name": match[1], **body}, run_v2.RunJobRequest.pb()())  # refuses what is not known
            if match[1] != JOB:
                return 404, {"error": {"code": 404, "message": f"Resource '{match[1]}' was not found"}}
            return 200, self.begin(asked)
        if method == "POST" and (match := re.fullmatch(r"/v2/(.+/executions/[^/]+):cancel", path)):
            self.cancelled.append(match[1])
            return 200, {"name": "operations/1"}
        if path.startswith(f"/v2/{JOB}/executions?"):
            return 200, {"executions": [_told(each) for each in self.executions]}
        return 200, self.look(path.removeprefix("/v2/"))

    def begin(self, asked: Any) -> dict[str, Any]:
        overrides = asked.overrides.container_overrides[0]
        env = [run_v2.EnvVar(name=each.name, value=each.value) for each in overrides.env]
        box = run_v2.Container(image="i", args=list(overrides.args), env=env)
        name = f"{JOB}/executions/box-{len(self.executions)}"
        template = run_v2.TaskTemplate(containers=[box], timeout={"seconds": asked.overrides.timeout.seconds})
        made = run_v2.Execution(name=name, template=template, log_uri="https://console/logs")
        self.executions.append(made)
        return {"name": "projects/p/locations/l/operations/1", "metadata": _told(made), "done": False}

    def look(self, name: str) -> dict[str, Any]:
        (found,) = [each for each in self.executions if each.name == name]
        told = _told(found)
        if not self.ever:
            done = run_v2.Execution(completion_time={"seconds": 1}, **self.ends)
            found._pb.MergeFrom(done._pb)
        return told


def _told(execution: run_v2.Execution) -> dict[str, Any]:
    told: dict[str, Any] = MessageToDict(execution._pb)
    return told


@contextmanager
def serving(service: Service) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            status, value = service.answer(self.command, self.path, body)
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_any  # noqa: N815 -- as the server looks for them

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def around(service: Service, plan: Plan, apart: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Surroundings]:
    with serving(service) as endpoint, proxied(endpoint, plan) as proxy:
        (tmp_path / ".clsconfig-gcp").write_text(f'runEndpoint = "{proxy}"')
        apart.chdir(tmp_path)
        root = "gs://b/"
        yield Surroundings(
            project=Project(name="Demo", version="1"),
            placement=PLACE,
            roots=StoreRoots(metadata=root, arc_state=root, manifest=root),
            open_store=find_plugins().open_store,
            clock=SettableClock(),
            base=tmp_path,
            scratch=tmp_path,
        )


def arc(**workload: Any) -> CloudRunJobArc:
    written = {
        "type": "gcp:core:cloudRunJobArc",
        "name": "box",
        "sources": {"main": {"name": "a", "version": "1"}},
        "sinks": {"main": {"name": "b", "version": "1", "pathURI": "gs://b/out/"}},
    }
    values = {**written, "workload": workload or {"job": "box"}}
    read: CloudRunJobArc = codec.read_declaration(values, CloudRunJobArc, source="p.json")
    return read


def work(tmp_path: Path, manifest: Manifest | None = COMPLETE, stopping: Callable[[], bool] = lambda: False) -> Work:
    source = LocatedDataset(name="a", version="1", path_uri="gs://b/in/")
    sink = LocatedDataset(name="b", version="1", path_uri="gs://b/out/")
    listed = SourceLot(dataset=source, manifest_uri="gs://m/manifest.json", revision=0, read=lambda: COMPLETE)
    return Work(
        arc="box",
        lot=LOT,
        attempt="attempt-1",
        revision=0,
        token="token-1",
        role="main",
        sources={"main": listed},
        sinks={"main": SinkLot(dataset=sink, staging="gs://m/lot={lot}/state={state}/manifest.json")},
        collect=lambda: {"main": manifest} if manifest else {},
        stopping=stopping,
        output=tmp_path / "output",
    )


def test_a_job_is_executed_once_and_told_of_its_lot(around: Surroundings, service: Service, tmp_path: Path) -> None:
    declared = arc(job="box", command=["--lot", "$.arcNotifyEvent.lot"], environment={"A": "b"})
    result = JobWorkload(declared, around).run(work(tmp_path))
    assert result.sinks["main"].manifest == COMPLETE
    (execution,) = service.executions
    (box,) = execution.template.containers
    told = {each.name: each.value for each in box.env}
    assert list(box.args) == ["--lot", str(LOT)]
    assert (told["A"], told["CLS_LOT"], told["CLS_ATTEMPT"]) == ("b", str(LOT), "attempt-1")
    assert json.loads(told["CLS_ARC_PROPS_JSON"])["sourceManifestPaths"] == {"main": "gs://m/manifest.json"}
    assert execution.template.timeout.seconds == 3600


@pytest.mark.parametrize("trouble", [[Lost()], [BUSY], [BUSY, Lost()], [Lost(), Lost()]])
def test_a_job_whose_beginning_was_not_answered_is_not_executed_twice(
    around: Surroundings, service: Service, plan: Plan, tmp_path: Path, trouble: list[Answer | Lost]
) -> None:
    plan.add(":run", *trouble)
    JobWorkload(arc(), around).run(work(tmp_path))
    assert len(service.executions) == 1


def test_looks_that_are_not_answered_are_made_again(around: Surroundings, plan: Plan, tmp_path: Path) -> None:
    plan.add("GET .*/executions/", BUSY, Lost(), Answer(429))
    assert JobWorkload(arc(), around).run(work(tmp_path)).sinks


def test_who_is_always_busy_has_the_lot_fail(
    around: Surroundings, service: Service, plan: Plan, tmp_path: Path
) -> None:
    plan.add(":run", *[BUSY] * 9)
    with pytest.raises(WorkloadError, match="could not be executed, though asked 4 times"):
        JobWorkload(arc(), around).run(work(tmp_path))
    assert service.executions == []


def test_what_failed_is_told_with_its_reason_and_log(around: Surroundings, service: Service, tmp_path: Path) -> None:
    condition = {"type_": "Completed", "state": "CONDITION_FAILED", "message": "The container exited with 1."}
    service.ends = {"failed_count": 1, "conditions": [condition]}
    with pytest.raises(WorkloadError, match=r"box-0 failed: The container exited with 1\.") as failed:
        JobWorkload(arc(), around).run(work(tmp_path, None))
    assert "https://console/logs" in failed.value.hint


def test_what_failed_and_left_something_partial_is_partial(
    around: Surroundings, service: Service, tmp_path: Path
) -> None:
    service.ends = {"failed_count": 1}
    partial = evolve(COMPLETE, state=ManifestState.PARTIAL)
    result = JobWorkload(arc(), around).run(work(tmp_path, partial))
    assert "no reason is given" in result.problem


def test_what_ended_well_without_a_manifest_has_failed(around: Surroundings, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="without a manifest for sink 'main'"):
        JobWorkload(arc(), around).run(work(tmp_path, None))


def test_what_is_to_stop_is_cancelled(around: Surroundings, service: Service, tmp_path: Path) -> None:
    service.ever = True
    with pytest.raises(WorkloadError, match="was stopped"):
        JobWorkload(arc(), around).run(work(tmp_path, None, stopping=lambda: True))
    assert service.cancelled == [f"{JOB}/executions/box-0"]


def test_a_job_that_is_not_there_is_told_with_what_to_do(around: Surroundings, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"there is no job .*/jobs/nobody") as refused:
        JobWorkload(arc(job="nobody"), around).run(work(tmp_path, None))
    assert "gcloud run jobs create" in refused.value.hint


# ---- declared --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workload", "told"),
    [
        ({"environment": {}}, "neither a 'job' nor an 'image'"),
        ({"image": "i", "imagePath": "p"}, "both an 'image' and an 'imagePath'"),
        ({"job": "j", "command": ["$.a-b."]}, "selects nothing"),
        ({"job": "j", "jobs": 1}, "jobs"),
    ],
)
def test_mistakes_are_told(workload: dict[str, Any], told: str) -> None:
    with pytest.raises(MalformedError) as refused:
        arc(**workload)
    assert told in refused.value.problem


def test_an_engine_of_this_machine_runs_the_image() -> None:
    made = container(arc(image="i:1", command=["x"], containerRuntimeProps={"memorySizeMB": 2048, "timeoutMin": 2}))
    assert (made.image, list(made.command), made.memory_mb, made.timeout_sec) == ("i:1", ["x"], 2048, 120)
    assert "STORAGE_EMULATOR_HOST" in made.passed


def test_without_a_job_and_an_engine_it_is_said_how_to_have_one() -> None:
    component = find_plugins().arcs()["gcp:core:cloudRunJobArc"]
    assert component.container is container
    with pytest.raises(NotInstalledError, match="names no job") as refused:
        component.load()(arc(image="i"), None)  # type: ignore[arg-type]
    assert refused.value.hint.startswith("cls run --workloads docker")
