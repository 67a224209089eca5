"""Projects that read each other's datasets from two placements of this machine, run in this process and in two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clusterless.cli.app import main
from clusterless.cli.run import AbsentError
from clusterless.deploy import silence as silences
from clusterless.deploy.check import check
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve, resolve_reached
from clusterless.errors import MalformedError, StoreRefusedError, StoreUnavailableError
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.plugins import find_plugins
from clusterless.runner import delivering, joining, listening
from clusterless.runner.happenings import Happening, Joined, Started, Trouble, Worked
from clusterless.runner.running import Ended, Options, run
from clusterless.runtime import attempt, delivery, renewal
from clusterless.runtime.silence import NoSubscription
from clusterless.store.files import FileStore
from clusterless.store.manifests import Manifests, encode

PLUGINS = find_plugins()
EAST, WEST = ({"provider": "local", "account": name} for name in ("east", "west"))
MADE = Dataset(name="made", version="1")
HOUR_AGO = time.time() - 3600
PATIENCE = 120  # seconds for what takes one or two, on a machine with nothing else to do


def source(name: str, placement: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1", **({"placement": placement} if placement else {}), **more}


def copy(name: str, sink: str, **sources: Any) -> dict[str, Any]:
    sinks = {"main": {"name": sink, "version": "1", "pathURI": f"data/{sink}/"}}
    return {"type": "cls:core:copyArc", "name": name, "sources": sources, "sinks": sinks}


def listener(dataset: str) -> dict[str, Any]:
    located = {"name": dataset, "version": "1", "pathURI": f"in/{dataset}/"}
    more = {"lotUnit": "Twelfths", "settleSec": 0, "eventArrival": "frequent"}
    return {"type": "local:core:putListenerBoundary", "name": f"in-{dataset}", "dataset": located, **more}


class Places:
    """A folder with a project that makes, in the east, and others that take, in the west."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.declare("maker", EAST, boundaries=[listener("raw")], arcs=[copy("copy", "made", main=source("raw"))])
        self.declare("taker", WEST, arcs=[copy("take", "took", main=source("made", EAST, start="all"))])

    def declare(self, name: str, placement: dict[str, str], **parts: Any) -> None:
        declared = {"project": {"name": name, "version": "1"}, "placement": placement, **parts}
        (self.folder / f"{name}.json").write_text(json.dumps(declared))

    def put(self, name: str, dataset: str = "raw", ago: float = 3600) -> None:
        file = self.folder / "in" / dataset / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        os.utime(file, (time.time() - ago, time.time() - ago))

    def idle(self, *names: str) -> tuple[Ended, list[Happening]]:
        told: list[Happening] = []
        return self.run(told.append, threading.Event(), *names, until_idle=True), told

    def run(self, tell: Callable[[Happening], None], stop: threading.Event, *names: str, **options: Any) -> Ended:
        files = [self.folder / f"{name}.json" for name in names]
        declared = read_projects(files, PLUGINS.components(), PLUGINS.project_formats())
        sites, awaited = resolve_reached(declared, PLUGINS)
        return run(sites, PLUGINS, Options(scratch=self.folder / "scratch", **options), tell, stop, awaited)

    def make_elsewhere(self) -> None:
        """Run the maker until all is at rest, as a process of its own."""
        command = [sys.executable, "-m", "clusterless.cli", "run", "maker.json", "--until-idle", "--seal-open"]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, timeout=PATIENCE)

    @contextmanager
    def taking(self, *names: str) -> Iterator[list[Happening]]:
        """Run what takes, in a thread, until the block ends; gives what it tells."""
        told: list[Happening] = []
        stop = threading.Event()
        failed: list[BaseException] = []

        def target() -> None:
            try:
                self.run(told.append, stop, *(names or ("taker",)), seal_open=True)
            except BaseException as error:  # noqa: BLE001  told by the test's own thread
                failed.append(error)

        thread = threading.Thread(target=target)
        thread.start()
        try:
            yield told
        finally:
            stop.set()
            thread.join(PATIENCE)
        assert not failed
        assert not thread.is_alive()

    def files(self, dataset: str) -> list[str]:
        return sorted(path.name for path in (self.folder / "data" / dataset).rglob("*") if path.is_file())

    def manifests(self, account: str) -> Manifests:
        folder = self.folder / f".clusterless/clusterless-manifest-{account}-here"
        return Manifests(FileStore(f"{folder.as_uri()}/"))

    def of(self, account: str) -> dict[str, tuple[int, int]]:
        """All files that are the placement's own: inode and modification time."""
        root = self.folder / ".clusterless"
        files = (path for path in root.rglob("*") if path.is_file() and account in str(path.relative_to(root).parts))
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setattr(listening, "_PATIENCE", 0.05)
    monkeypatch.setattr(listening, "_TICK", 0.05)
    return Places(tmp_path)


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the east can be written by this process: neither its stores nor its queues."""

    def refusing(do: Callable[..., Any]) -> Callable[..., Any]:
        def ask(store: FileStore, *arguments: Any) -> Any:
            if "east" in store.root:
                msg = f"{store.root} is read-only"
                raise StoreRefusedError(msg)
            return do(store, *arguments)

        return ask

    for name in ("put", "create", "delete", "copy"):
        monkeypatch.setattr(FileStore, name, refusing(getattr(FileStore, name)))


class Line:
    """To the east; while it is *down*, nothing there answers this process."""

    down = False


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line()

    def answering(do: Callable[..., Any]) -> Callable[..., Any]:
        def ask(store: FileStore, *arguments: Any) -> Any:
            if line.down and "east" in store.root:
                msg = f"{store.root} did not answer"
                raise StoreUnavailableError(msg)
            return do(store, *arguments)

        return ask

    for name in ("get", "open", "head", "put", "create", "delete", "list", "copy"):
        monkeypatch.setattr(FileStore, name, answering(getattr(FileStore, name)))
    return line


class Silence:
    """Of the east: what is asked there neither comes back nor fails, as where what is sent is dropped on the way."""

    def __init__(self) -> None:
        self._speaks, self._asked = threading.Event(), threading.Event()
        self.end()

    def fall(self) -> None:
        self._speaks.clear()

    def end(self) -> None:
        self._speaks.set()

    def wait_until_asked(self) -> None:
        assert self._asked.wait(PATIENCE)

    def pass_by(self, store: FileStore) -> None:
        if "east" in store.root and not self._speaks.is_set():
            self._asked.set()
            self._speaks.wait()


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silence]:
    silence = Silence()

    def asking(do: Callable[..., Any]) -> Callable[..., Any]:
        def ask(store: FileStore, *arguments: Any) -> Any:
            silence.pass_by(store)
            return do(store, *arguments)

        return ask

    for name in ("get", "open", "head", "put", "create", "delete", "list", "list_keys", "copy"):
        monkeypatch.setattr(FileStore, name, asking(getattr(FileStore, name)))
    yield silence
    silence.end()


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def troubles(told: list[Happening]) -> list[Trouble]:
    return [each for each in told if isinstance(each, Trouble)]


def test_a_dataset_of_another_placement_is_worked_in_the_same_run(places: Places) -> None:
    places.put("a")
    ended, told = places.idle("maker", "taker")
    assert (ended.idle, ended.set_aside, troubles(told)) == (True, (), [])
    assert places.files("took") == ["a"]
    assert {each.element for each in told if isinstance(each, Worked)} == {"maker/copy", "taker/take"}
    assert places.idle("taker")[0].worked == 0


def test_lots_are_joined_across_placements(places: Places) -> None:
    join = {
        "type": "cls:core:joinBarrier",
        "name": "both",
        "sources": {"here": source("own", start="all"), "there": source("made", EAST, start="all")},
        "dataset": {"name": "joined", "version": "1"},
    }
    after = copy("after", "out", main=source("joined", start="all"))
    places.declare("joiner", WEST, boundaries=[listener("own")], barriers=[join], arcs=[after])
    places.put("a")
    places.put("b", "own")
    ended, told = places.idle("maker", "joiner")
    assert (ended.set_aside, troubles(told)) == ((), [])
    assert places.files("out") == ["a", "b"]


def test_who_only_reads_writes_nothing_where_it_reads(places: Places, request: pytest.FixtureRequest) -> None:
    places.put("a")
    places.idle("maker")
    before = places.of("east")
    request.getfixturevalue("read_only")
    ended, told = places.idle("taker")
    assert (ended.set_aside, troubles(told), places.files("took")) == ((), [], ["a"])
    assert places.of("east") == before
    assert before


def test_where_nobody_may_listen_manifests_are_looked_at(
    places: Places, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(listening, "_UNHEARD", 0.1)
    places.idle("maker")
    request.getfixturevalue("read_only")

    def taken(name: str) -> bool:
        return name in places.files("took")

    with places.taking() as told:
        for name in "ab":
            places.put(name)
            places.make_elsewhere()
            until(partial(taken, name))
    assert not troubles(told)


def test_an_event_of_another_placement_is_heard_at_once(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks at manifests are too rare to have found it."""
    monkeypatch.setattr(listening, "_HEARD", 10 * PATIENCE)
    looks: list[int] = []

    def noted(_: object, look: int) -> Iterator[Lot]:
        looks.append(look)
        return iter(())

    monkeypatch.setattr(listening, "lately_unsettled", noted)
    places.idle("maker")
    with places.taking():
        until(lambda: [path for path in places.of("east") if "taker-1-take-local-west-here/subscription.json" in path])
        time.sleep(0.5)  # for the first look to be over
        places.put("a")
        places.make_elsewhere()
        until(lambda: places.files("took") == ["a"])
    assert not looks


def test_a_lot_that_is_committed_long_after_later_ones_is_found(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody announces it: it is put there by hand."""
    monkeypatch.setattr(listening, "_HEARD", 0.1)
    places.put("a")
    places.idle("maker", "taker")
    late = Lot.containing(datetime.now(UTC) - timedelta(days=3), LotUnit.TWELFTHS)
    with places.taking():
        time.sleep(1)  # the first look, at all there is, is over
        file = places.folder / "data/made/late"
        file.write_text("late")
        body = encode(Manifest(state=ManifestState.COMPLETE, lot=late, uris=(file.as_uri(),))).inline
        places.manifests("east").publish(MADE, late, ManifestState.COMPLETE, 0, body or b"")
        until(lambda: places.files("took") == ["a", "late"])


def test_most_looks_list_one_day_however_long_the_history(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    places.put("a")
    places.idle("maker", "taker")
    today = Lot.containing(datetime.now(UTC), LotUnit.TWELFTHS)
    for days in range(2, 40):
        lot = today.plus(-days * LotUnit.TWELFTHS.per_day)
        manifest = Manifest(state=ManifestState.EMPTY, lot=lot)
        places.manifests("east").publish(MADE, lot, ManifestState.EMPTY, 0, encode(manifest).inline or b"")
    asked: list[str] = []
    real = FileStore.list

    def noted(store: FileStore, prefix: str = "", after: str = "") -> Any:
        if "-manifest-east" in store.root and prefix.endswith("lot="):
            asked.append(after.removeprefix(prefix))
        return real(store, prefix, after)

    places.idle("taker")
    monkeypatch.setattr(listening, "_HEARD", 0.0)
    monkeypatch.setattr(FileStore, "list", noted)
    with places.taking():
        until(lambda: len(asked) > 13)
    assert asked[:2] == ["", ""], "the unit is looked up, and the first look is at all there is"
    back = [(today.day - Lot.parse(after[: len(str(today))]).day).days for after in asked[2:14]]
    assert back == [1, 2, 1, 4, 1, 2, 1, 8, 1, 2, 1, 4]


def by_inbox(places: Places) -> None:
    tell = {
        "type": "cls:core:inboxNotifier",
        "name": "tell",
        "pathURI": "post/",
        "datasets": [{"name": "made", "version": "1"}],
        "placement": WEST,
    }
    made = copy("copy", "made", main=source("raw"))
    places.declare("maker", EAST, boundaries=[listener("raw")], arcs=[made], notifiers=[tell])
    places.declare("taker", WEST, arcs=[copy("take", "took", main=source("made", EAST, start="all", inbox="post/"))])


def post(places: Places) -> FileStore:
    return FileStore(f"{(places.folder / 'post').as_uri()}/")


def posted(places: Places) -> list[str]:
    return [info.key for info in post(places).list()]


def test_a_lot_is_heard_of_by_an_inbox_and_the_event_is_gone(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_HEARD", 10 * PATIENCE)
    monkeypatch.setattr("clusterless.runtime.inbox._LOOK", timedelta(seconds=0.1))
    by_inbox(places)
    places.put("before")
    places.make_elsewhere()
    assert posted(places), "nobody reads yet"
    with places.taking() as told:
        until(lambda: places.files("took") == ["before"] and not posted(places))
        places.put("a")
        places.make_elsewhere()
        until(lambda: places.files("took") == ["a", "before"] and not posted(places))
    assert not troubles(told)
    assert not [path for path in places.of("east") if "taker" in path], "nobody listens in the other placement"


def test_a_lost_event_and_a_doubled_one_do_no_harm(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusterless.runtime.inbox._LOOK", timedelta(seconds=0.1))
    by_inbox(places)
    places.put("a")
    places.make_elsewhere()
    lost = {key: post(places).get(key) for key in posted(places)}
    for key in lost:
        post(places).delete(key)
    places.idle("taker")
    assert places.files("took") == ["a"]
    for key, body in lost.items():
        post(places).put(key, body)
    with places.taking() as told:
        until(lambda: not posted(places))
    assert not [each for each in told if isinstance(each, Worked)]


def test_what_was_set_aside_in_an_inbox_is_listed_and_handed_out_again(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_inbox(places)
    places.put("a")
    places.idle("maker")
    event = min(posted(places))
    others = {*posted(places)} - {event}
    post(places).put(f"unreadable/{event}", post(places).get(event))
    post(places).delete(event)
    post(places).put("unreadable/bad.json", b"{")
    monkeypatch.chdir(places.folder)
    told = CliRunner().invoke(main, ["redrive", "taker.json", "--list", "--output", "csv"]).stdout.splitlines()
    assert [line.split(",")[2:5] for line in told[1:]] == [["take", "dead", ""], ["take", "dead", "made"]]
    again = CliRunner().invoke(main, ["redrive", "taker.json"])
    assert "taker/take: 1 event handed out again" in again.output
    assert {*posted(places)} == {event, "unreadable/bad.json", *others}


def test_what_was_set_aside_for_a_reader_in_another_placement_is_asked_for_there(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.put("a")
    places.idle("maker", "taker")
    asked: list[tuple[str | None, str]] = []

    def subscription(around: Any, name: str, _: object) -> NoSubscription:
        asked.append((around.placement.account, name))
        if around.placement.account == "east":
            msg = "nobody from elsewhere may listen here"
            raise StoreRefusedError(msg)
        return NoSubscription()

    monkeypatch.setattr(PLUGINS.provider("local"), "subscription", subscription)
    monkeypatch.chdir(places.folder)
    assert CliRunner().invoke(main, ["redrive", "taker.json", "--list"]).exit_code == 0
    assert asked == [("west", "taker-1-take"), ("east", "taker-1-take-local-west-here")]


def test_an_inbox_is_one_readers_and_no_place_for_objects(places: Places) -> None:
    by_inbox(places)
    sources = {"main": source("made", EAST, inbox="post/")}
    places.declare(
        "other",
        WEST,
        arcs=[
            copy("again", "other", **sources),
            copy("among", "post", main=source("made", EAST, inbox="data/took/x/")),
        ],
    )
    files = [places.folder / f"{name}.json" for name in ("maker", "taker", "other")]
    found = [
        str(each) for each in check(read_projects(files, PLUGINS.components(), PLUGINS.project_formats()), PLUGINS)
    ]
    assert len(found) == 2
    assert "$.arcs[0].sources.main.inbox: arc 'take' of taker/1 takes events from" in found[0]
    assert "$.arcs[1].sources.main.inbox: events would lie among the objects of took/1" in found[1]


def declare_both(places: Places) -> None:
    """What takes from the east, and what does so from its own placement."""
    take = copy("take", "took", main=source("made", EAST, start="all"))
    places.declare("taker", WEST, boundaries=[listener("own")], arcs=[take, copy("own", "copied", main=source("own"))])


def test_a_placement_that_cannot_be_reached_holds_up_nobody_else_and_is_heard_of_when_it_is_back(
    places: Places, line: Line
) -> None:
    declare_both(places)
    places.put("a")
    places.idle("maker")
    line.down = True
    places.put("b", "own")
    with places.taking() as told:
        until(lambda: places.files("copied") == ["b"])
        until(lambda: troubles(told))
        assert {each.element for each in troubles(told)} == {"taker/take"}
        assert "placement local:null:east:here cannot be reached" in str(troubles(told)[0].error)
        line.down = False
        until(lambda: places.files("took") == ["a"])


def test_a_placement_that_is_lost_on_the_way_holds_up_nobody_else(
    places: Places, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_HEARD", 0.1)
    declare_both(places)
    places.put("a")
    places.idle("maker")
    with places.taking() as told:
        until(lambda: places.files("took") == ["a"])
        line.down = True
        until(lambda: troubles(told))
        places.put("b", "own")
        until(lambda: places.files("copied") == ["b"])
        line.down = False
        places.put("c")
        places.make_elsewhere()
        until(lambda: places.files("took") == ["a", "c"])
    assert {each.element for each in troubles(told)} == {"taker/take"}


def test_a_project_whose_own_placement_does_not_answer_holds_up_no_other_and_joins_when_it_does(
    places: Places, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "_PATIENCE", 0.05)
    declare_both(places)
    places.put("a")
    line.down = True
    places.put("b", "own")
    with places.taking("maker", "taker") as told:
        until(lambda: places.files("copied") == ["b"])
        until(lambda: len([each for each in troubles(told) if each.element == "maker"]) > 1)
        assert "east" in str(troubles(told)[0].error)
        assert not [each for each in told if isinstance(each, Joined)]
        line.down = False
        until(lambda: places.files("took") == ["a"])
        assert [each.element for each in told if isinstance(each, Joined)] == ["maker"]


def test_a_project_whose_own_placement_keeps_silent_holds_up_no_other(
    places: Places, silence: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "_PATIENCE", 0.05)
    monkeypatch.setattr(silences, "PATIENCE", 0.5)
    declare_both(places)
    places.idle("maker")
    places.put("b", "own")
    places.put("a")
    silence.fall()
    with places.taking("maker", "taker") as told:
        until(lambda: places.files("copied") == ["b"])
        assert "has not answered for" in str(next(each for each in troubles(told) if each.element == "maker").error)
        silence.end()
        until(lambda: places.files("took") == ["a"])
    assert [each.element for each in told if isinstance(each, Joined)] == ["maker"]


@pytest.mark.parametrize("busy", ["maker/copy", "taker/take"])
def test_a_placement_that_falls_silent_on_the_way_holds_up_no_other(
    places: Places, silence: Silence, monkeypatch: pytest.MonkeyPatch, busy: str
) -> None:
    """While as many lots as may be are at work that it is asked for, its own or those of who reads from it."""
    monkeypatch.setattr(delivering, "_RECONCILE", 0.1)
    declare_both(places)
    more = [f"more-{number}" for number in range(4)]
    with places.taking("maker", "taker") as told:
        places.put("a")
        until(lambda: places.files("took") == ["a"])
        for number, name in enumerate(more):
            places.put(name, ago=3600 * (number + 2))
        until(lambda: len([each for each in told if isinstance(each, Started) and each.element == busy]) > 2)
        silence.fall()
        silence.wait_until_asked()
        for copied in (["b"], ["b", "c"], ["b", "c", "d"]):
            places.put(copied[-1], "own", ago=3600 * len(copied))
            until(lambda copied=copied: places.files("copied") == copied)  # type: ignore[misc]
        silence.end()
        until(lambda: places.files("took") == ["a", *more])


def test_one_whose_placement_answers_and_that_cannot_be_opened_keeps_no_run_from_its_end(
    places: Places, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "_PATIENCE", 0.01)
    places.declare("apart", WEST, boundaries=[listener("own")], arcs=[copy("own", "copied", main=source("own"))])
    places.put("b", "own")
    real = PLUGINS.provider("local").publisher
    tried = threading.Event()

    def publisher(around: Any) -> Any:
        if around.placement.account != "east":
            return real(around)
        tried.set()
        msg = "its events cannot be announced"
        raise StoreUnavailableError(msg)

    def tell(happening: Happening) -> None:
        told.append(happening)
        if isinstance(happening, Worked):
            assert tried.wait(PATIENCE), "it has answered before the end"

    monkeypatch.setattr(PLUGINS.provider("local"), "publisher", publisher)
    line.down, told = True, list[Happening]()
    files = [places.folder / f"{name}.json" for name in ("maker", "apart")]
    sites, awaited = resolve_reached(read_projects(files, PLUGINS.components(), PLUGINS.project_formats()), PLUGINS)
    line.down = False
    ended, stop = list[Ended](), threading.Event()
    options = Options(scratch=places.folder / "scratch", until_idle=True)
    thread = threading.Thread(target=lambda: ended.append(run(sites, PLUGINS, options, tell, stop, awaited)))
    thread.start()
    thread.join(PATIENCE)
    stop.set()
    thread.join()
    assert (ended[0].idle, ended[0].absent, places.files("copied")) == (True, ("maker",), ["b"])


def test_a_lot_from_elsewhere_that_is_under_way_at_the_end_is_kept_from_expiring(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "_LOOK", 0.05)
    take = copy("take", "took", main=source("made", EAST, start="all"))
    places.declare("taker", WEST, arcs=[{**take, "leaseSec": 0.5}])
    places.put("a")
    places.idle("maker")
    finish, stop, real = threading.Event(), threading.Event(), attempt.work_lot

    def work(*arguments: Any) -> Any:
        assert finish.wait(PATIENCE)
        return real(*arguments)

    def renewed() -> int:
        """When a claim was renewed last."""
        return max((each[1] for path, each in places.of("west").items() if path.endswith("alive.json")), default=0)

    monkeypatch.setattr(delivery, "work_lot", work)
    thread = threading.Thread(target=lambda: places.run(lambda _: None, stop, "taker"))
    thread.start()
    until(renewed)
    stop.set()
    until(lambda: "lots of local:null:west:here" not in {each.name for each in threading.enumerate()})
    before = renewed()
    until(lambda: renewed() > before)
    finish.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_run_that_ends_without_one_of_its_projects_says_which(places: Places, line: Line) -> None:
    declare_both(places)
    places.idle("maker")
    line.down = True
    places.put("b", "own")
    places.declare("apart", WEST, boundaries=[listener("own")], arcs=[copy("own", "copied", main=source("own"))])
    ended, told = places.idle("maker", "apart")
    assert (ended.idle, ended.absent, places.files("copied")) == (True, ("maker",), ["b"])
    line.down = False
    assert places.idle("maker", "apart")[0].absent == ()
    assert troubles(told)


def test_where_no_project_can_be_run_that_is_refused(places: Places, line: Line) -> None:
    line.down = True
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        places.idle("maker")


def test_what_does_not_answer_only_when_it_is_opened_joins_as_well(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "_PATIENCE", 0.05)
    declare_both(places)
    places.put("a")
    failures, real = iter(range(4)), PLUGINS.provider("local").publisher

    def publisher(around: Any) -> Any:
        if around.placement.account == "east" and next(failures, None) is not None:
            msg = "its events cannot be announced now"
            raise StoreUnavailableError(msg)
        return real(around)

    monkeypatch.setattr(PLUGINS.provider("local"), "publisher", publisher)
    with places.taking("maker", "taker") as told:
        until(lambda: places.files("took") == ["a"])
    assert [each.element for each in told if isinstance(each, Joined)] == ["maker"]


def test_a_mistake_in_one_of_the_files_is_told_though_another_cannot_be_reached(places: Places, line: Line) -> None:
    places.idle("maker")
    line.down = True
    places.declare("wrong", WEST, arcs=[copy("own", "copied", main=source("nobodys"))])
    with pytest.raises(MalformedError, match="nobodys"):
        places.idle("maker", "wrong")


def test_the_command_ends_with_what_it_could_not_run(
    places: Places, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.declare("apart", WEST, boundaries=[listener("own")], arcs=[copy("own", "copied", main=source("own"))])
    line.down = True
    monkeypatch.chdir(places.folder)
    ran = CliRunner().invoke(main, ["run", "maker.json", "apart.json", "--until-idle"])
    assert ran.exit_code == AbsentError.exit_code == 74
    assert "1 project not run, and not known of: maker" in ran.output
    assert "maker: not run, since its placement did not answer" in ran.output
    assert "all else is at rest" in ran.output


def test_a_join_goes_on_knowing_where_it_lies_while_what_it_joins_cannot_be_reached(places: Places, line: Line) -> None:
    sources = {"here": source("own", start="all"), "there": source("made", EAST, start="all")}
    join = {"type": "cls:core:joinBarrier", "name": "both", "dataset": {"name": "joined", "version": "1"}}
    after = copy("own", "copied", main=source("own"))
    places.declare("joiner", WEST, boundaries=[listener("own")], barriers=[{**join, "sources": sources}], arcs=[after])
    places.put("a")
    places.idle("maker")
    line.down = True
    with pytest.raises(StoreUnavailableError, match="local:null:east:here cannot be reached"):
        places.idle("joiner")
    line.down = False
    places.idle("joiner")
    recorded = [path for path in places.of("west") if path.endswith("name=joined/version=1/dataset.json")]
    before = Path(recorded[0]).read_bytes()
    line.down = True
    places.put("b", "own")
    with places.taking("joiner"):
        until(lambda: places.files("copied") == ["b"])
    assert Path(recorded[0]).read_bytes() == before


@pytest.mark.parametrize("command", ["status", "gaps --why", "graph", "explain {lot}"])
def test_reports_say_which_part_is_not_known(
    command: str, places: Places, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.put("a")
    places.idle("maker", "taker")
    (lot, *_) = (found.lot for found in places.manifests("west").lots(Dataset(name="took", version="1")))
    line.down = True
    monkeypatch.chdir(places.folder)
    ran = CliRunner().invoke(main, [*command.format(lot=lot).split(), "-p", "taker.json"])
    assert ran.exit_code in {0, 3}, ran.output
    assert "took/1" in ran.output or "unreached" in ran.output
    assert "the placement local:null:east:here cannot be reached, and what is in it is not known" in ran.stderr


def test_what_is_asked_for_by_name_is_refused_while_its_source_cannot_be_reached(
    places: Places, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.put("a")
    places.idle("maker", "taker")
    (lot, *_) = (found.lot for found in places.manifests("west").lots(Dataset(name="took", version="1")))
    line.down = True
    monkeypatch.chdir(places.folder)
    ran = CliRunner().invoke(main, ["exec", "take", str(lot), "-p", "taker.json"])
    assert isinstance(ran.exception, SystemExit | StoreUnavailableError), ran.output
    assert "the placement local:null:east:here cannot be reached" in f"{ran.output}{ran.exception}"


def test_reports_walk_across(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    places.put("a")
    places.idle("maker", "taker")
    monkeypatch.chdir(places.folder)

    def told(command: str, *names: str) -> str:
        files = [word for name in names for word in ("-p", f"{name}.json")]
        return CliRunner().invoke(main, [*command.split(), *files]).output

    assert "needs made/1; maker/in-raw" in told("gaps --why", "taker")
    assert "made/1 of maker/1 (local east here)" in told("graph", "taker")
    plan = told("replay maker/copy --downstream --earliest -3h", "maker", "taker")
    for word in ("maker", "copy", "east", "taker", "take", "west"):
        assert word in plan.split()


def test_datasets_of_one_name_in_two_placements_are_told_apart(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    made = copy("copy", "made", main=source("own", start="all"))
    made["sinks"]["main"]["pathURI"] = "data/west-made/"
    sources = {"theirs": source("made", EAST, start="all"), "ours": source("made", start="all")}
    join = {"type": "cls:core:joinBarrier", "name": "both", "sources": sources}
    joined = {**join, "dataset": {"name": "joined", "version": "1"}}
    places.declare("taker", WEST, boundaries=[listener("own")], arcs=[made], barriers=[joined])
    places.put("a")
    places.put("b", "own")
    ended, told = places.idle("maker", "taker")
    assert (ended.set_aside, troubles(told)) == ((), [])
    (lot,) = (
        found for found in places.manifests("west").lots(Dataset(name="joined", version="1")) if "complete" in found.key
    )
    listed = [uri.rpartition("/data/")[2] for uri in places.manifests("west").read(lot).uris]
    assert sorted(listed) == ["made/a", "west-made/b"]
    monkeypatch.chdir(places.folder)
    why = CliRunner().invoke(main, ["gaps", "joined", "--why", "-p", "taker.json"]).output
    assert "needs made/1 (local east here), made/1 (local west here)" in why


def test_what_is_joined_is_reached_as_the_placement_that_it_lies_in(places: Places) -> None:
    join = {"type": "cls:core:joinBarrier", "name": "both", "sources": {"there": source("made", EAST, start="all")}}
    places.declare("joiner", WEST, barriers=[{**join, "dataset": {"name": "joined", "version": "1"}}])
    places.idle("maker", "joiner")
    for _ in range(2):  # before and after it is recorded where it is joined
        plugins = find_plugins.__wrapped__()  # of a process of its own
        declared = read_projects([places.folder / "joiner.json"], plugins.components(), plugins.project_formats())
        resolve(declared, plugins)
        reached = plugins._placement(f"{(places.folder / 'data/made').as_uri()}/")
        assert reached
        assert reached.account == "east"
        places.idle("joiner")
