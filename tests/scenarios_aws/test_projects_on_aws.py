"""The reference system's published kinds of project, by `cls run` against an account: in one process and in three."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest

pytestmark = pytest.mark.slow

KEYS = ["plain.txt", "a b=c+d%20e&ü.txt", "deep/er/part-00000", "hive=1/day=20240131/x.parquet"]
TOGETHER = pytest.mark.parametrize("processes", [1, 3])


def run_together(cloud: Any, tools: Any, processes: int) -> None:
    """So many at once, each until all is at rest."""
    for ran in map(
        tools.ended, [cloud.start("run", "p.json", "--until-idle", "--seal-open") for _ in range(processes)]
    ):
        assert ran.code == 0, ran
        assert ran.err == ""


@TOGETHER
def test_a_copy(cloud: Any, tools: Any, bodies: Any, processes: int) -> None:
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "out")])
    cloud.put(*KEYS)
    run_together(cloud, tools, processes)
    cloud.put("later.txt", "folder/")
    run_together(cloud, tools, processes)
    names = [*KEYS, "later.txt"]
    assert cloud.listed("raw") == cloud.listed("out") == dict.fromkeys(names, 1)
    assert cloud.data("out") == bodies(names)
    assert cloud.manifests("raw").keys() == cloud.manifests("out").keys()


@TOGETHER
def test_a_chain_of_three_whose_middle_bears_some_loss(cloud: Any, tools: Any, bodies: Any, processes: int) -> None:
    tolerant = {"workloadProps": {"failArcOnPartialPercent": 0.1}}
    chain = [cloud.arc("raw", "a"), cloud.arc("a", "b", workload=tolerant), cloud.arc("b", "c")]
    cloud.declare(boundaries=[cloud.boundary()], arcs=chain)
    names = [f"data-{number:04}.txt" for number in range(20)]
    cloud.put(*names)
    run_together(cloud, tools, processes)
    for sink in "abc":
        assert cloud.listed(sink) == dict.fromkeys(names, 1)
        assert cloud.data(sink) == bodies(names)
        assert set(cloud.states(f"make-{sink}")) == {"complete"}


def test_what_a_middle_bears_is_partial_and_goes_no_further(cloud: Any) -> None:
    tolerant = {"workload": {"workloadProps": {"failArcOnPartialPercent": 0.1}}, "retry": {"attempts": 1}}
    first, second = cloud.arc("raw", "a"), cloud.arc("a", "b", **tolerant)
    cloud.declare(boundaries=[cloud.boundary()], arcs=[first])
    cloud.put(*(f"{number:02}" for number in range(20)))
    cloud.run()
    cloud.client("s3").delete_object(Bucket=cloud.bucket, Key="a/07")
    cloud.declare(boundaries=[cloud.boundary()], arcs=[first, second, cloud.arc("b", "c")])
    ran = cloud.run(code=None)
    assert "partial" in ran.out, ran
    assert len(cloud.data("b")) == 19
    assert cloud.manifests("b") == cloud.manifests("c") == {}
    assert cloud.states("make-b") == {"partial": 1}


@pytest.mark.parametrize("where", ["boundary", "arc"])
def test_frequent_with_a_filter(cloud: Any, bodies: Any, where: str) -> None:
    filter = {"excludes": ["**/_*"]}
    boundary = cloud.boundary(eventArrival="frequent", **({"filter": filter} if where == "boundary" else {}))
    workload = {"workloadProps": {"filter": filter}} if where == "arc" else {}
    cloud.declare(boundaries=[boundary], arcs=[cloud.arc("raw", "out", workload=workload)])
    data = [f"day={number % 3}/data-{number:04}.txt" for number in range(15)]
    marks = [f"day={number % 3}/run={number}/_SUCCESS" for number in range(15)] + ["_SUCCESS"]
    cloud.put(*data, *marks)
    cloud.run()
    assert cloud.listed("raw") == dict.fromkeys(data if where == "boundary" else [*data, *marks], 1)
    assert cloud.listed("out") == dict.fromkeys(data, 1)
    assert cloud.data("out") == bodies(data)


def test_frequent_commits_every_lot_by_notices_of_the_bucket(cloud: Any) -> None:
    boundary = cloud.boundary(eventArrival="frequent", notices="bucket")
    cloud.declare(boundaries=[boundary], arcs=[cloud.arc("raw", "out")])
    cloud.run()
    cloud.put("a")
    cloud.run()
    assert cloud.listed("out") == {"a": 1}
    assert {each["state"] for each in cloud.manifests("out").values()} == {"empty", "complete"}


def test_a_bucket_that_has_no_queue_is_listed(cloud: Any, bodies: Any) -> None:
    cloud.declare(boundaries=[cloud.boundary(notices="listing")], arcs=[cloud.arc("raw", "out")])
    cloud.put("a", "b")
    cloud.run()
    cloud.put("c")
    cloud.run()
    assert cloud.data("out") == bodies(["a", "b", "c"])
    assert not cloud.client("sqs").list_queues(QueueNamePrefix=f"{cloud.stage.upper()}-p-ingress").get("QueueUrls")


def test_partitions_are_added_to_a_table(cloud: Any) -> None:
    columns = {"columns": [{"name": "line", "type": "string"}], "dataFormat": "csv"}
    keys = [{"name": name, "type": "string"} for name in ("day", "hour")]
    table = f"glue:///{cloud.stage}/logs"
    resources = [
        {"type": "aws:core:glueDatabase", "name": "db", "databaseName": cloud.stage},
        {
            "type": "aws:core:glueTable",
            "name": "table",
            "databaseRef": "db",
            "tableName": "logs",
            "pathURI": f"s3://{cloud.bucket}/out/",
            "schema": {**columns, "partitions": keys},
        },
    ]
    adding = cloud.arc("out", "parts", "glueAddPartitions")
    adding["sinks"]["main"]["pathURI"] = table
    cloud.declare(resources=resources, boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "out"), adding])
    cloud.put(*(f"day=2024010{number}/hour=7/{part}.csv" for number in (1, 2, 3) for part in "ab"))
    cloud.run()
    [manifest] = cloud.manifests("parts").values()
    assert (manifest["state"], manifest["uriType"]) == ("complete", "path")
    assert manifest["uris"] == [f"{table}/day=2024010{number}/hour=7/" for number in (1, 2, 3)]
    found = cloud.client("glue").get_partitions(DatabaseName=cloud.stage, TableName="logs")["Partitions"]
    assert sorted(each["Values"] for each in found) == [[f"2024010{number}", "7"] for number in (1, 2, 3)]
    cloud.put("day=20240101/hour=7/late.csv")
    cloud.run()
    assert [each["state"] for each in cloud.manifests("parts").values()] == ["complete", "empty"]
    audited = cloud.cls("audit", "parts", "-p", "p.json")
    assert audited.code == 0, audited


# ---- trouble ---------------------------------------------------------------------------------------------------


@TOGETHER
def test_killed_at_any_moment_and_run_again_each_object_is_in_one_lot(
    cloud: Any, tools: Any, bodies: Any, processes: int
) -> None:
    patient = {"retry": {"attempts": 20, "backoffSec": 0}}
    chain = [cloud.arc("raw", "a", **patient), cloud.arc("a", "b", **patient)]
    cloud.declare(boundaries=[cloud.boundary()], arcs=chain)
    rng, names = random.Random(20240131 + processes), []
    for turn in range(5):
        fresh = [f"{turn}-{number}.txt" for number in range(4)]
        cloud.put(*fresh)
        names += fresh
        runs = [cloud.start("run", "p.json", "--seal-open") for _ in range(processes)]
        time.sleep(rng.uniform(2, 8))
        for run in runs:
            os.killpg(run.pid, signal.SIGKILL)
        for run in runs:
            assert "Traceback" not in run.communicate()[1]
    cloud.run()
    for dataset in ("raw", "a", "b"):
        assert cloud.listed(dataset) == dict.fromkeys(names, 1)
    assert cloud.data("b") == bodies(names)


def test_lost_and_doubled_notices_and_events_change_nothing(cloud: Any, bodies: Any) -> None:
    cloud.declare("in.json", "i", boundaries=[cloud.boundary()])
    cloud.declare("work.json", "p", arcs=[cloud.arc("raw", "a"), cloud.arc("a", "b")])
    cloud.run("in.json", "work.json")
    names: list[str] = []
    for turn in range(3):
        fresh = [f"{turn}-{number}.txt" for number in range(6)]
        cloud.put(*fresh)
        names += fresh
        cloud.disturb(cloud.queue("-i-ingress-"), 6)
        cloud.run("in.json")
        cloud.disturb(cloud.queue("make-a"), 1)
        cloud.run("work.json")
    for dataset in ("raw", "a", "b"):
        assert cloud.listed(dataset) == dict.fromkeys(names, 1)
    assert cloud.data("b") == bodies(names)
    assert set(cloud.states("make-b")) == {"complete"}
