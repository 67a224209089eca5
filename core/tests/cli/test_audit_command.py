"""``cls audit`` and ``cls dupes``, over what real runs have written and hands have spoilt."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clusterless.cli.app import main
from clusterless.layout import NotifierKeys
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.runtime.clock import SystemClock, random_id
from clusterless.runtime.letters import Letter, LetterBox
from clusterless.runtime.removal import Removal
from clusterless.store.files import FileStore
from clusterless.store.manifests import Manifests

pytestmark = pytest.mark.slow

HOUR = 3600
STEPS = """
from pathlib import Path

def keep(work):
    for source in work.source():
        work.sink().write(f"{work.attempt}/{source.name}", source.read())
    if not Path("up").exists():
        raise ValueError("not yet")
"""


def put(folder: Path, name: str, text: str, hours: float) -> Path:
    """A file that was last written so many *hours* ago."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return aged(file, hours)


def aged(file: Path, hours: float = 5) -> Path:
    then = time.time() - hours * HOUR
    os.utime(file, (then, then))
    return file


class Site:
    """The project, run once over four files that lie an hour apart."""

    def __init__(self, project: Path, cls: Callable[..., Any]) -> None:
        self.folder = project.parent
        self.cls = cls
        (self.folder / "steps.py").write_text(STEPS)
        declared = json.loads(project.read_text())
        declared["boundaries"][0]["settleSec"] = 0
        declared["arcs"] = [
            {
                "type": "cls:core:pythonArc",
                "name": "keep",
                "workload": {"function": "steps:keep"},
                "retry": {"attempts": 2, "backoffSec": 0.01},
                "sources": {"main": {"name": "a", "version": "1"}},
                "sinks": {"main": {"name": "b", "version": "1", "pathURI": "data/b/"}},
            }
        ]
        declared["barriers"] = [
            {
                "type": "cls:core:rollupBarrier",
                "name": "hourly",
                "lotUnit": "Hours",
                "wait": {"deadlineSec": 1},
                "sources": {"main": {"name": "a", "version": "1"}},
                "dataset": {"name": "by-hour", "version": "1"},
            }
        ]
        self.project = project
        project.write_text(json.dumps(declared))
        for number in range(4):
            put(self.folder / "data/a", f"f{number}", f"content {number}", number + 2)

    @property
    def placement(self) -> Path:
        return self.folder / ".clusterless"

    def store(self, kind: str) -> FileStore:
        (folder,) = self.placement.glob(f"*{kind}*")
        return FileStore(f"{folder.as_uri()}/")

    def path(self, pattern: str) -> Path:
        return min(self.placement.rglob(pattern))

    def run(self) -> None:
        ran = self.cls("run", "project.json", "--until-idle")
        assert ran.returncode == 0, ran.stderr

    def asked(self, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        """What it exits with, the rows, and what is said beside them."""
        done = CliRunner().invoke(main, [*arguments, "--output", "json"])
        return done.exit_code, json.loads(done.stdout or "[]"), done.stderr

    def kinds(self, *arguments: str) -> Counter[str]:
        return Counter(row["kind"] for row in self.asked(*arguments)[1])


@pytest.fixture(autouse=True)
def _in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def site(project: Path, cls: Callable[..., Any]) -> Site:
    site = Site(project, cls)
    (site.folder / "up").touch()
    site.run()
    return site


def test_what_ran_well_is_clean_with_project_files_and_without(site: Site) -> None:
    for name, objects in (("a", 4), ("b", 4), ("by-hour", 4)):
        code, rows, said = site.asked("audit", name, "-p", "project.json")
        assert (code, rows) == (0, []), said
        assert f"{objects} objects" in said
    assert site.asked("audit", "a/1")[:2] == (0, [])
    assert site.asked("dupes", "a")[:2] == (0, [])


def test_every_kind_that_can_be_wrong_with_a_boundarys_dataset_is_told(site: Site) -> None:
    data = site.folder / "data/a"
    state, manifests = site.store("arc-state"), site.store("manifest")
    boundary = "boundaries/project=p/version=1/boundary=in/"
    seal = site.path("seals/000000001.json")
    lots = [each["lot"] for each in json.loads(seal.read_text())["lots"]]
    put(data, "stray", "s", 9)
    put(data, "half.part", "never arrives", 9)
    put(data, "open", "its lot is open", 0)
    (data / "f0").write_text("another version")
    (data / "f1").unlink()
    first = site.path(f"name=a/version=1/lot={lots[0]}/**/manifest.json")
    body = json.loads(first.read_text())
    body["uris"] += [(data / "f3").as_uri(), (data / "f2").as_uri(), "file:///elsewhere/x"]
    first.write_text(json.dumps(body))
    site.path(f"name=a/version=1/lot={lots[1]}/**/manifest.json").unlink()
    foreign = Lot.parse(lots[0]).plus(-1)
    manifests.put(f"datasets/name=a/version=1/lot={foreign}/state=empty/manifest.json", json.dumps(
        {"state": "empty", "comment": None, "lotId": str(foreign), "uriType": "identifier", "uris": []}
    ).encode())  # fmt: skip
    aged(site.path(f"lot={foreign}/**/manifest.json"))
    text = json.loads(seal.read_text())
    seal.write_text(json.dumps({**text, "at": "2024-01-01T00:00:00Z"}))
    state.delete(f"{boundary}seals/000000001.done")
    for lot, batch in (("20240101PT5M000", "late"), ("unbooked", "untimed")):
        put(data, batch, "l", 9)
        arrival = {"uri": (data / batch).as_uri(), "etag": etag_of(data / batch), "size": 1}
        key = f"{boundary}intake/{lot}/{batch}.json"
        state.put(key, json.dumps({"arrivals": [{**arrival, "time": "2024-01-01T00:00:00Z"}]}).encode())
        aged(site.path(f"intake/{lot}/{batch}.json"))
    state.put(f"{boundary}intake/20240101PT5M000/garbage.json", b"{")
    state.put(f"{boundary}unreadable/20240101PT5M000/aside.json", b"{")
    state.put(f"{boundary}staged/gone/{lots[0]}.jsonl", b"")
    aged(site.path(f"staged/gone/{lots[0]}.jsonl"))
    bury(state, lots[2])
    code, rows, said = site.asked("audit", "a")
    told = Counter(row["kind"] for row in rows)
    assert code == 3
    assert told == {
        "stray": 1,
        "changed": 1,
        "vanished": 1,
        "double": 1,
        "outside": 1,
        "manifest": 3,
        "unannounced": 1,
        "waiting": 1,
        "unbooked": 1,
        "unreadable": 2,
        "staged": 1,
        "letter": 1,
    }, rows
    assert "1 object passed over" in said


def etag_of(file: Path) -> str:
    return FileStore(f"{file.parent.as_uri()}/").head(file.name).etag


def bury(state: FileStore, lot: str) -> None:
    dataset = LocatedDataset(name="a", version="1", path_uri="file:///data/a/")
    event = Event(dataset=dataset, lot=Lot.parse(lot), manifest="")
    now = SystemClock().now()
    box = LetterBox(state, NotifierKeys(Project(name="p", version="1"), "tell"), random_id)
    box.bury(Letter(event=event, attempts=3, first_failure=now, last_error="nobody\nthere"), now)


def test_a_seal_that_cannot_be_read_is_told_and_the_rest_is_audited(site: Site) -> None:
    site.store("arc-state").put("boundaries/project=p/version=1/boundary=in/seals/000000002.json", b"{")
    assert site.kinds("audit", "a") == {"ledger": 1}


def test_strays_are_booked_as_late_arrivals_and_the_next_run_seals_them(site: Site) -> None:
    put(site.folder / "data/a", "stray", "s", 9)
    (site.folder / "data/a/f1").unlink()
    asked = site.cls("audit", "a", "--fix")
    assert (asked.returncode, "give --yes" in asked.stderr) == (2, True)
    code, _, said = site.asked("audit", "a", "--fix", "--yes")
    assert code == 3
    assert "to do: book 1 stray as late arrivals of a/1" in said
    assert "booked 1 stray; the next run of its project seals them" in said
    assert "left: 1 vanished" in said
    assert site.kinds("audit", "a") == {"vanished": 1}
    site.run()
    code, rows, said = site.asked("audit", "a")
    assert ([row["kind"] for row in rows], "4 objects" in said) == (["vanished"], True), said
    assert "nothing of it can be put right" in site.asked("audit", "a", "--fix", "--yes")[2]


def test_what_attempts_left_is_told_by_what_became_of_their_lot_and_swept(
    project: Path, cls: Callable[..., Any]
) -> None:
    """Four lots rest with their attempts used up; one is complete, and more of its attempt is there than it names."""
    site = Site(project, cls)
    assert cls("run", "project.json", "--until-idle").returncode == 1
    code, rows, said = site.asked("audit", "b")
    assert (code, {row["kind"] for row in rows}, len(rows)) == (0, {"kept"}, 8)
    assert "nothing is wrong; 8 more objects kept by partial attempts" in said
    attempt = rows[0]["uri"].split("/")[-2]
    assert rows[0]["note"] == f"kept by partial attempt {attempt}, for the next one at its lot"
    put(site.folder / "data/b", f"{attempt}/unlisted", "x", 1)
    (row,) = (row for row in site.asked("audit", "b")[1] if row["kind"] == "stray")
    assert row["note"] == f"left by attempt {attempt}; its lot is partial"
    assert "nothing of it can be put right" in site.asked("audit", "b", "--fix", "--yes")[2]
    (site.folder / "up").touch()
    put(site.folder / "data/a", "new", "n", 0.5)
    assert cls("run", "project.json", "--until-idle").returncode == 1
    arcs = site.store("arc-state")
    completed = [info.key for info in arcs.list("arcs/") if info.key.endswith("complete.arc") and "keep" in info.key]
    assert len(completed) == 1
    attempt = json.loads(arcs.get(completed[0].replace("complete.arc", "000001.json")))["attempt"]
    left = put(site.folder / "data/b", f"{attempt}/left", "x", 1)
    lot = completed[0].split("lot=")[1].split("/")[0]
    staged = f"staging/project=p/version=1/arc=keep/sink=main/lot={lot}/attempt={attempt}/old.json"
    site.store("manifest").put(staged, b"x")
    aged(site.path("old.json"))
    assert site.kinds("audit", "b") == {"kept": 8, "stray": 1, "disowned": 1, "staged": 1}
    code, _, said = site.asked("audit", "b", "--fix", "--yes")
    assert code == 3
    assert "removed 1 object, and 1 object from staging" in said
    assert "left: 1 stray\n" in said
    assert not left.exists()
    assert site.kinds("audit", "b") == {"kept": 8, "stray": 1}


def test_what_a_script_of_a_lot_has_left_is_named_and_swept_once_it_has_rested(site: Site) -> None:
    """Of a lot that was never claimed."""
    left = "left by a script that cls local made"
    by_hand = "0-0-0123456789abcdef"
    lot = "20240101PT5M000"
    written = put(site.folder / "data/b", f"{by_hand}/x", "x", 1)
    staged = f"staging/project=p/version=1/arc=keep/sink=main/lot={lot}/attempt={by_hand}/state=complete/manifest.json"
    site.store("manifest").put(staged, b"x")
    assert site.kinds("audit", "b") == {"disowned": 1}, "what is staged is new, and may be read yet"
    aged(site.path(f"attempt={by_hand}/*/manifest.json"))
    assert [row["note"] for row in site.asked("audit", "b")[1]] == [left, left]
    code, _, said = site.asked("audit", "b", "--fix", "--yes")
    assert (code, "removed 1 object, and 1 object from staging" in said) == (0, True), said
    assert not written.exists()
    assert site.kinds("audit", "b") == {}


def test_what_a_partial_copy_wrote_is_kept_for_the_next_attempt(project: Path, cls: Callable[..., Any]) -> None:
    """Nothing in its key says whose it is: the ledger does."""
    site = Site(project, cls)
    declared = json.loads(site.project.read_text())
    props = {"failArcOnPartialPercent": 0.5}
    copy = {"type": "cls:core:copyArc", "name": "copy", "workload": {"workloadProps": props}, "retry": {"attempts": 1}}
    sink = {"name": "c", "version": "1", "pathURI": "data/c/"}
    declared["arcs"] = [{**copy, "sources": {"main": {"name": "a", "version": "1"}}, "sinks": {"main": sink}}]
    site.project.write_text(json.dumps(declared))
    put(site.folder / "data/a", "g", "of the same lot", 5)
    (site.folder / "data/c/g").mkdir(parents=True)
    assert site.cls("run", "project.json", "--until-idle").returncode == 1
    code, rows, said = site.asked("audit", "c")
    assert (code, [(row["kind"], row["uri"].rpartition("/")[2]) for row in rows]) == (0, [("kept", "f3")]), rows
    assert "1 more object kept by partial attempts" in said
    (site.folder / "data/c/g").rmdir()
    assert site.cls("replay", "copy", "--which", "partial", "-p", "project.json", "--yes").returncode == 0
    assert site.asked("audit", "c")[:2] == (0, [])


def test_an_arcs_object_of_another_size_is_told_for_its_lot(site: Site) -> None:
    (one, *_) = sorted(path for path in (site.folder / "data/b").rglob("f*") if path.is_file())
    one.write_text("longer than it was")
    code, rows, _ = site.asked("audit", "b")
    assert (code, [(row["kind"], row["size"]) for row in rows]) == (3, [("bytes", 18)])


def test_what_a_lot_had_whose_manifest_is_gone_is_no_litter(site: Site) -> None:
    """It would be named by what is gone: nobody removes it."""
    manifest = site.path("datasets/name=b/version=1/lot=*/**/manifest.json")
    manifest.unlink()
    code, rows, _ = site.asked("audit", "b")
    (stray,) = rows
    assert (code, stray["kind"]) == (3, "stray")
    assert stray["note"].endswith("; its lot is complete, and its manifest is gone")
    assert site.asked("audit", "b", "--fix", "--yes")[0] == 3
    assert site.kinds("audit", "b") == Counter(row["kind"] for row in rows)


def test_what_a_barrier_lists_is_looked_for_among_its_sources(site: Site) -> None:
    (site.folder / "data/a/f1").unlink()
    put(site.folder / "data/a", "stray", "s", 9)
    assert site.kinds("audit", "by-hour") == {"vanished": 1}


def test_of_a_lot_that_was_removed_nothing_may_be_left(site: Site) -> None:
    manifests = Manifests(site.store("manifest"))
    data = site.folder / "data/a"
    dataset = LocatedDataset(name="a", version="1", path_uri=f"{data.as_uri()}/")
    oldest = next(manifests.revisions(dataset))
    removal = Removal(dataset, manifests, FileStore(dataset.path_uri))
    assert list(removal.remove([oldest])) == [oldest[0].lot]
    assert site.kinds("audit", "a") == {}
    put(data, "f3", "back again", 1)
    assert site.kinds("audit", "a") == {"remains": 1}


def test_some_lots_are_audited_alone(site: Site) -> None:
    data = site.folder / "data/a"
    put(data, "stray", "s", 9)
    (data / "f1").unlink()
    (vanished,) = (row for row in site.asked("audit", "a")[1] if row["kind"] == "vanished")
    assert site.kinds("audit", "a", vanished["lot"]) == {"vanished": 1}
    assert site.kinds("audit", "a", str(Lot.parse(vanished["lot"]).plus(-1))) == {}
    assert site.kinds("audit", "a", "--earliest", "2h") == {}
    assert site.kinds("audit", "a", "--earliest", "4h") == {"vanished": 1}
    assert site.cls("audit", "a", vanished["lot"], "--fix").returncode == 2


def test_the_same_content_is_told_once_less_than_it_is_there(site: Site) -> None:
    data = site.folder / "data/a"
    put(data, "copy", "content 1", 0.5)
    put(data, "same-size", "content x", 0.5)
    put(data, "nothing", "", 0.5)
    put(data, "nothing-either", "", 0.5)
    site.run()
    code, rows, said = site.asked("dupes", "a")
    assert code == 3
    (row,) = rows
    assert (row["kind"], row["uri"]) == ("copy", (data / "copy").as_uri())
    assert "f1 in lot" in row["note"]
    assert "1 copy of 9 bytes" in said


def test_a_name_that_is_no_dataset_or_several_is_a_kind_error(site: Site) -> None:
    unknown = site.cls("audit", "zzz")
    assert (unknown.returncode, "there is a/1" in unknown.stderr) == (2, True)
    both = site.folder / "both.json"
    text = site.project.read_text().replace("data/", "2/")
    both.write_text(text.replace('"version": "1", "pathURI"', '"version": "2", "pathURI"'))
    declared = json.loads(both.read_text())
    declared["project"]["version"] = "2"
    del declared["arcs"], declared["barriers"]
    both.write_text(json.dumps(declared))
    several = site.cls("audit", "a", "-p", "project.json", "-p", "both.json")
    assert several.returncode == 2
    assert "'a' is several datasets: a/1 in" in several.stderr
    shutil.rmtree(site.folder / "2", ignore_errors=True)
    assert site.cls("audit", "a/2", "-p", "project.json", "-p", "both.json").returncode == 0


def test_a_table_fits_a_narrow_terminal_and_is_said_in_words(site: Site) -> None:
    (site.folder / "data/a/f1").unlink()
    done = site.cls("audit", "a", COLUMNS="40")
    assert done.returncode == 3
    assert "vanished" in done.stdout
    assert "3 objects" in done.stderr


def test_a_clocks_lots_have_no_objects_and_are_audited_all_the_same(project: Path, cls: Callable[..., Any]) -> None:
    declared = json.loads(project.read_text())
    declared["boundaries"] = [
        {
            "type": "cls:core:clockBoundary",
            "name": "tick",
            "lotUnit": "Sixtieths",
            "dataset": {"name": "ticks", "version": "1"},
        }
    ]
    del declared["arcs"]
    project.write_text(json.dumps(declared))
    for _ in range(2):
        assert cls("run", "project.json", "--until-idle", "--seal-open").returncode == 0
    done = CliRunner().invoke(main, ["audit", "ticks", "-p", "project.json"])
    assert (done.exit_code, "1 lot, 0 objects" in done.stderr) == (0, True), done.output
