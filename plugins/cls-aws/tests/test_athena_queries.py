"""`aws:core:athenaQueryArc` against a service that keeps Athena's rules, since no server at hand runs its queries.

It begins an execution once for each request token, and writes objects, and the manifest that names them, to a real
bucket, as Athena does.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define, field

from cls_aws import athena, clients
from cls_aws.arcs import AthenaProps, AthenaQueryArc, AthenaSettings, QueryKind
from cls_aws.athena import AthenaQuery
from cls_aws.clients import client
from cls_aws.store import open_bucket
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.dataset import LocatedDataset, SinkDataset, SourceDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import SinkLot, SourceLot, StoreRoots, Surroundings, Work
from clusterless.runtime.clock import SystemClock, random_id

PLACE = Placement(provider="aws", account="000000000000", region="us-west-2")
LOT = Lot.parse("20240131PT5M000")


@define
class Executed:
    request: dict[str, Any]
    submitted: float
    looks: int = 0
    cancelled: bool = False


@define
class Service:
    """What the server behind *url* was asked, and how its executions end: as *outcome*, after so many *looks*."""

    url: str = ""
    executed: dict[str, Executed] = Factory(dict)
    outcome: str = "SUCCEEDED"
    failed: set[str] = Factory(set)
    reason: str = ""
    looks: int = 2
    refusal: str = ""
    writes: Callable[[Executed], list[str]] = lambda _: []
    manifests: dict[str, str] = Factory(dict)
    manifest_bucket: str = ""

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        token = request["ClientRequestToken"]
        if self.refusal:
            raise ValueError(self.refusal)
        self.executed.setdefault(token, Executed(request, time.time()))
        return {"QueryExecutionId": token}

    def look(self, token: str) -> dict[str, Any]:
        execution = self.executed[token]
        execution.looks += 1
        state = "CANCELLED" if execution.cancelled else "FAILED" if token in self.failed else self.outcome
        if state == "CANCELLED" or execution.looks > self.looks:
            if token not in self.manifests:
                self.manifests[token] = "\n".join(self.writes(execution))
            status = {"State": state, "StateChangeReason": self.reason}
        else:
            status = {"State": "RUNNING"}
        status["SubmissionDateTime"] = execution.submitted  # type: ignore[assignment]
        place = f"s3://{self.manifest_bucket}/{token}-manifest.csv" if self.manifests.get(token) else ""
        return {"QueryExecution": {"Status": status, "Statistics": {"DataManifestLocation": place}}}

    @property
    def queries(self) -> list[str]:
        return [each.request["QueryString"] for each in self.executed.values()]


def handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            action = self.headers["X-Amz-Target"].partition(".")[2]
            try:
                self.answer(200, self.act(action, request))
            except ValueError as error:
                self.answer(400, {"__type": "InvalidRequestException", "Message": str(error)})

        def act(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
            if action == "StartQueryExecution":
                return service.start(request)
            if action == "StopQueryExecution":
                service.executed[request["QueryExecutionId"]].cancelled = True
                return {}
            return service.look(request["QueryExecutionId"])

        def answer(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    return Handler


@define
class Bench:
    service: Service
    bucket: str
    stopping: Callable[[], bool] = lambda: False
    s3: Any = field(factory=lambda: client("s3", PLACE))

    @property
    def root(self) -> str:
        return f"s3://{self.bucket}/it's/"

    def arc(self, **props: Any) -> AthenaQueryArc:
        told = {"select": "SELECT * FROM raw WHERE lot = ?", "database": "db", "table": "t", **props}
        return AthenaQueryArc(
            type="aws:core:athenaQueryArc",
            name="query",
            sources={"main": SourceDataset(name="raw", version="1")},
            sinks={"rows": SinkDataset(name="rows", version="1", path_uri=self.root)},
            workload=AthenaSettings(workload_props=AthenaProps(**told)),
        )

    def run(self, attempt: str = "0-1-abc", **props: Any) -> list[str]:
        around = Surroundings(
            project=Project(name="demo", version="1"),
            placement=PLACE,
            roots=StoreRoots(metadata="", arc_state="", manifest=""),
            open_store=lambda uri: open_bucket(uri, PLACE),
            clock=SystemClock(),
            base=Path(),
            scratch=Path(),
        )
        manifest = AthenaQuery(self.arc(**props), around).run(self.work(attempt)).sinks["rows"].manifest
        assert (manifest.state is ManifestState.EMPTY) is not bool(manifest.uris)
        return list(manifest.uris)

    def work(self, attempt: str) -> Work:
        raw = LocatedDataset(name="raw", version="1", path_uri=f"s3://{self.bucket}/raw/")
        rows = LocatedDataset(name="rows", version="1", path_uri=self.root)
        read = lambda: Manifest(state=ManifestState.COMPLETE, lot=LOT)  # noqa: E731
        return Work(
            arc="query",
            lot=LOT,
            attempt=attempt,
            revision=0,
            token=f"rows/1/{LOT}/0/query",
            role="main",
            sources={"main": SourceLot(dataset=raw, manifest_uri="s3://m/'x'.json", revision=0, read=read)},
            sinks={"rows": SinkLot(dataset=rows, staging="")},
            collect=dict,
            stopping=self.stopping,
            output=Path(),
        )

    def write(self, *keys: str, below: str = "it's/") -> list[str]:
        """Rows, as Athena writes them; their places, as it spells them."""
        for key in keys:
            self.s3.put_object(Bucket=self.bucket, Key=below + key, Body=b"row")
        return [f"s3://{self.bucket}/{below}{key}" for key in keys]

    def wrote(self, places: list[str]) -> list[str]:
        """Rows, and the manifest that names them."""
        token = next(reversed(self.service.executed))
        self.s3.put_object(Bucket=self.bucket, Key=f"{token}-manifest.csv", Body="\n".join(places).encode())
        return places

    @property
    def rows(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="it's/").get("Contents", [])
        return [each["Key"].removeprefix("it's/") for each in found]


@pytest.fixture
def bench(ministack_endpoint: str, ask: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    ask(ministack_endpoint)
    monkeypatch.setattr(athena, "_LOOK", 0.01)
    service = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(service))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ATHENA_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    bucket = f"b-{random_id()}"
    where = {"LocationConstraint": "us-west-2"}
    client("s3", PLACE).create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    client("glue", PLACE)
    service.manifest_bucket = bucket
    yield Bench(service, bucket)
    for made in clients._made.values():
        made.close()
    server.shutdown()
    thread.join()
    server.server_close()


LOT_OF = "$.arcNotifyEvent.lot"


def test_a_table_is_made_below_the_sink_of_what_was_selected(bench: Bench) -> None:
    folder = f"lot={LOT}/attempt=0-1-abc/"
    bench.service.writes = lambda _: bench.write(f"{folder}a.parquet", f"{folder}b.parquet") and []
    uris = bench.run(parameters=(LOT_OF,), output_location="s3://results/")
    assert uris == [f"{bench.root}{folder}{name}.parquet" for name in "ab"]
    [execution] = bench.service.executed.values()
    assert execution.request["QueryString"] == (
        f'CREATE TABLE "db"."t_20240131pt5m000_0_1_abc"\n'
        f"WITH (format = 'PARQUET', external_location = 's3://{bench.bucket}/it''s/{folder}') AS\n"
        "SELECT * FROM raw WHERE lot = ?"
    )
    assert execution.request["ExecutionParameters"] == [f"'{LOT}'"]
    assert execution.request["QueryExecutionContext"] == {"Catalog": "AwsDataCatalog", "Database": "db"}
    assert execution.request["ResultConfiguration"] == {"OutputLocation": "s3://results/"}


def test_what_is_selected_is_bound_as_a_text_and_never_part_of_the_query(bench: Bench) -> None:
    bench.run(kind=QueryKind.INSERT, parameters=("7", "'x'", "$.arcNotifyEvent.manifest", LOT_OF))
    [execution] = bench.service.executed.values()
    assert execution.request["QueryString"] == 'INSERT INTO "db"."t"\nSELECT * FROM raw WHERE lot = ?'
    assert execution.request["ExecutionParameters"] == ["7", "'x'", "'s3://m/''x''.json'", f"'{LOT}'"]


def test_rows_that_were_inserted_are_those_that_athena_names(bench: Bench) -> None:
    bench.service.writes = lambda _: bench.wrote(bench.write("p=1/a b", "p=2/c"))
    bench.write("older")
    assert bench.run(kind=QueryKind.INSERT) == [f"{bench.root}p=1/a%20b", f"{bench.root}p=2/c"]


def test_no_rows_are_an_empty_lot(bench: Bench) -> None:
    assert bench.run() == []
    assert bench.run(kind=QueryKind.INSERT) == []


def test_an_insert_that_an_earlier_attempt_began_is_not_begun_again(bench: Bench) -> None:
    bench.service.writes = lambda _: bench.wrote(bench.write("rows"))
    bench.run("0-1-abc", kind=QueryKind.INSERT)
    assert bench.run("0-2-def", kind=QueryKind.INSERT) == [f"{bench.root}rows"]
    assert len(bench.service.executed) == 1


def test_after_one_that_failed_another_is_begun_and_what_it_wrote_is_gone(bench: Bench) -> None:
    bench.service.outcome, bench.service.reason = "FAILED", "a node was lost"
    bench.service.writes = lambda _: bench.wrote(bench.write("half"))
    with pytest.raises(WorkloadError, match="failed: a node was lost"):
        bench.run("0-1-abc", kind=QueryKind.INSERT)
    assert bench.rows == []
    [(token, before)] = bench.service.executed.items()
    before.submitted -= 60
    bench.write("half")
    bench.service.failed, bench.service.outcome = {token}, "SUCCEEDED"
    bench.service.writes = lambda _: bench.wrote(bench.write("whole"))
    assert bench.run("0-2-def", kind=QueryKind.INSERT) == [f"{bench.root}whole"]
    assert bench.rows == ["whole"]
    assert len(bench.service.executed) == 2


@pytest.mark.parametrize("kind", QueryKind)
def test_what_is_stopped_is_cancelled_and_what_it_wrote_is_gone(bench: Bench, kind: QueryKind) -> None:
    bench.stopping = lambda: True
    bench.service.writes = lambda _: bench.wrote(bench.write("half"))
    with pytest.raises(WorkloadError, match="was cancelled: the attempt was stopped"):
        bench.run(kind=kind)
    [execution] = bench.service.executed.values()
    assert execution.cancelled
    assert bench.rows == []


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("No output location provided. An output location is required", "outputLocation"),
        ("TABLE_NOT_FOUND: line 1:15: Table 'x.y.z' does not exist", "glueTable"),
        ("something else", ""),
    ],
)
def test_failures_and_refusals_say_what_to_do(bench: Bench, reason: str, hint: str) -> None:
    bench.service.outcome, bench.service.reason = "FAILED", reason
    with pytest.raises(WorkloadError, match=reason[:20]) as failed:
        bench.run()
    assert hint in failed.value.hint
    bench.service.refusal = reason
    with pytest.raises(WorkloadError, match=reason[:20]) as refused:
        bench.run()
    assert hint in refused.value.hint


def test_a_table_that_lies_elsewhere_than_the_sink_is_no_success(bench: Bench) -> None:
    bench.service.writes = lambda _: bench.wrote(bench.write("row", below="elsewhere/"))
    with pytest.raises(WorkloadError, match=r"db\.t does not lie at"):
        bench.run(kind=QueryKind.INSERT)


def test_selectors_that_lead_to_nothing_are_named(bench: Bench) -> None:
    with pytest.raises(WorkloadError, match=r"'\$\.nothing' selects nothing"):
        bench.run(parameters=("$.nothing",))


@pytest.mark.parametrize(
    ("props", "problem"),
    [
        ({"select": " INSERT INTO x SELECT 1"}, "'select' writes"),
        ({"select": "drop table x"}, "'select' writes"),
        ({"select": ""}, "lacks 'select'"),
        ({"database": ""}, "lacks 'database'"),
        ({"table": 't" AS SELECT 1 --'}, "is no table"),
        ({"database": "a.b"}, "is no database"),
        ({"parameters": ("$.a b",)}, "selects nothing"),
    ],
)
def test_what_would_be_written_into_the_query_is_checked(props: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem):
        Bench(Service(), "b", s3=None).arc(**props)
