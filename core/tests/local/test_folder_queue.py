from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from clusterless.builtin.folder_queue import FolderPublisher, FolderSubscription
from clusterless.errors import InvalidValueError, StoreRefusedError
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.runtime.clock import SystemClock
from clusterless.testing.clock import SettableClock

FIRST = Lot.parse("20240131PT5M000")
A, B = (LocatedDataset(name=name, version="1", path_uri=f"file:///{name}/") for name in "ab")


def event(dataset: LocatedDataset = A, lot: Lot = FIRST) -> Event:
    return Event(dataset=dataset, lot=lot, manifest="file:///m/manifest.json", revision=2)


def lots(number: int) -> list[Lot]:
    lots = [FIRST]
    while len(lots) < number:
        lots.append(lots[-1].next)
    return lots


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def queues(tmp_path: Path) -> Path:
    return tmp_path / "events" / "local,,local,here"


def numbered() -> Callable[[], str]:
    numbers = count()
    return lambda: f"{next(numbers):016x}"


@pytest.fixture
def publisher(queues: Path, clock: SettableClock) -> FolderPublisher:
    return FolderPublisher(queues, clock, numbered())


@pytest.fixture
def queue(queues: Path, clock: SettableClock) -> FolderSubscription:
    return FolderSubscription(queues, "p-1-arc", [A], clock)


def messages(queues: Path, subscriber: str = "p-1-arc") -> list[str]:
    return sorted(name for name in os.listdir(queues / subscriber) if name[0].isdigit())


def test_an_event_is_received_as_it_was_published(publisher: FolderPublisher, queue: FolderSubscription) -> None:
    publisher.publish(event())
    assert [delivery.event for delivery in queue.receive(10)] == [event()]


def test_an_event_goes_to_each_subscriber_of_its_dataset(
    publisher: FolderPublisher, queues: Path, clock: SettableClock
) -> None:
    both, other, same = (
        FolderSubscription(queues, name, datasets, clock)
        for name, datasets in (("both", [A, B]), ("other", [B]), ("same", [Dataset(name="a", version="1")]))
    )
    FolderSubscription(queues, "version", [Dataset(name="a", version="2")], clock)
    publisher.publish(event(A))
    assert [len(queue.receive(10)) for queue in (both, other, same)] == [1, 0, 1]
    assert messages(queues, "version") == []


def test_publishing_to_nobody_is_fine(publisher: FolderPublisher, queues: Path) -> None:
    publisher.publish(event())
    assert not queues.exists()


def test_a_subscriber_that_comes_later_hears_what_comes_later(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, clock: SettableClock
) -> None:
    publisher.publish(event())
    later = FolderSubscription(queues, "later", [A], clock)
    clock.advance(2)
    publisher.publish(event(lot=FIRST.next))
    assert [delivery.event.lot for delivery in later.receive(10)] == [FIRST.next]
    assert len(queue.receive(10)) == 2


def test_a_subscription_that_changes_is_heard_of_within_two_seconds(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, clock: SettableClock
) -> None:
    publisher.publish(event(B))
    FolderSubscription(queues, "p-1-arc", [A, B], clock)
    clock.advance(2)
    publisher.publish(event(B))
    assert len(queue.receive(10)) == 1


def test_a_subscription_that_cannot_be_read_does_not_silence_the_others(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (queues / "broken").mkdir()
    (queues / "broken/subscription.json").write_text("{")
    publisher.publish(event())
    assert len(queue.receive(10)) == 1
    assert "broken/subscription.json" in caplog.text


def test_a_message_is_whole_and_named_for_when_it_is_due(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, clock: SettableClock
) -> None:
    publisher.publish(event())
    (name,) = messages(queues)
    assert name == f"{round(clock.now().timestamp() * 1000):015}-{0:016x}.json"
    assert json.loads((queues / "p-1-arc" / name).read_text())["datasetId"] == "a/1"


def test_the_queue_outlives_its_receivers(publisher: FolderPublisher, queues: Path, clock: SettableClock) -> None:
    FolderSubscription(queues, "p-1-arc", [A], clock).close()
    publisher.publish(event())
    assert len(FolderSubscription(queues, "p-1-arc", [A], clock).receive(1)) == 1


def test_oldest_first_and_no_more_than_asked_for(
    publisher: FolderPublisher, queue: FolderSubscription, clock: SettableClock
) -> None:
    expected = lots(5)
    for lot in expected:
        publisher.publish(event(lot=lot))
        clock.advance(1)
    received = [[delivery.event.lot for delivery in queue.receive(2)] for _ in range(4)]
    assert received == [expected[:2], expected[2:4], expected[4:], []]


def test_what_is_acknowledged_never_comes_back(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, clock: SettableClock
) -> None:
    publisher.publish(event())
    queue.receive(1)[0].acknowledge()
    clock.advance(1000)
    assert queue.receive(1) == []
    assert messages(queues) == []


def test_what_is_not_acknowledged_is_hidden_for_a_minute(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, clock: SettableClock
) -> None:
    other = FolderSubscription(queues, "p-1-arc", [A], clock)
    publisher.publish(event())
    assert len(queue.receive(1)) == 1
    clock.advance(59.9)
    assert (*queue.receive(1), *other.receive(1)) == ()
    clock.advance(0.1)
    assert len(other.receive(1)) == 1
    assert queue.receive(1) == []


def test_what_is_deferred_comes_back_then(
    publisher: FolderPublisher, queue: FolderSubscription, clock: SettableClock
) -> None:
    publisher.publish(event())
    queue.receive(1)[0].defer(300)
    clock.advance(299)
    assert queue.receive(1) == []
    clock.advance(1)
    assert [delivery.event for delivery in queue.receive(1)] == [event()]


def test_deferring_to_now_hands_out_again_at_once(publisher: FolderPublisher, queue: FolderSubscription) -> None:
    publisher.publish(event())
    queue.receive(1)[0].defer(0)
    assert len(queue.receive(1)) == 1


def test_who_took_too_long_does_not_take_it_from_the_next(
    publisher: FolderPublisher, queue: FolderSubscription, clock: SettableClock
) -> None:
    publisher.publish(event())
    slow = queue.receive(1)[0]
    clock.advance(60)
    (second,) = queue.receive(1)
    slow.acknowledge()
    slow.defer(0)
    clock.advance(60)
    (third,) = queue.receive(1)
    assert second.event == third.event


def test_a_new_message_is_seen_behind_one_that_waits(
    publisher: FolderPublisher, queue: FolderSubscription, clock: SettableClock
) -> None:
    publisher.publish(event())
    queue.receive(1)[0].defer(300)
    assert queue.receive(1) == []
    publisher.publish(event(lot=FIRST.next))
    assert [delivery.event.lot for delivery in queue.receive(1)] == [FIRST.next]


def test_the_folder_is_not_read_for_every_message(
    publisher: FolderPublisher, queue: FolderSubscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lot in lots(50):
        publisher.publish(event(lot=lot))
    reads = []
    listdir = os.listdir

    def counted(folder: Path) -> list[str]:
        reads.append(folder)
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", counted)
    while received := queue.receive(1):
        received[0].acknowledge()
    assert len(reads) == 2  # at the beginning, and when nothing was left


def test_an_unreadable_message_is_set_aside_and_the_rest_goes_on(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher.publish(event())
    folder = queues / "p-1-arc"
    (folder / f"{0:015}-bad.json").write_bytes(b'{"dataset": 1}\xff')
    (folder / f"{1:015}-half.json").write_bytes(b'{"dataset": {"name": "a"')
    (folder / f"{2:015}-folder.json").mkdir()
    assert [delivery.event for delivery in queue.receive(10)] == [event()]
    dead = sorted(os.listdir(folder / "dead"))
    assert [name.partition("-")[2] for name in dead] == [
        f"{name}.{suffix}" for name in ("bad", "folder", "half") for suffix in ("json", "reason.txt")
    ]
    assert "not JSON" in next((folder / "dead").glob("*-bad.reason.txt")).read_text()
    assert caplog.text.count("set aside") == 3


def test_what_is_no_message_is_left_alone(queue: FolderSubscription, queues: Path) -> None:
    for name in (".tmp-1", "notes.txt", "1-short.json"):
        (queues / "p-1-arc" / name).touch()
    assert queue.receive(10) == []
    assert (queues / "p-1-arc/notes.txt").exists()


def test_a_queue_that_was_removed_is_made_again(
    publisher: FolderPublisher, queue: FolderSubscription, queues: Path, clock: SettableClock
) -> None:
    (queues / "p-1-arc/subscription.json").unlink()
    (queues / "p-1-arc").rmdir()
    assert queue.receive(1) == []
    clock.advance(2)
    publisher.publish(event())
    assert len(queue.receive(1)) == 1


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", ".hidden", "a:b", "a" * 201, "a\0"])
def test_a_subscriber_must_be_a_folders_name(name: str, queues: Path, clock: SettableClock) -> None:
    with pytest.raises(InvalidValueError, match="cannot be a queue's name"):
        FolderSubscription(queues, name, [A], clock)
    assert not queues.exists()


def test_a_file_in_the_queues_place_is_an_error_that_says_so(queues: Path, clock: SettableClock) -> None:
    queues.parent.mkdir(parents=True)
    queues.touch()
    with pytest.raises(StoreRefusedError):
        FolderSubscription(queues, "p-1-arc", [A], clock)


DRAIN = """
import sys
from pathlib import Path
from clusterless.builtin.folder_queue import FolderSubscription
from clusterless.model.dataset import Dataset
from clusterless.runtime.clock import SystemClock
queue = FolderSubscription(Path(sys.argv[1]), "p-1-arc", [Dataset(name="a", version="1")], SystemClock())
print("ready", flush=True)
sys.stdin.readline()
while received := queue.receive(7):
    for delivery in received:
        print(delivery.event.lot)
        delivery.acknowledge()
"""

PUBLISH = """
import sys
from pathlib import Path
from clusterless.builtin.folder_queue import FolderPublisher
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.runtime.clock import SystemClock, random_id
publisher = FolderPublisher(Path(sys.argv[1]), SystemClock(), random_id)
dataset = LocatedDataset(name="a", version="1", path_uri="file:///a/")
lot = Lot.parse("20240131PT5M000")
for _ in range(50):
    publisher.publish(Event(dataset=dataset, lot=lot, manifest="file:///m"))
    lot = lot.next
"""


def run(program: str, queues: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(queues)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_of_racing_processes_one_gets_each_message(queues: Path) -> None:
    FolderSubscription(queues, "p-1-arc", [A], SystemClock())
    publisher = FolderPublisher(queues, SystemClock(), numbered())
    for lot in lots(200):
        publisher.publish(event(lot=lot))
    processes = [run(DRAIN, queues) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = Counter(lot for process in processes for lot in process.communicate()[0].split())
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert taken == Counter(map(str, lots(200)))
    assert messages(queues) == []


def test_processes_publish_while_another_receives(queues: Path) -> None:
    queue = FolderSubscription(queues, "p-1-arc", [A], SystemClock())
    processes = [run(PUBLISH, queues) for _ in range(2)]
    taken: Counter[str] = Counter()
    while taken.total() < 100:
        for delivery in queue.receive(10):
            taken[str(delivery.event.lot)] += 1
            delivery.acknowledge()
    for process in processes:
        process.communicate()
    assert taken == Counter({str(lot): 2 for lot in lots(50)})
    assert not (queues / "p-1-arc/dead").exists()
