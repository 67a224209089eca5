"""Real folders, really watched: each test waits for what it must, and none asserts how long that took."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clusterless import layout
from clusterless.builtin import folder_listener, folder_view
from clusterless.builtin.folder_components import PutListenerBoundary
from clusterless.builtin.folder_listener import FolderListener, open_listener
from clusterless.builtin.folder_provider import FolderProvider
from clusterless.errors import InvalidValueError, StoreRefusedError, StoreUnavailableError
from clusterless.model.arrival import Arrival
from clusterless.model.boundary import LotSource
from clusterless.model.dataset import SinkDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import Arrived, Surroundings
from clusterless.runtime.clock import SystemClock
from clusterless.store.files import FileStore

PATIENCE = 30.0
SETTLE = 0.2

Listen = Callable[..., FolderListener]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "in coming"


def boundary(uri: str, **more: Any) -> PutListenerBoundary:
    return PutListenerBoundary(
        type="local:core:putListenerBoundary",
        name="listen",
        dataset=SinkDataset(name="in", version="1", path_uri=uri),
        lot_unit=LotUnit.TWELFTHS,
        **{"settle_sec": SETTLE, **more},
    )


@pytest.fixture
def listen(folder: Path) -> Iterator[Listen]:
    opened: list[FolderListener] = []

    def listen(**more: Any) -> FolderListener:
        uri = f"{folder.as_uri()}/"
        opened.append(FolderListener(boundary(uri, **more), FileStore(uri)))
        return opened[-1]

    yield listen
    for listener in opened:
        listener.close()


def put(path: Path, body: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    return path


def key(arrival: Arrival, folder: Path) -> str:
    return layout.key(f"{folder.as_uri()}/", arrival.uri)


def receive(listener: FolderListener, folder: Path, number: int, since: datetime | None = None) -> list[str]:
    """The keys of the next *number* arrivals or more, acknowledged."""
    keys: list[str] = []
    while len(keys) < number:
        arrived = listener.receive(PATIENCE, since)
        assert arrived.arrivals, f"only {keys} arrived"
        keys += [key(arrival, folder) for arrival in arrived.arrivals]
        arrived.acknowledge()
    return keys


def quiet(listener: FolderListener) -> Arrived:
    """Nothing arrives although all that changed by now has been looked at."""
    now = datetime.now(UTC)
    while True:
        arrived = listener.receive(0.5, None)
        assert arrived.arrivals == []
        if arrived.looked is not None and arrived.looked > now:
            return arrived


# ---- what is handed over


def test_a_file_that_was_there_arrives_as_the_store_knows_it(folder: Path, listen: Listen) -> None:
    path = put(folder / "a b/ü%.csv", "12345")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    (arrival,) = listen().receive(PATIENCE, None).arrivals
    root = f"{folder.as_uri()}/"
    info = FileStore(root).head("a b/ü%.csv")
    assert arrival == Arrival(layout.uri(root, "a b/ü%.csv"), info.etag, 5, info.time)
    assert arrival.time == datetime.fromtimestamp(1_700_000_000, UTC)


def test_by_event_time_it_is_the_time_it_was_noticed(folder: Path, listen: Listen) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    os.utime(put(folder / "a"), (1_700_000_000, 1_700_000_000))
    (arrival,) = listen(lot_source=LotSource.EVENT_TIME).receive(PATIENCE, None).arrivals
    assert before < arrival.time <= datetime.now(UTC) + timedelta(seconds=1)


def test_a_file_that_comes_later_arrives(folder: Path, listen: Listen) -> None:
    listener = listen()
    quiet(listener)
    put(folder / "a")
    assert receive(listener, folder, 1) == ["a"]


def test_a_file_overwritten_arrives_again_with_another_etag(folder: Path, listen: Listen) -> None:
    listener = listen()
    put(folder / "a", "1")
    first = listener.receive(PATIENCE, None)
    first.acknowledge()
    put(folder / "a", "22")
    second = listener.receive(PATIENCE, None)
    assert first.arrivals[0].uri == second.arrivals[0].uri
    assert first.arrivals[0].etag != second.arrivals[0].etag


def test_a_file_put_in_by_rename_arrives_under_its_last_name(folder: Path, listen: Listen) -> None:
    listener = listen()
    quiet(listener)
    put(folder / ".a.csv.writing").rename(folder / "a.csv")
    put(folder.parent / "elsewhere").rename(folder / "b.csv")
    assert sorted(receive(listener, folder, 2)) == ["a.csv", "b.csv"]
    (folder / "a.csv").rename(folder / "c.csv")
    assert receive(listener, folder, 1) == ["c.csv"]


def test_what_is_in_a_new_folder_arrives(folder: Path, listen: Listen) -> None:
    listener = listen()
    quiet(listener)
    for name in ("p/q/r/one", "p/q/two", "three"):
        put(folder / name)
    assert sorted(receive(listener, folder, 3)) == ["p/q/r/one", "p/q/two", "three"]
    put(folder / "p/q/r/four")
    assert receive(listener, folder, 1) == ["p/q/r/four"]


def test_a_folder_moved_in_arrives_whole(folder: Path, listen: Listen) -> None:
    put(folder.parent / "elsewhere/deep/a")
    listener = listen()
    quiet(listener)
    (folder.parent / "elsewhere").rename(folder / "moved")
    assert receive(listener, folder, 1) == ["moved/deep/a"]


def test_hidden_unfinished_and_linked_files_do_not_arrive(folder: Path, listen: Listen) -> None:
    outside = put(folder.parent / "outside/secret")
    listener = listen()
    quiet(listener)
    for name in (".hidden", "a.tmp", "b.part", ".git/config", "real/kept"):
        put(folder / name)
    (folder / "link").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (folder / "again").symlink_to(folder / "real")
    assert receive(listener, folder, 1) == ["real/kept"]
    put(outside.parent / "another")
    put(folder / "real/last")
    assert receive(listener, folder, 1) == ["real/last"]
    quiet(listener)


@pytest.mark.parametrize("polling", ["", "1"])  # a polling watch follows links, and tells of what is behind them
def test_a_watch_does_not_lead_through_links(
    folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch, polling: str
) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", polling)
    outside = put(folder.parent / "outside/secret").parent
    put(folder / "real/kept")
    (folder / "linked").symlink_to(outside)
    (folder / "again").symlink_to(folder / "real")
    listener = listen(settle_sec=1)
    assert receive(listener, folder, 1) == ["real/kept"]
    put(outside / "another")
    put(folder / "real/kept", "changed")
    assert receive(listener, folder, 1) == ["real/kept"]
    quiet(listener)


def test_a_file_that_is_gone_before_it_rested_does_not_arrive(folder: Path, listen: Listen) -> None:
    listener = listen()
    quiet(listener)
    put(folder / "a").unlink()
    quiet(listener)


# ---- resting


def test_a_file_that_is_being_written_does_not_arrive(folder: Path, listen: Listen) -> None:
    listener = listen(settle_sec=1)
    put(folder / "a", "")
    with (folder / "a").open("a") as file:
        for _ in range(15):
            file.write("x")
            file.flush()
            arrived = listener.receive(0.1, None)
            assert arrived.arrivals == []
            assert arrived.unsettled
    (arrival,) = listener.receive(PATIENCE, None).arrivals
    assert arrival.size == 15


def test_a_change_that_the_watch_has_not_told_of_yet_counts(folder: Path, listen: Listen) -> None:
    listener = listen(settle_sec=5)
    quiet(listener)
    put(folder / "a")
    listener._backlog.note("a", 1)  # as it was last seen: changed long ago
    assert listener.receive(0, None).arrivals == []


def test_looked_stays_before_what_has_not_rested(folder: Path, listen: Listen) -> None:
    listener = listen(settle_sec=1)
    quiet(listener)
    path = put(folder / "a")
    changed = path.stat().st_ctime
    while not (arrived := listener.receive(0.1, None)).arrivals:
        assert arrived.looked is not None
        assert arrived.looked.timestamp() <= changed
    assert arrived.arrivals[0].size == 1


def test_looked_never_goes_back(folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_listener, "CHUNK", 1)  # so that old files are left waiting
    for name in "abc":
        put(folder.parent / "elsewhere" / name)
    listener = listen()
    before = quiet(listener).looked
    (folder.parent / "elsewhere").rename(folder / "moved")
    for _ in range(3):
        arrived = listener.receive(PATIENCE, None)
        arrived.acknowledge()
        assert before is not None
        assert arrived.looked is not None
        assert arrived.looked >= before
        before = arrived.looked


# ---- acknowledging


def test_what_is_not_acknowledged_is_handed_over_again(folder: Path, listen: Listen) -> None:
    listener = listen()
    put(folder / "a")
    first = listener.receive(PATIENCE, None)
    put(folder / "b")
    second = listener.receive(PATIENCE, None)
    while len(second.arrivals) < 2:
        second = listener.receive(PATIENCE, None)
    assert second.arrivals[0] == first.arrivals[0]
    second.acknowledge()
    quiet(listener)


def test_acknowledging_the_first_leaves_the_second(folder: Path, listen: Listen) -> None:
    listener = listen()
    put(folder / "a", "1")
    first = listener.receive(PATIENCE, None)
    put(folder / "a", "22")
    second = first
    while len(second.arrivals) < 2:
        second = listener.receive(PATIENCE, None)
    first.acknowledge()
    assert listener.receive(PATIENCE, None).arrivals == second.arrivals[1:]


def test_at_most_a_chunk_is_handed_over_first_changed_first(
    folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_listener, "CHUNK", 4)
    for name in "jihgfedcba":
        put(folder / name)
        time.sleep(0.01)
    time.sleep(2 * SETTLE)
    listener = listen()
    chunks: list[list[str]] = []
    while sum(map(len, chunks)) < 10:
        arrived = listener.receive(PATIENCE, None)
        chunks.append([key(arrival, folder) for arrival in arrived.arrivals])
        left = 10 - sum(map(len, chunks))
        if left:
            assert arrived.looked is not None
            assert arrived.looked.timestamp() <= (folder / "jihgfedcba"[-left]).stat().st_ctime
        assert arrived.backlog == bool(left)
        arrived.acknowledge()
    assert chunks == [list("jihg"), list("fedc"), list("ba")]


# ---- beginning again


def test_a_new_listener_begins_where_the_last_one_looked(folder: Path, listen: Listen) -> None:
    put(folder / "old")
    changed = datetime.fromtimestamp((folder / "old").stat().st_ctime, UTC)
    put(folder / "new")
    # The overlap is five seconds: only the time we begin at can be told apart here, not the files.
    assert receive(listen(), folder, 2, changed) == ["old", "new"]
    listener = listen()
    assert listener.receive(0.5, changed + timedelta(seconds=6)).arrivals == []
    put(folder / "old", "again")
    assert receive(listener, folder, 1) == ["old"]


def test_a_folder_that_is_not_there_is_made(folder: Path, listen: Listen) -> None:
    listener = listen()
    assert listener.receive(0, None).arrivals == []
    put(folder / "a")
    assert receive(listener, folder, 1) == ["a"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_removed_and_made_again_goes_on(folder: Path, listen: Listen, at_once: bool) -> None:
    listener = listen()
    put(folder / "a/b")
    assert receive(listener, folder, 1) == ["a/b"]
    shutil.rmtree(folder)
    if not at_once:
        assert listener.receive(0.5, None).arrivals == []
        assert not folder.exists()
    put(folder / "c/d")
    assert receive(listener, folder, 1) == ["c/d"]
    put(folder / "e")
    assert receive(listener, folder, 1) == ["e"]


def test_a_folder_exchanged_for_another_is_read_whole(
    folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_view, "_OVERLAP", 0)
    put(folder.parent / "other/old")
    time.sleep(0.05)
    listener = listen()
    quiet(listener)
    folder.rename(folder.parent / "away")
    (folder.parent / "other").rename(folder)
    assert receive(listener, folder, 1) == ["old"]


def test_what_a_folder_moved_in_has_brought_arrives_once_however_often_it_is_scanned(
    folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_view, "_SCAN_EVERY", 0)
    monkeypatch.setattr(folder_view, "_OVERLAP", 1_000_000_000)
    listener = listen()
    quiet(listener)
    put(folder.parent / "other/old")
    time.sleep(1.2)  # it is older than a scan looks back, and the folder that it comes in is not
    (folder.parent / "other").rename(folder / "moved")
    assert receive(listener, folder, 1) == ["moved/old"]
    for _ in range(5):
        assert listener.receive(0.3, None).arrivals == []


def test_when_the_watch_may_have_overflowed_all_is_scanned(
    folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = listen()
    quiet(listener)
    monkeypatch.setattr(folder_view, "_MANY", 20)
    # An overflow, made small: the changes of one folder are lost.
    note = folder_view.FolderView._note_one
    monkeypatch.setattr(
        folder_view.FolderView, "_note_one", lambda self, key, *a: None if key.startswith("l") else note(self, key, *a)
    )
    put(folder / "lost")
    for number in range(40):
        put(folder / f"{number}")
    keys = receive(listener, folder, 41)
    assert "lost" in keys
    assert len(set(keys)) == 41


def test_what_a_watch_never_sees_is_found_by_the_scan_that_comes_anyway(
    folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_view, "_SCAN_EVERY", 1_000_000_000)
    monkeypatch.setattr(folder_view.FolderView, "_note", lambda *_: None)  # as on a network disk
    listener = listen()
    listener.receive(0, None)
    put(folder / "remote/a")
    assert receive(listener, folder, 1) == ["remote/a"]


def test_a_watch_that_fails_is_begun_anew_with_a_scan(
    folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = listen()
    quiet(listener)
    assert listener._view is not None
    watch = listener._view._watch
    assert watch is not None
    watch.close()  # it ends, as it would by itself
    put(folder / "a")
    with pytest.raises(StoreUnavailableError, match="no longer watched"):
        listener.receive(PATIENCE, None)
    assert receive(listener, folder, 1) == ["a"]


def test_polling_will_do_where_nothing_else_does(folder: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    listener = listen(settle_sec=1)
    quiet(listener)
    put(folder / "p/a")
    assert receive(listener, folder, 1) == ["p/a"]


# ---- what cannot be


@contextmanager
def as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_read_is_an_error_that_says_so(folder: Path, listen: Listen) -> None:
    (folder / "below").mkdir(parents=True)
    folder.chmod(0)
    with as_nobody(), pytest.raises(StoreRefusedError, match="may not be used") as refused:
        listen().receive(0, None)
    folder.chmod(0o755)
    assert str(folder) in refused.value.hint


def test_a_file_in_the_folders_place_is_an_error_that_says_so(folder: Path, listen: Listen) -> None:
    put(folder)
    with pytest.raises(StoreRefusedError, match="is not a folder"):
        listen().receive(0, None)


def test_only_a_folder_can_be_listened_to(tmp_path: Path) -> None:
    surroundings = Surroundings(
        project=Project(name="p", version="1"),
        placement=Placement(provider="local"),
        roots=FolderProvider().roots(Placement(provider="local"), tmp_path),
        open_store=FileStore,
        clock=SystemClock(),
        base=tmp_path,
        scratch=tmp_path,
    )
    with pytest.raises(InvalidValueError, match="s3://bucket/in/"):
        open_listener(boundary("s3://bucket/in/"), surroundings)
    open_listener(boundary(f"{tmp_path.as_uri()}/"), surroundings).close()


def test_closing_stops_the_watching_and_can_be_done_twice(folder: Path, listen: Listen) -> None:
    before = set(threading.enumerate())
    listener = listen()
    listener.receive(0, None)
    assert any("watch" in thread.name for thread in set(threading.enumerate()) - before)
    listener.close()
    listener.close()
    assert set(threading.enumerate()) <= before


# ---- many


@pytest.mark.slow
def test_a_hundred_thousand_files_at_once_all_arrive_once(folder: Path, listen: Listen) -> None:
    listener = listen(settle_sec=1)
    quiet(listener)
    expected = {f"{number % 7}/{number}.csv" for number in range(100_000)}
    staged = folder.parent / "staged"
    for part in range(7):
        (staged / str(part)).mkdir(parents=True)

    def write() -> None:
        for name in sorted(expected)[:50_000]:
            (staged / name).touch()
        staged.rename(folder / "moved")
        for part in range(7):
            (folder / str(part)).mkdir()
        for name in sorted(expected)[50_000:]:
            (folder / name).touch()

    writer = threading.Thread(target=write)
    writer.start()
    keys: list[str] = []
    while len(keys) < 100_000:
        arrived = listener.receive(PATIENCE, None)
        assert len(arrived.arrivals) <= 10_000
        assert arrived.arrivals, f"only {len(keys)} arrived"
        keys += [key(arrival, folder).removeprefix("moved/") for arrival in arrived.arrivals]
        arrived.acknowledge()
    writer.join()
    quiet(listener)
    assert len(keys) == 100_000
    assert set(keys) == expected
