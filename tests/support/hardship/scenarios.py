"""Small projects, each about one part of clusterless, and how they are run."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

Call = Sequence[str]

HOUR = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)"
MINUTE = HOUR + r"(?P<minute>\d\d)"
RUN: Call = ("run", "p.json", "--until-idle", "--concurrency", "2")
AUDIT: Call = ("audit", "-p", "p.json", "--fix", "--yes")
DISABLE: Call = ("disable", "p/work", "-p", "p.json")
ENABLE: Call = ("enable", "p/work", "-p", "p.json")
_PATIENT = {"attempts": 20, "backoffSec": 0}

EXEC = """
import json, os, pathlib
from urllib.parse import unquote

props, lot = json.loads(os.environ["CLS_ARC_PROPS_JSON"]), os.environ["CLS_LOT"]
path = lambda uri: pathlib.Path(unquote(uri.removeprefix("file://")))
named = lambda role: json.loads(path(props["sourceManifestPaths"][role]).read_text())["uris"]
came = [path(uri) for role in sorted(props["sourceManifestPaths"]) for uri in named(role)]
folder = path(props["sinks"]["main"]["pathURI"])
folder.mkdir(parents=True, exist_ok=True)
out = folder / f"{lot}.{os.environ['CLS_ATTEMPT']}.txt"
out.write_text(f"{lot} " + " ".join(each.read_text() for each in came))
target = path(props["sinkManifestTemplates"]["main"].replace("{lot}", lot).replace("{state}", "complete"))
target.parent.mkdir(parents=True, exist_ok=True)
said = {"state": "complete", "lotId": lot, "uriType": "identifier", "uris": [out.as_uri()]}
target.write_text(json.dumps(said))
"""
PYTHON = """
def count(work):
    text = " ".join(each.read().decode() for each in work.source())
    work.sink().write(f"{work.lot}.{work.attempt}.txt", text.encode())

def fail_once(work):
    import pathlib
    count(work)
    mark = pathlib.Path(f"failed-{work.lot}")
    if not mark.exists():
        mark.touch()
        raise RuntimeError("as it is meant to")

def tell(work):
    with open("told.txt", "a") as told:
        told.write("ran\\n")
"""


def sealed(folder: Path) -> None:
    """Nothing is done to the folder between the calls."""


@frozen(kw_only=True)
class Scenario:
    """A *project* and its *files*, by name; *arrivals* names by dataset what is booked.

    *before* are calls in fair weather, after which *late* files arrive and *between* is done; *main* is the call that
    is killed, and *again* what mends it. *ahead* are seconds that the stores are ahead during the main call and after.
    *datasets* are audited; where lots are named by the time of the run (*is_timed*) only the laws are held to.
    """

    name: str
    project: Mapping[str, Any]
    files: Mapping[str, str]
    arrivals: Mapping[str, Sequence[str]]
    datasets: Sequence[str]
    sinks: Sequence[str] = ()
    told: str = ""
    before: Sequence[Call] = ()
    late: Mapping[str, str] = Factory(dict)
    between: Callable[[Path], None] = sealed
    main: Call = RUN
    again: Sequence[Call] = (RUN,)
    ahead: float = 0.0
    is_timed: bool = False
    law: Callable[[Path], Sequence[str]] = lambda _: ()

    def lay(self, folder: Path, sinks: str = "") -> None:
        """All that is there before the first call; what arcs write goes below *sinks*, where that is not the folder."""
        text = json.dumps(self.project)
        for sink in self.sinks:
            text = text.replace(f'"pathURI": "{sink}/"', f'"pathURI": "{sinks}{sink}/"')
        put(folder, {"p.json": text, **self.files})

    @property
    def audits(self) -> list[Call]:
        return [("audit", dataset, "-p", "p.json") for dataset in self.datasets]


def put(folder: Path, files: Mapping[str, str]) -> None:
    """Files that arrive whole, as by a rename."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = path.with_name(f".{path.name}")
        hidden.write_text(text, "utf-8")
        hidden.rename(path)


# ---- parts of projects -----------------------------------------------------------------------------------------


def project(**parts: Any) -> dict[str, Any]:
    return {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}, **parts}


def listener(name: str = "arrive", folder: str = "in", dataset: str = "raw", **more: Any) -> dict[str, Any]:
    return {
        "type": "local:core:putListenerBoundary",
        "name": name,
        "dataset": {"name": dataset, "version": "1", "pathURI": f"{folder}/"},
        "lotUnit": "Hours",
        "lotSource": "keyTimestampRegex",
        "keyRegex": HOUR,
        "settleSec": 0,
        **more,
    }


def sources(*names: str, **more: Any) -> dict[str, Any]:
    roles = ("main",) if len(names) == 1 else names
    return {
        role: {"name": name, "version": "1", "start": "all", **more} for role, name in zip(roles, names, strict=True)
    }


def arc(kind: str, name: str = "work", source: str = "raw", sink: str = "out", **more: Any) -> dict[str, Any]:
    return {
        "type": f"cls:core:{kind}Arc",
        "name": name,
        "sources": sources(source, onRevision="rerun"),
        "sinks": {"main": {"name": sink, "version": "1", "pathURI": f"{sink}/"}},
        "retry": _PATIENT,
        "leaseSec": 2,
        **more,
    }


def exec_arc(**more: Any) -> dict[str, Any]:
    return arc("exec", workload={"command": [sys.executable, "-SEI", "work.py"]}, **more)


def python_arc(function: str = "count", **more: Any) -> dict[str, Any]:
    return arc("python", workload={"function": f"working:{function}"}, **more)


def hourly(*hours: int, name: str = "f", folder: str = "in") -> dict[str, str]:
    """A file for each of those hours of a day."""
    return {f"{folder}/{name}-20240101T{hour:02}.txt": f"{name} {hour}" for hour in hours}


def names(files: Mapping[str, str], folder: str = "in") -> list[str]:
    return [each.rpartition("/")[2] for each in files if each.startswith(f"{folder}/")]


TWO = hourly(0, 1)
_CODE = {"work.py": EXEC, "working.py": PYTHON}


def scenario(name: str, files: Mapping[str, str] = TWO, **more: Any) -> Scenario:
    """One whose arrivals become ``raw/1``, unless it says otherwise."""
    parts = more.pop("parts")
    told = {"arrivals": {"raw": names(files)}, "datasets": ["raw"], "sinks": [], **more}
    return Scenario(name=name, project=project(**parts), files={**files, **_CODE}, **told)


def _one_arc(name: str, declared: Mapping[str, Any], **more: Any) -> Scenario:
    parts = {"boundaries": [listener()], "arcs": [declared]}
    return scenario(name, **{"parts": parts, "datasets": ["raw", "out"], "sinks": ["out"], **more})


def _retired(folder: Path) -> Sequence[str]:
    """What of the retained dataset should have gone, or is gone that should be there."""
    gone = not any((folder / "in").glob("*.txt"))
    kept = len(list((folder / "out").glob("*.txt"))) == len(TWO)
    return [] if gone and kept else ["retention left what is old, or took what is not its own"]


def minutes_pass(folder: Path) -> None:
    """For the horizon, which is waited for two minutes."""
    for mark in folder.rglob("horizon/before=*"):
        os.utime(mark, (mark.stat().st_mtime - 180,) * 2)


def strays_come(folder: Path) -> None:
    """Files that nobody hears of, since they are older than what was looked at."""
    put(folder, _STRAYS)
    for name in _STRAYS:
        os.utime(folder / name, (_LONG_AGO,) * 2)


def strays_stay(folder: Path) -> None:
    """Objects that attempts left beside what their lots came to."""
    for path in [*(folder / "out").glob("*.txt")]:
        path.with_suffix(".more").write_text("of nobody")


def _marked(folder: Path) -> Sequence[str]:
    """Each lot outside has a mark, and what the mark names is there, whole."""
    wrong = []
    for lot in (folder / "outside").glob("lot=*"):
        mark = lot / "mark.json"
        said: dict[str, Any] = {"objects": [], "folder": "", "count": -1}
        if mark.is_file():
            said = json.loads(mark.read_text())
        there = [(folder / "outside" / said["folder"] / each["name"]) for each in said["objects"]]
        if said["count"] != len(there) or not all(each.is_file() for each in there):
            wrong.append(f"{lot.name} outside is not whole")
        wrong += [
            f"{each.name} outside has other bytes"
            for each in there
            if (folder / "in" / each.name).read_text() != each.read_text()
        ]
    if len(list((folder / "outside").glob("lot=*"))) != len(TWO):
        wrong.append("not every lot went out")
    return wrong


def _left_out(folder: Path) -> Sequence[str]:
    """What was left out when it was turned on again was left to the back-fill, which has kept a plan of it."""
    return [] if [*folder.rglob("plans/project=p/*/*.json")] else ["nothing was left to the back-fill"]


def _contiguous(folder: Path) -> Sequence[str]:
    """Every hour between the first and the last has its lot."""
    found = sorted({path.name for path in folder.rglob("datasets/name=ticks/version=1/lot=*")})
    numbers = [int(each[-3:]) for each in found]
    steps = {(later - former) % 24 for former, later in itertools.pairwise(numbers)}
    return [] if len(found) >= 2 and steps <= {1} else [f"hours are missing: {found}"]


def _ran(folder: Path) -> Sequence[str]:
    """The activity was run for what came due, by its ledger once."""
    ended = [path for path in folder.rglob("activities/**/0*.json") if '"ended"' in path.read_text()]
    return [] if len(ended) == 1 else [f"{len(ended)} turns of the activity ended"]


_JOIN = {
    "type": "cls:core:joinBarrier",
    "name": "join",
    "sources": sources("left", "right", onRevision="rerun"),
    "dataset": {"name": "all", "version": "1"},
    "retry": _PATIENT,
    "leaseSec": 2,
}
_ROLLUP = {
    "type": "cls:core:rollupBarrier",
    "name": "five",
    "sources": sources("raw", onRevision="rerun"),
    "dataset": {"name": "fives", "version": "1"},
    "lotUnit": "Twelfths",
    "retry": _PATIENT,
    "leaseSec": 2,
}
_EGRESS = {
    "type": "cls:core:copyEgressBoundary",
    "name": "publish",
    "sources": sources("raw", onRevision="rerun"),
    "pathURI": "outside",
    "retry": _PATIENT,
    "leaseSec": 2,
}
_NOTIFIER = {
    "type": "cls:core:execNotifier",
    "name": "tell",
    "command": ["sh", "-c", 'echo "$CLS_IDEMPOTENCY_KEY" >> told.txt'],
}
_RETENTION = {
    "type": "cls:core:retentionActivity",
    "name": "retire",
    "interval": "Hours",
    "dataset": {"name": "raw", "version": "1"},
    "age": "1d",
}
_ACTIVITY = {"name": "tick", "interval": "Hours", "retry": _PATIENT}
_BOTH = {**hourly(0, 1, name="l", folder="in/left"), **hourly(0, 1, name="r", folder="in/right")}
_FIVE = {f"in/f-20240101T00{minute:02}.txt": str(minute) for minute in (0, 3, 5)}
_LATE = hourly(0, name="late")
_STRAYS = hourly(0, 1, name="stray")
_LONG_AGO = 1_704_069_000.0  # half an hour after the midnight that lots begin at
_ALL_OF_IT = ("--from", "20240101PT1H000")


def _activity(name: str, type_: str, workload: Mapping[str, Any]) -> Scenario:
    declared = {**_ACTIVITY, "type": f"cls:core:{type_}Activity", "workload": workload}
    return scenario(
        name,
        parts={"boundaries": [listener()], "activities": [declared]},
        before=[RUN],
        ahead=3700,
        told="told.txt",
        law=_ran,
    )


ALL: tuple[Scenario, ...] = (
    _one_arc("copy", arc("copy")),
    _one_arc("exec", exec_arc()),
    _one_arc("python", python_arc()),
    _one_arc("sweep", python_arc("fail_once")),
    scenario(
        "arrival",
        parts={
            "boundaries": [listener(lotUnit="Days", lotSource="objectModifiedTime", keyRegex=None)],
            "arcs": [arc("copy")],
        },
        datasets=["raw", "out"],
        sinks=["out"],
        main=(*RUN, "--seal-open"),
        again=[(*RUN, "--seal-open")],
        is_timed=True,
    ),
    scenario(
        "clock",
        {},
        parts={
            "boundaries": [
                {
                    "type": "cls:core:clockBoundary",
                    "name": "hours",
                    "dataset": {"name": "ticks", "version": "1"},
                    "lotUnit": "Hours",
                }
            ],
            "arcs": [exec_arc(source="ticks")],
        },
        arrivals={},
        datasets=["out"],
        before=[RUN],
        ahead=7200,
        is_timed=True,
        law=_contiguous,
    ),
    scenario(
        "join",
        _BOTH,
        parts={
            "boundaries": [listener(side, f"in/{side}", side, eventArrival="frequent") for side in ("left", "right")],
            "barriers": [_JOIN],
            "arcs": [arc("copy", source="all")],
        },
        arrivals={"left": names(_BOTH, "in/left"), "right": names(_BOTH, "in/right"), "all": names(_BOTH)},
        datasets=["left", "right", "all", "out"],
        sinks=["out"],
    ),
    scenario(
        "rollup",
        _FIVE,
        parts={
            "boundaries": [listener(lotUnit="Sixtieths", keyRegex=MINUTE, eventArrival="frequent")],
            "barriers": [_ROLLUP],
        },
        datasets=["raw", "fives"],
    ),
    scenario("egress", parts={"boundaries": [listener(), _EGRESS]}, datasets=["raw"], law=_marked),
    scenario(
        "notifier",
        parts={"boundaries": [listener()], "arcs": [arc("copy")], "notifiers": [_NOTIFIER]},
        datasets=["raw", "out"],
        sinks=["out"],
        told="told.txt",
    ),
    _activity("exec-activity", "exec", {"command": ["sh", "-c", "echo ran >> told.txt"]}),
    _activity("python-activity", "python", {"function": "working:tell"}),
    _one_arc(
        "retention",
        arc("copy"),
        parts={"boundaries": [listener()], "arcs": [arc("copy")], "activities": [_RETENTION]},
        before=[RUN, RUN],
        between=minutes_pass,
        ahead=7300,
        law=_retired,
        arrivals={},
    ),
    _one_arc("late", arc("copy"), before=[RUN], late=_LATE, arrivals={"raw": names({**TWO, **_LATE})}),
    _one_arc(
        "replay",
        python_arc(),
        sinks=[],  # where the objects of older revisions stay, of however many
        before=[RUN],
        main=("replay", "work", "--earliest", "2024-01-01", "--latest", "2024-01-02", "-p", "p.json", "--yes"),
        again=[
            ("replay", "work", "--earliest", "2024-01-01", "--latest", "2024-01-02", "-p", "p.json", "--yes"),
            RUN,
        ],
    ),
    _one_arc(
        "rollback",
        python_arc(),
        before=[RUN],
        main=("rollback", "work", "20240101PT1H000", "-p", "p.json", "--remove", "--yes"),
        again=[("rollback", "work", "20240101PT1H000", "-p", "p.json", "--remove", "--yes"), RUN],
    ),
    _one_arc(
        "audit-fix",
        arc("copy"),
        before=[RUN],
        between=strays_come,
        arrivals={"raw": names({**TWO, **_STRAYS})},
        main=(*AUDIT, "raw"),
        again=[(*AUDIT, "raw"), RUN],
    ),
    _one_arc(
        "audit-sweep",
        python_arc(),
        before=[RUN],
        between=strays_stay,
        main=(*AUDIT, "out"),
        again=[(*AUDIT, "out"), RUN],
    ),
    _one_arc("disable", arc("copy"), main=DISABLE, again=[DISABLE, RUN, (*ENABLE, *_ALL_OF_IT), RUN]),
    _one_arc(
        "enable-from",
        arc("copy"),
        before=[DISABLE, RUN],
        main=(*ENABLE, *_ALL_OF_IT),
        again=[(*ENABLE, *_ALL_OF_IT), RUN],
    ),
    _one_arc(
        "enable-skip",
        arc("copy"),
        before=[DISABLE, RUN],
        main=(*ENABLE, "--skip"),
        again=[(*ENABLE, "--skip"), RUN, ("backfill", "work", "-p", "p.json", "--yes"), RUN],
        law=_left_out,
    ),
)

NAMED = {each.name: each for each in ALL}
assert len(NAMED) == len(ALL)
