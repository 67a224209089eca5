"""`aws:core:cloudWatchExport`: an interval's log events, by exports of which an account has one at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define

from cls_aws import clients
from cls_aws.activities import CloudWatchExport
from cls_aws.clients import client
from cls_aws.components import EventBus, S3Bucket
from cls_aws.log_export import LogExport
from clusterless.errors import InvalidValueError, StoreRefusedError, WorkloadError
from clusterless.model.element import Resource
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import Occasion, StoreRoots, Surroundings
from clusterless.runtime.clock import SystemClock, random_id
from clusterless.testing.clock import SettableClock

PLACE = Placement(provider="aws", account="123456789012", region="us-west-2")
LOT = Lot.parse("20240131PT15M033")
START = datetime(2024, 1, 31, 8, 15, tzinfo=UTC)


def declared(**more: Any) -> CloudWatchExport:
    told = {"log_group_name": "/app", "path_uri": "s3://bucket/logs/", "interval": LotUnit.FOURTHS, **more}
    return CloudWatchExport(type="aws:core:cloudWatchExport", name="export", **told)


def export(
    activity: CloudWatchExport, clock: Any = None, stopping: Callable[[], bool] = lambda: False, *resources: Resource
) -> str:
    around = Surroundings(
        project=Project(name="demo", version="1"),
        placement=PLACE,
        roots=StoreRoots(metadata="", arc_state="", manifest=""),
        open_store=lambda _: pytest.fail("no objects are asked for"),
        clock=clock or SystemClock(),
        base=Path(),
        scratch=Path(),
        resources=resources,
    )
    occasion = Occasion(activity="export", lot=LOT, attempt="0-1-a", token="t", stopping=stopping, output=Path())
    return LogExport(activity, around).run(occasion)


def test_a_group_is_exported_to_a_bucket(moto_endpoint: str, ask: Callable[[str], None]) -> None:
    ask(moto_endpoint)
    bucket = f"b-{random_id()}"
    where = {"LocationConstraint": "us-west-2"}
    client("s3", PLACE).create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    logs = client("logs", PLACE)
    logs.create_log_group(logGroupName="/app")
    assert export(declared(path_uri=f"s3://{bucket}/logs/")) == f"/app to s3://{bucket}/logs/"
    found = [each for each in logs.describe_export_tasks()["exportTasks"] if each["destination"] == bucket]
    assert [each["taskName"] for each in found] == [f"export-{LOT}"]
    export(declared(path_uri=f"s3://{bucket}/logs/"))
    again = [each for each in logs.describe_export_tasks()["exportTasks"] if each["destination"] == bucket]
    assert len(again) == 1, "the interval was exported before"
    export(declared(path_uri=f"s3://{bucket}/others/"))
    every = [each for each in logs.describe_export_tasks()["exportTasks"] if each["destination"] == bucket]
    assert sorted(each["destinationPrefix"] for each in every) == ["logs", "others"]


def test_a_group_that_is_not_there_is_named(moto_endpoint: str, ask: Callable[[str], None]) -> None:
    ask(moto_endpoint)
    with pytest.raises(StoreRefusedError, match="the log group /nothing"):
        export(declared(log_group_name="/nothing"))


# ---- a service that takes its time, as the real one does -------------------------------------------------------


@define
class Service:
    """Its exports by id; *others* is how often another's is in the way, *codes* what an own one comes to."""

    tasks: dict[str, dict[str, Any]] = Factory(dict)
    others: int = 0
    codes: list[str] = Factory(lambda: ["PENDING", "RUNNING", "COMPLETED"])
    asked: int = 0

    def act(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        if action == "CreateExportTask":
            return self.create(request)
        found = list(self.tasks.values())
        if task := request.get("taskId"):
            found = [self.tasks[task]]
            code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
            found[0]["status"] = {"code": code, "message": "so it is"}
        return {"exportTasks": found}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if self.asked <= self.others:
            msg = "LimitExceededException"
            raise ValueError(msg)
        task = f"task-{len(self.tasks)}"
        self.tasks[task] = {**request, "taskId": task, "status": {"code": "PENDING"}}
        return {"taskId": task}


@pytest.fixture
def service(ask: Callable[[str], None]) -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, value = 200, service.act(self.headers["X-Amz-Target"].partition(".")[2], request)
            except ValueError as error:
                status, value = 400, {"__type": str(error), "message": "Resource limit exceeded."}
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    ask(f"http://127.0.0.1:{server.server_port}")
    yield service
    for made in clients._made.values():
        made.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_interval_to_its_last_millisecond_is_asked_for(service: Service) -> None:
    export(declared(log_stream_prefix="web-"), SettableClock())
    [task] = service.tasks.values()
    begin = round(START.timestamp() * 1000)
    assert {name: task[name] for name in task if name not in {"taskId", "status"}} == {
        "taskName": f"export-{LOT}",
        "logGroupName": "/app",
        "logStreamNamePrefix": "web-",
        "from": begin,
        "to": begin + 15 * 60 * 1000 - 1,
        "destination": "bucket",
        "destinationPrefix": "logs",
    }


def test_while_another_is_under_way_it_waits_longer_and_longer(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cls_aws.clients._ATTEMPTS", 1)
    clock = SettableClock()
    before = clock.now()
    service.others, service.codes = 8, ["COMPLETED"]
    export(declared(), clock)
    assert (clock.now() - before).total_seconds() == 3 + 6 + 12 + 24 + 48 + 96 + 180 + 180


def test_one_that_an_earlier_attempt_began_is_waited_for(service: Service) -> None:
    stops = iter([False, False, True])
    with pytest.raises(WorkloadError, match="stopped while the export export-20240131PT15M033 is under way"):
        export(declared(), SettableClock(), lambda: next(stops))
    export(declared(), SettableClock())
    assert len(service.tasks) == 1


def test_one_that_failed_says_why_and_another_is_begun(service: Service) -> None:
    service.codes = ["FAILED"]
    with pytest.raises(WorkloadError, match="failed: so it is"):
        export(declared(), SettableClock())
    service.codes = ["COMPLETED"]
    export(declared(), SettableClock())
    assert len(service.tasks) == 2


# ---- declared --------------------------------------------------------------------------------------------------

BUS = EventBus(type="aws:core:eventBus", name="bus", event_bus_name="a-bus")


@pytest.mark.parametrize("path_uri", ["/logs/", "s3:///logs/"])
def test_a_bucket_of_the_project_may_be_meant_and_lets_the_service_in(
    moto_endpoint: str, ask: Callable[[str], None], path_uri: str
) -> None:
    ask(moto_endpoint)
    bucket = S3Bucket(type="aws:core:s3Bucket", name="store", bucket_name=f"b-{random_id()}")
    s3, name = client("s3", PLACE), bucket.bucket_name
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    client("logs", PLACE).create_log_group(logGroupName=f"/{name}")
    activity = declared(log_group_name=f"/{name}", path_uri=path_uri, bucket_ref="s3Bucket:store")
    for _ in range(2):
        assert export(activity, None, lambda: False, bucket) == f"/{name} to s3://{name}/logs/"
    statements = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert [each["Action"] for each in statements] == ["s3:DeleteBucket", "s3:GetBucketAcl", "s3:PutObject"]
    assert statements[2]["Resource"] == f"arn:aws:s3:::{name}/logs/*"


def test_what_is_referred_to_must_be_a_bucket(service: Service) -> None:
    with pytest.raises(InvalidValueError, match="is aws:core:eventBus, and no bucket"):
        export(declared(path_uri="/logs/", bucket_ref="bus"), SettableClock(), lambda: False, BUS)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"path_uri": "logs/"}, "is no place for logs"),
        ({"path_uri": "/logs/"}, "from 'bucketRef' or from 'pathURI'"),
        ({"bucket_ref": "store"}, "and not from both"),
        ({"interval": None, "cron": "0 3 * * *"}, "give 'interval'"),
    ],
)
def test_what_does_not_go_together_is_refused(more: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem):
        declared(**more)
