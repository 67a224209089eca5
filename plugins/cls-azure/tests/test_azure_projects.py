"""Whole projects by the real commands on an Azurite: bootstrapped, run, killed, and run again."""

from __future__ import annotations

import json
import random
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from attrs import define
from beds.answering import Asked, answering
from beds.azurite import ACCOUNT, REGION, Azurite
from commands import Commands, said

from cls_azure import clients
from cls_azure.queues import Queue
from cls_azure.settings import reach
from clusterless import codec
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement

KEYS = ["plain.txt", "a b=c+d%20e&ü.txt", "deep/er/part-00000", "hive=1/day=20240131/x.parquet"]


@define
class Cloud(Commands):
    """A placement of its own, bootstrapped, with one container; and a folder that projects are run in."""

    place: Placement
    container: str

    def cls(self, *arguments: str, code: int = 0) -> str:
        return said(self.start(*arguments), code)

    def run(self, processes: int = 1) -> None:
        """So many at once, each until all is at rest."""
        started = [self.start("run", "p.json", "--until-idle", "--seal-open") for _ in range(processes)]
        for each in started:
            assert "WARNING" not in said(each)  # what its libraries say is not for people

    def declare(self, **parts: Any) -> None:
        own = {"provider": "azure", "stage": self.place.stage, "account": ACCOUNT, "region": REGION}
        project = {"project": {"name": "p", "version": "1"}, "placement": own, **parts}
        (self.path / "p.json").write_text(json.dumps(project), "utf-8")

    def boundary(self, **more: Any) -> dict[str, Any]:
        """A listener below ``in/``."""
        dataset = {"name": "raw", "version": "1", "pathURI": f"az://{self.container}/in/"}
        declared = {"type": "azure:core:blobPutListenerBoundary", "name": "Ingress", "lotUnit": "Sixtieths"}
        return {**declared, "dataset": dataset, **more}

    def arc(self, source: str, sink: str, **more: Any) -> dict[str, Any]:
        """An arc that copies all of its source's history to ``<sink>/``."""
        return {
            "type": "azure:core:blobCopyArc",
            "name": f"make-{sink}",
            "sources": {"main": {"name": source, "version": "1", "start": "all"}},
            "sinks": {"main": {"name": sink, "version": "1", "pathURI": f"az://{self.container}/{sink}/"}},
            **more,
        }

    def put(self, *names: str) -> list[str]:
        """Objects whose bytes are their names; what Event Grid says of each."""
        told = []
        for name in names:
            self.blobs.get_blob_client(self.container, f"in/{name}").upload_blob(name.encode())
            told.append(self.event(f"in/{name}"))
        return told

    def event(self, key: str) -> str:
        """The message that Event Grid puts into a queue when a blob was."""
        told = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}",
            "type": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/{self.container}/blobs/{key}",
            "time": "2026-01-31T08:09:10.1234567Z",
            "data": {"api": "PutBlob", "url": self.blobs.get_blob_client(self.container, key).url},
        }
        return b64encode(json.dumps(told).encode()).decode()

    def queue(self, name: str) -> Queue:
        return Queue(clients.queues(reach(self.place)).get_queue_client(f"{self.place.stage}-{name}"))

    @property
    def blobs(self) -> Any:
        return clients.blobs(reach(self.place))

    def objects(self, container: str, prefix: str) -> dict[str, bytes]:
        client = self.blobs.get_container_client(container)
        names = [each.name for each in client.list_blobs(name_starts_with=prefix)]
        return {name.removeprefix(prefix): client.download_blob(name).readall() for name in names}

    def data(self, folder: str) -> dict[str, bytes]:
        return self.objects(self.container, f"{folder}/")

    def listed(self, dataset: str) -> Counter[str]:
        """How often each object is in a committed lot, by its key below the dataset's location."""
        store = f"{self.place.stage}-clusterless-manifest-{ACCOUNT}-{REGION}"
        found = self.objects(store, f"datasets/name={dataset}/version=1/")
        assert not any("/attempt=" in key for key in found), sorted(found)
        uris = [unquote(uri) for body in found.values() for uri in json.loads(body)["uris"]]
        return Counter(uri.partition(f"az://{self.container}/")[2].partition("/")[2] for uri in uris)


@pytest.fixture
def cloud(azure: Azurite, tmp_path: Path) -> Iterator[Cloud]:
    place = Placement(provider="azure", stage=f"t{uuid4().hex[:8]}", account=ACCOUNT, region=REGION)
    made = Cloud(tmp_path / "home", place, f"{place.stage}-data")
    made.blobs.create_container(made.container)
    made.cls("bootstrap", *options(made), "--approve")
    yield made
    made.close()


def options(cloud: Cloud) -> tuple[str, ...]:
    own = ("--provider", "azure", "--stage", str(cloud.place.stage))
    return (*own, "--account", ACCOUNT, "--region", REGION)


def test_a_copy_by_whatever_is_declared(cloud: Cloud) -> None:
    theirs = f"{cloud.place.stage}-theirs"
    resources = [
        {"type": "azure:core:blobContainer", "name": "c", "containerName": f"{cloud.place.stage}-more"},
        {"type": "azure:core:storageQueue", "name": "q", "queueName": theirs},
    ]
    notifiers = [{"type": "azure:core:storageQueueNotifier", "name": "n", "queue": theirs, "form": "cloudEvent"}]
    arc = cloud.arc("raw", "out", workload={"workloadProps": {"filter": {"excludes": ["**/_*"]}}})
    arc["sinks"]["main"]["pathURI"] = f"az://{cloud.place.stage}-more/out/"
    cloud.declare(resources=resources, notifiers=notifiers, boundaries=[cloud.boundary()], arcs=[arc])
    assert "nothing is wrong with p/1" in cloud.cls("verify", "p.json")
    cloud.put(*KEYS, "deep/_SUCCESS")
    cloud.run()
    assert cloud.listed("raw") == dict.fromkeys([*KEYS, "deep/_SUCCESS"], 1)
    assert cloud.objects(f"{cloud.place.stage}-more", "out/") == {name: name.encode() for name in KEYS}
    assert cloud.queue("theirs").count() == len({*_lots(cloud, "raw"), *_lots(cloud, "out")}) * 2


def _lots(cloud: Cloud, dataset: str) -> list[str]:
    store = f"{cloud.place.stage}-clusterless-manifest-{ACCOUNT}-{REGION}"
    return [key.partition("/")[0] for key in cloud.objects(store, f"datasets/name={dataset}/version=1/")]


def test_events_that_were_set_aside_are_listed_and_sent_to_their_arc_again(cloud: Cloud) -> None:
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "out")])
    cloud.cls("redrive", "p.json", "--list")
    dataset = LocatedDataset(name="raw", version="1", path_uri=f"az://{cloud.container}/in/")
    event = Event(dataset=dataset, lot=Lot.parse("20230101PT5M000"), manifest="az://m/manifest.json")
    for body in (codec.record_bytes(event), b"hello"):
        cloud.queue("p-1-make-out-events-dead").send(body)
    listed = json.loads(cloud.cls("redrive", "p.json", "--list", "--output", "json"))
    assert sorted(each["lotId"] or "" for each in listed) == ["", "20230101PT5M000"]
    assert "p/make-out: 1 event handed out again" in cloud.cls("redrive", "p.json")


@pytest.mark.slow
def test_lost_and_doubled_notices_change_nothing_killed_or_not(cloud: Cloud) -> None:
    """Of a third each: lost, told once, told twice; and out of order. So are events. Killed once on the way."""
    rng, names = random.Random(20240131), list[str]()
    patient = {"retry": {"attempts": 20, "backoffSec": 0}}
    copies = cloud.arc("a", "b", **patient) | {"type": "cls:core:copyArc"}
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "a", **patient), copies])
    cloud.run()
    for turn in range(3):
        fresh = [f"{turn}-{number}.txt" for number in range(6)]
        names += fresh
        told = cloud.put(*fresh)
        for number, each in reversed(list(enumerate(told))):
            for _ in range(number % 3):
                cloud.queue("p-ingress-1").put(each)
        if turn == 1:
            process = cloud.start("run", "p.json", "--seal-open")
            time.sleep(rng.uniform(4, 8))
            cloud.kill(process)
            for lost in ("p-1-make-a-events", "p-1-make-b-events"):
                cloud.queue(lost).client.clear_messages()
        elif turn == 0:
            cloud.run()
            _tell_again(cloud)
    cloud.run(2)
    assert cloud.listed("raw") == cloud.listed("a") == cloud.listed("b") == dict.fromkeys(names, 1)
    assert cloud.data("b") == {name: name.encode() for name in names}


def _tell_again(cloud: Cloud) -> None:
    """Events of lots that are worked already, each twice."""
    store = f"{cloud.place.stage}-clusterless-manifest-{ACCOUNT}-{REGION}"
    folder = "datasets/name=raw/version=1/"
    dataset = LocatedDataset(name="raw", version="1", path_uri=f"az://{cloud.container}/in/")
    for key in cloud.objects(store, folder):
        lot = Lot.parse(key.partition("/")[0].removeprefix("lot="))
        event = Event(dataset=dataset, lot=lot, manifest=f"az://{store}/{folder}{key}")
        for _ in range(2):
            cloud.queue("p-1-make-a-events").send(codec.record_bytes(event))


@define
class Grid:
    """Event Grid with a topic that the settings name: of every six events it loses one, and doubles one."""

    cloud: Cloud
    posted: int = 0

    def answer(self, asked: Asked) -> tuple[int, Any]:
        assert asked.headers["aeg-sas-key"] == "a-key"
        service = clients.queues(reach(self.cloud.place))
        for event in asked.json:
            self.posted += 1
            message = b64encode(json.dumps(event).encode()).decode()
            for queue in service.list_queues(name_starts_with=f"{self.cloud.place.stage}-p-1-"):
                if queue.name.endswith("-events"):  # it is told of no filter, and so delivers all
                    for _ in range((0, 2, 1, 1, 1, 1)[self.posted % 6]):
                        Queue(service.get_queue_client(queue.name)).put(message)
        return 200, None


@pytest.mark.slow
def test_lots_are_told_by_the_topic_that_the_settings_name(cloud: Cloud, apart: pytest.MonkeyPatch) -> None:
    grid, names = Grid(cloud), list[str]()
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "a"), cloud.arc("a", "b")])
    apart.setenv("AZURE_EVENTGRID_KEY", "a-key")
    with answering(grid.answer) as endpoint:
        (cloud.path / ".cls").mkdir()
        (cloud.path / ".cls/config-azure").write_text(f'eventGrid = "{endpoint}/api/events"', "utf-8")
        for turn in range(2):
            names += (fresh := [f"{turn}-{number}.txt" for number in range(3)])
            cloud.put(*fresh)
            cloud.run()
    lots = {dataset: len(_lots(cloud, dataset)) for dataset in ("raw", "a", "b")}
    assert grid.posted >= sum(lots.values())
    assert cloud.listed("raw") == cloud.listed("a") == cloud.listed("b") == dict.fromkeys(names, 1)
    assert cloud.data("b") == {name: name.encode() for name in names}


@pytest.mark.slow
def test_killed_and_run_again_by_three_each_object_is_in_one_lot(cloud: Cloud) -> None:
    rng, names = random.Random(3), list[str]()
    patient = {"retry": {"attempts": 20, "backoffSec": 0}}
    cloud.declare(
        boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "a", **patient), cloud.arc("a", "b", **patient)]
    )
    cloud.cls("redrive", "p.json", "--list")
    for turn in range(2):
        fresh = [f"{turn}-{number}.txt" for number in range(4)]
        names += fresh
        started = [cloud.start("run", "p.json", "--seal-open") for _ in range(3)]
        cloud.put(*fresh)
        time.sleep(rng.uniform(5, 10))
        for process in started:
            cloud.kill(process)
    cloud.run(3)
    assert cloud.listed("raw") == cloud.listed("a") == cloud.listed("b") == dict.fromkeys(names, 1)
    assert cloud.data("b") == {name: name.encode() for name in names}
