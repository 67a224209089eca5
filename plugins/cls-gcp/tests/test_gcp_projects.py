"""Whole projects by the real commands: bootstrapped, run, killed, and run again."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from attrs import define
from beds.fake_gcs import Telling, fake_gcs
from beds.proxy import Answer, proxied
from commands import Commands, said

from cls_gcp import clients, topics
from cls_gcp.names import TopicName
from cls_gcp.notice_wiring import objects_topic
from cls_gcp.settings import reach
from cls_gcp.subscriptions import Pulled
from clusterless import codec
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement

PROJECT, REGION = "project-1", "europe-west1"
KEYS = ["plain.txt", "a b=c+d%20e&ü.txt", "deep/er/part-00000", "hive=1/day=20240131/x.parquet"]
_NO_BUCKET = Answer(404, b"The specified bucket does not exist.")


@define
class Cloud(Commands):
    """A placement of its own, bootstrapped, with one bucket; and a folder that projects are run in."""

    place: Placement
    bucket: str
    telling: Telling

    def cls(self, *arguments: str, code: int = 0) -> str:
        return said(self.start(*arguments), code)

    def run(self, processes: int = 1) -> None:
        """So many at once, each until all is at rest."""
        started = [self.start("run", "p.json", "--until-idle", "--seal-open") for _ in range(processes)]
        for each in started:
            assert "WARNING" not in said(each)  # what its libraries say is not for people

    def declare(self, **parts: Any) -> None:
        own = {"provider": "gcp", "stage": self.place.stage, "account": PROJECT, "region": REGION}
        project = {"project": {"name": "p", "version": "1"}, "placement": own, **parts}
        (self.path / "p.json").write_text(json.dumps(project), "utf-8")

    def boundary(self, **more: Any) -> dict[str, Any]:
        """A listener below ``in/``."""
        dataset = {"name": "raw", "version": "1", "pathURI": f"gs://{self.bucket}/in/"}
        declared = {"type": "gcp:core:gcsPutListenerBoundary", "name": "Ingress", "lotUnit": "Sixtieths"}
        return {**declared, "dataset": dataset, **more}

    def arc(self, source: str, sink: str, **more: Any) -> dict[str, Any]:
        """An arc that copies all of its source's history to ``<sink>/``."""
        return {
            "type": "gcp:core:gcsCopyArc",
            "name": f"make-{sink}",
            "sources": {"main": {"name": source, "version": "1", "start": "all"}},
            "sinks": {"main": {"name": sink, "version": "1", "pathURI": f"gs://{self.bucket}/{sink}/"}},
            **more,
        }

    def put(self, *names: str) -> None:
        """Objects whose bytes are their names."""
        for name in names:
            self.client.bucket(self.bucket).blob(f"in/{name}").upload_from_string(name.encode())

    @property
    def client(self) -> Any:
        return clients.storage(reach(self.place))

    def objects(self, bucket: str, prefix: str) -> dict[str, bytes]:
        found = self.client.list_blobs(bucket, prefix=prefix)
        return {each.name.removeprefix(prefix): each.download_as_bytes() for each in found}

    def data(self, folder: str) -> dict[str, bytes]:
        return self.objects(self.bucket, f"{folder}/")

    def listed(self, dataset: str) -> Counter[str]:
        """How often each object is in a committed lot, by its key below the dataset's location."""
        store = f"{self.place.stage}-clusterless-manifest-{PROJECT}-{REGION}"
        found = self.objects(store, f"datasets/name={dataset}/version=1/")
        assert not any("/attempt=" in key for key in found), sorted(found)
        uris = [unquote(uri) for body in found.values() for uri in json.loads(body)["uris"]]
        return Counter(uri.partition(f"gs://{self.bucket}/")[2].partition("/")[2] for uri in uris)


@pytest.fixture
def cloud(emulator: str, apart: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    place = Placement(provider="gcp", stage=f"t{uuid4().hex[:8]}", account=PROJECT, region=REGION)
    made = Cloud(tmp_path / "home", place, f"{place.stage}-data", Telling())
    topic = objects_topic(place, made.bucket).name
    server = fake_gcs(tmp_path / "gcs", emulator=emulator, project=PROJECT, topic=topic)
    with server as endpoint, proxied(endpoint, made.telling) as proxy:
        apart.setenv("STORAGE_EMULATOR_HOST", proxy)
        made.client.create_bucket(made.bucket)
        yield made
        made.close()


@pytest.fixture
def bootstrapped(cloud: Cloud) -> Cloud:
    cloud.cls("bootstrap", *options(cloud), "--approve")
    return cloud


def options(cloud: Cloud) -> tuple[str, ...]:
    own = ("--provider", "gcp", "--stage", str(cloud.place.stage))
    return (*own, "--account", PROJECT, "--region", REGION)


def test_a_placement_is_made_found_and_removed(cloud: Cloud, apart: pytest.MonkeyPatch) -> None:
    apart.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "out")])
    # Here fake-gcs-server says "Not Found" of the bucket as of an object; Google Cloud tells them apart.
    cloud.telling.add(r"clusterless-metadata-.*/o/", *[_NO_BUCKET] * 9)
    told = cloud.cls("verify", "p.json", code=2)
    assert f"the placement {cloud.place.id} is not bootstrapped" in told
    cloud.telling.rules.clear()
    made = cloud.cls("bootstrap", *options(cloud), "--approve")
    assert f"gs://{cloud.place.stage}-clusterless-metadata-{PROJECT}-{REGION}/" in made
    assert "nothing is wrong with p/1" in cloud.cls("verify", "p.json")
    assert str(cloud.place.stage) in cloud.cls("placements")
    cloud.cls("bootstrap", *options(cloud), "--destroy", "--approve")
    assert not [each.name for each in cloud.client.list_buckets() if "clusterless" in each.name]


def test_a_copy_by_whatever_is_declared(bootstrapped: Cloud) -> None:
    cloud = bootstrapped
    resources = [
        {"type": "gcp:core:gcsBucket", "name": "b", "bucketName": f"{cloud.place.stage}-more", "versioned": True},
        {"type": "gcp:core:pubSubTopic", "name": "t", "topicName": f"{cloud.place.stage}-told"},
    ]
    notifiers = [{"type": "gcp:core:pubSubNotifier", "name": "n", "topic": f"{cloud.place.stage}-told"}]
    arc = cloud.arc("raw", "out", workload={"workloadProps": {"filter": {"excludes": ["**/_*"]}}})
    arc["sinks"]["main"]["pathURI"] = f"gs://{cloud.place.stage}-more/out/"
    cloud.declare(resources=resources, notifiers=notifiers, boundaries=[cloud.boundary()], arcs=[arc])
    cloud.put(*KEYS, "deep/_SUCCESS")
    cloud.run()
    assert cloud.listed("raw") == dict.fromkeys([*KEYS, "deep/_SUCCESS"], 1)
    assert cloud.objects(f"{cloud.place.stage}-more", "out/") == {name: name.encode() for name in KEYS}
    assert cloud.telling.configurations[cloud.bucket]


def test_events_that_were_set_aside_are_listed_and_sent_to_their_arc_again(bootstrapped: Cloud) -> None:
    cloud = bootstrapped
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "out")])
    cloud.cls("redrive", "p.json", "--list")
    dataset = LocatedDataset(name="raw", version="1", path_uri=f"gs://{cloud.bucket}/in/")
    event = Event(dataset=dataset, lot=Lot.parse("20230101PT5M000"), manifest="gs://m/manifest.json")
    dead = TopicName(PROJECT, f"{str(cloud.place.stage).upper()}-p-1-make-out-events-dead")
    for body in (codec.record_bytes(event), b"hello"):
        topics.publish(clients.publisher(reach(cloud.place)), dead, body, {})
    listed = json.loads(cloud.cls("redrive", "p.json", "--list", "--output", "json"))
    assert sorted(each["lotId"] or "" for each in listed) == ["", "20230101PT5M000"]
    assert "p/make-out: 1 event handed out again" in cloud.cls("redrive", "p.json")


@pytest.mark.slow
def test_lost_and_doubled_notices_and_events_change_nothing(bootstrapped: Cloud) -> None:
    """Of a third each: lost, twice, as they were; and out of order."""
    cloud, names = bootstrapped, list[str]()
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "a"), cloud.arc("a", "b")])
    cloud.run()
    found, stage = reach(cloud.place), str(cloud.place.stage).upper()
    for turn in range(2):
        fresh = [f"{turn}-{number}.txt" for number in range(6)]
        names += fresh
        cloud.put(*fresh)
        notices = Pulled(f"projects/{PROJECT}/subscriptions/{stage}-p-ingress-1", clients.subscriber(found))
        messages: list[Any] = []
        while len(messages) < len(fresh):
            messages += notices.pull(10, wait=5)
        notices.acknowledge([each.ack_id for each in messages])
        topic = objects_topic(cloud.place, cloud.bucket)
        for number, each in reversed(list(enumerate(messages))):
            for _ in range(number % 3):
                topics.publish(clients.publisher(found), topic, each.message.data, each.message.attributes)
        cloud.run()
    assert cloud.listed("raw") == cloud.listed("a") == cloud.listed("b") == dict.fromkeys(names, 1)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 3])
def test_killed_and_run_again_each_object_is_in_one_lot(bootstrapped: Cloud, processes: int) -> None:
    cloud, rng, names = bootstrapped, random.Random(20240131 + processes), list[str]()
    patient = {"retry": {"attempts": 20, "backoffSec": 0}}
    cloud.declare(
        boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "a", **patient), cloud.arc("a", "b", **patient)]
    )
    for turn in range(3):
        fresh = [f"{turn}-{number}.txt" for number in range(4)]
        names += fresh
        started = [cloud.start("run", "p.json", "--seal-open") for _ in range(processes)]
        cloud.put(*fresh)
        time.sleep(rng.uniform(2.5, 5.5))
        for process in started:
            cloud.kill(process)
    cloud.run(processes)
    assert cloud.listed("raw") == cloud.listed("a") == cloud.listed("b") == dict.fromkeys(names, 1)
    assert cloud.data("b") == {name: name.encode() for name in names}
