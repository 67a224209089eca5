"""A folder with projects, and `cls` as people start it: real processes, real files."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from attrs import define
from beds import docker as bed
from commands import CLS, PATIENCE, Commands, Ran, ended, until

STORES = ".clusterless/clusterless-{}-local-here"

# What a workload in any language does: read what it is told, write objects, then a manifest of each sink.
WORKLOAD = """
import json, os, pathlib, subprocess, sys, time
from urllib.parse import unquote

props, lot = json.loads(os.environ["CLS_ARC_PROPS_JSON"]), os.environ["CLS_LOT"]

def path(uri):
    return pathlib.Path(unquote(uri.removeprefix("file://")))

def came(role="main"):
    return [path(uri) for uri in json.loads(path(props["sourceManifestPaths"][role]).read_text())["uris"]]

def write(name, text="x", role="main"):
    folder = path(props["sinks"][role]["pathURI"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return (folder / name).as_uri()

def stage(*uris, role="main", state="complete"):
    target = path(props["sinkManifestTemplates"][role].replace("{lot}", lot).replace("{state}", state))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"state": state, "lotId": lot, "uriType": "identifier", "uris": uris}))
    return target
"""

HOUR = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)"


@define
class Place(Commands):
    """A folder that projects are run in."""

    # ---- what is declared, and what arrives

    def declare(self, file: str = "p.json", name: str = "p", version: str = "1", **parts: Any) -> None:
        placement = {"provider": "local", **parts.pop("placement", {})}
        project = {"project": {"name": name, "version": version}, "placement": placement, **parts}
        (self.path / file).write_text(json.dumps(project), "utf-8")

    def put(self, *names: str, folder: str = "in", text: str = "") -> None:
        """Files that arrive whole, as by a rename."""
        (self.path / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            path = self.path / folder / name
            hidden = path.with_name(f".{path.name}")
            hidden.write_text(text or name, "utf-8")
            hidden.rename(path)

    def script(self, name: str, text: str) -> str:
        """An executable Python script of that *name*; the command that runs it."""
        path = self.path / name
        path.write_text(f"#!{sys.executable}\n{text}", "utf-8")
        path.chmod(0o755)
        return f"./{name}"

    def workload(self, name: str, body: str) -> dict[str, Any]:
        """The settings of an arc that runs *body*, with `WORKLOAD` before it."""
        return {"command": [self.script(name, WORKLOAD + body)]}

    # ---- cls

    def cls(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> Ran:
        return ended(self.start(*arguments, env=env))

    def run(self, *arguments: str, code: int | None = 0, env: Mapping[str, str | None] | None = None) -> Ran:
        """``cls run`` until all is at rest, of ``p.json`` unless files are named."""
        files = () if any(each.endswith(".json") for each in arguments) else ("p.json",)
        ran = self.cls("run", *files, "--until-idle", *arguments, env=env)
        assert code is None or ran.code == code, ran
        return ran

    # ---- what is there

    def store(self, kind: str) -> Path:
        return self.path / STORES.format(kind)

    def tree(self) -> dict[str, tuple[int, int]]:
        """Every file below the folder: inode and modification time."""
        files = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    def files(self, folder: str) -> list[str]:
        """The files below *folder*, by their path from there."""
        root = self.path / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def manifests(self, dataset: str, version: str = "1") -> dict[str, dict[str, Any]]:
        """By lot, the committed manifest of its newest revision, which is kept in ``revision``."""
        found: dict[str, dict[str, Any]] = {}
        root = self.store("manifest") / f"datasets/name={dataset}/version={version}"
        for path in root.rglob("manifest.json"):
            parts = dict(part.split("=") for part in path.relative_to(root).parts[:-1])
            revision = int(parts.get("attempt", 0))
            if revision >= found.get(parts["lot"], {"revision": -1})["revision"]:
                found[parts["lot"]] = {**json.loads(path.read_text("utf-8")), "revision": revision}
        return dict(sorted(found.items()))

    def objects(self, dataset: str, version: str = "1") -> Counter[str]:
        """How often each object is in a committed lot, by its file's name."""
        uris = (uri for manifest in self.manifests(dataset, version).values() for uri in manifest["uris"])
        return Counter(Path(unquote(urlsplit(uri).path)).name for uri in uris)

    def ledger(self, arc: str, lot: str, project: str = "p", version: str = "1") -> list[dict[str, Any]]:
        folder = self.ledgers(arc, project, version) / f"lot={lot}"
        return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("0*.json"))]

    def ledgers(self, arc: str, project: str = "p", version: str = "1") -> Path:
        return self.store("arc-state") / f"arcs/project={project}/version={version}/arc={arc}"

    def kinds(self, arc: str, lot: str) -> list[str]:
        return [entry["entry"] for entry in self.ledger(arc, lot)]

    def completes(self, arc: str) -> dict[str, int]:
        """By lot, how many entries of its ledger say complete."""
        lots = sorted(path.name.removeprefix("lot=") for path in self.ledgers(arc).glob("lot=*"))
        return {lot: self.kinds(arc, lot).count("complete") for lot in lots}

    def leftovers(self) -> list[str]:
        """Whatever is staged, or waits in an intake or a queue, and writes under way."""
        held = ("/.tmp-", "/staging/", "/intake/", "/events/")
        return [
            name
            for name in self.tree()
            if any(part in name for part in held) and not name.endswith("subscription.json")
        ]


def boundary(name: str = "arrive", folder: str = "in", dataset: str = "raw", **more: Any) -> dict[str, Any]:
    """A listener that books by the hour in the key, ``…20240131T08…``."""
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


def by_arrival(**more: Any) -> dict[str, Any]:
    """A listener that books by the time of arrival."""
    return boundary(**{"lotUnit": "Twelfths", "lotSource": "objectModifiedTime", "keyRegex": None, **more})


def arc(
    kind: str = "copy",
    name: str = "work",
    sources: Sequence[str] = ("raw",),
    sinks: Sequence[str] = ("out",),
    **more: Any,
) -> dict[str, Any]:
    """An arc that works all of its sources' history, and tries a lot once."""
    return {
        "type": f"cls:core:{kind}Arc",
        "name": name,
        "sources": {role(sources, each): {"name": each, "version": "1", "start": "all"} for each in sources},
        "sinks": {role(sinks, each): {"name": each, "version": "1", "pathURI": f"{each}/"} for each in sinks},
        "retry": {"attempts": 1, "backoffSec": 0},
        **more,
    }


def role(names: Sequence[str], name: str) -> str:
    return "main" if len(names) == 1 else name


def hour(number: int) -> str:
    """The lot of that hour of the first of January 2024 (and on)."""
    return f"202401{1 + number // 24:02}PT1H{number % 24:03}"


def file_of(number: int, name: str = "") -> str:
    """A file's name whose key is of that hour."""
    return f"{name or 'f'}-202401{1 + number // 24:02}T{number % 24:02}.txt"


def alive(pid: int) -> bool:
    """Whether the process runs: neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Tools:
    """What tests ask for as the fixture ``tools``: modules of tests cannot import each other."""

    boundary = staticmethod(boundary)
    by_arrival = staticmethod(by_arrival)
    arc = staticmethod(arc)
    hour = staticmethod(hour)
    file_of = staticmethod(file_of)
    ended = staticmethod(ended)
    until = staticmethod(until)
    alive = staticmethod(alive)
    CLS = CLS
    PATIENCE = PATIENCE


@pytest.fixture
def tools() -> type[Tools]:
    return Tools


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    place = Place(tmp_path)
    yield place
    place.close()


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an engine that runs containers."""
    with bed.engine(tmp_path_factory) as host:
        yield host
