"""Logs arrive in S3, are filtered there, copied to Google Cloud, and joined here: each object once, byte for byte.

What is killed, lost and doubled on the way is tried by ``examples/three-clouds``.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import Any

import pytest

pytestmark = pytest.mark.slow

NAMES = ["plain.log", "a b=c+d%20e&ü.log", "part-00000.log"]


def source(name: str, placement: Any = None, **more: Any) -> dict[str, Any]:
    where = {"placement": placement} if placement else {}
    return {"name": name, "version": "1", "start": "all", **where, **more}


def sink(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "version": "1", "pathURI": path}


def declare(clouds: Any) -> None:
    """A project in each placement; retries are quick, for what is killed."""
    patient = {"retry": {"attempts": 20, "backoffSec": 0}}
    clouds.declare(
        "logs",
        clouds.aws,
        boundaries=[
            {
                "type": "aws:core:s3PutListenerBoundary",
                "name": "arrive",
                "lotUnit": "Sixtieths",
                "eventArrival": "frequent",
                "dataset": sink("raw", f"s3://{clouds.bucket}/in/"),
            }
        ],
        arcs=[
            {
                "type": "aws:core:s3CopyArc",
                "name": "filter",
                "sources": {"main": source("raw")},
                "sinks": {"main": sink("clean", f"s3://{clouds.bucket}/clean/")},
                "workload": {"workloadProps": {"filter": {"excludes": ["**/_*"]}}},
                **patient,
            }
        ],
    )
    clouds.declare(
        "copies",
        clouds.gcp,
        resources=[{"type": "gcp:core:gcsBucket", "name": "data", "bucketName": f"{clouds.stage}-copies"}],
        arcs=[
            {
                "type": "cls:core:copyArc",
                "name": "bring",
                "sources": {"main": source("clean", clouds.aws)},
                "sinks": {"main": sink("brought", f"gs://{clouds.stage}-copies/brought/")},
                "workload": {"workloadProps": {"rename": "by-lot/{lot}/{name}"}},
                **patient,
            }
        ],
    )
    join = {"theirs": source("clean", clouds.aws), "ours": source("brought", clouds.gcp)}
    clouds.declare(
        "joined",
        clouds.local,
        barriers=[
            {
                "type": "cls:core:joinBarrier",
                "name": "both",
                "sources": join,
                "dataset": {"name": "both", "version": "1"},
                **patient,
            }
        ],
        arcs=[
            {
                "type": "cls:core:copyArc",
                "name": "take",
                "sources": {"main": source("both")},
                "sinks": {"main": sink("out", "out/")},
                **patient,
            }
        ],
    )


def by_name(files: dict[str, bytes]) -> Counter[tuple[str, bytes]]:
    """What there is, whatever folder it is in."""
    return Counter((path.rpartition("/")[2], body) for path, body in files.items())


def twice(names: list[str]) -> dict[tuple[str, bytes], int]:
    """As they came, from the one cloud and from the other."""
    return dict.fromkeys([(name, name.encode()) for name in names], 2)


FILES = ("logs.json", "copies.json", "joined.json")


def test_in_one_process_all_three_are_worked_until_they_rest(clouds: Any) -> None:
    declare(clouds)
    clouds.put(*NAMES, "_SUCCESS")
    clouds.cls("run", *FILES, "--until-idle", "--seal-open")
    assert by_name(clouds.files("out")) == twice(NAMES)
    assert clouds.listed("both") == dict.fromkeys(NAMES, 2)
    graph = clouds.cls("graph", "-p", "joined.json")
    assert f"clean/1 of logs/1 (aws {clouds.stage}" in graph
    assert f"brought/1 of copies/1 (gcp {clouds.stage}" in graph
    assert "nothing to do" in clouds.cls("run", *FILES, "--until-idle")


def test_a_lot_is_told_of_by_an_object_in_a_bucket_of_the_readers_own_cloud(clouds: Any, tools: Any) -> None:
    """From Google Cloud to AWS, with nothing between them but a bucket, whose events AWS puts into a queue."""
    declare(clouds)
    inbox, data = f"s3://{clouds.bucket}/post/", f"s3://{clouds.bucket}"
    copies = json.loads((clouds.path / "copies.json").read_text())
    tell = {"type": "cls:core:inboxNotifier", "name": "tell", "pathURI": inbox, "placement": clouds.aws}
    clouds.declare("copies", clouds.gcp, resources=copies["resources"], arcs=copies["arcs"], notifiers=[tell])
    home = {
        "type": "aws:core:s3CopyArc",
        "name": "home",
        "sources": {"main": source("brought", clouds.gcp, inbox=inbox)},
        "sinks": {"main": sink("home", f"{data}/home/")},
    }
    clouds.declare("reader", clouds.aws, arcs=[home])
    clouds.put(*NAMES)
    clouds.cls("run", "logs.json", "copies.json", "--until-idle", "--seal-open")
    assert clouds.keys("post/"), "nobody reads yet"
    reading = clouds.start("run", "reader.json")
    tools.until(lambda: len(clouds.keys("home/")) == len(NAMES) and not clouds.keys("post/"), reading)
    clouds.put("more.log")
    clouds.cls("run", "logs.json", "copies.json", "--until-idle", "--seal-open")
    tools.until(lambda: len(clouds.keys("home/")) == len(NAMES) + 1 and not clouds.keys("post/"), reading)
    reading.send_signal(signal.SIGTERM)
    tools.said(reading)
    assert f"{clouds.stage.upper()}-reader-home-main-inbox-1" in clouds.queues()
