"""What a project came to, as it lies on the disk, and the laws that hold of it whatever befell those who made it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import Factory, field, frozen

STORES = ".clusterless/clusterless-{}-local-here"
_ATTEMPT = re.compile(r"\d+-\d+-[0-9a-f]{16}")
_HELD = ("/staging/", "/intake/", "/letters/")
_STATES = ("complete", "partial", "missing")


@frozen
class Lot:
    """What a dataset's newest manifest of a lot says: its objects by name (attempts blotted out), and their bytes."""

    state: str
    objects: tuple[tuple[str, str], ...]
    revision: int = field(eq=False)


@frozen
class Picture:
    """By dataset and lot what was committed, by arc and lot the entries of its ledger, and what is *held* back.

    *sinks* are the files below the folders that arcs write, by name and bytes; *told* is what was told outside, once
    each.
    """

    datasets: Mapping[str, Mapping[str, Lot]]
    arcs: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = field(eq=False)
    sinks: Mapping[str, tuple[tuple[str, str], ...]]
    told: frozenset[str] = frozenset()
    held: tuple[str, ...] = ()
    wrong: tuple[str, ...] = Factory(tuple)


def picture(folder: Path, sinks: Sequence[str], told: str = "") -> Picture:
    """Of the project in *folder*, whose arcs write below *sinks* and tell others by lines in the file *told*."""
    lines = (folder / told).read_text().splitlines() if told and (folder / told).is_file() else []
    arcs, wrong = _arcs(folder)
    twice = [uri for (uri, _), times in Counter(_sealed(folder)).items() if times > 1]
    wrong += [f"{uri} is in the seals more than once" for uri in twice]
    return Picture(
        datasets=_datasets(folder),
        arcs=arcs,
        sinks={sink: tuple(sorted(_files(folder / sink))) for sink in sinks},
        told=frozenset(_ATTEMPT.sub("ATTEMPT", line) for line in lines),
        held=tuple(_held(folder)),
        wrong=tuple(wrong),
    )


def objects(seen: Picture, dataset: str) -> Counter[str]:
    """How often each object is in a committed lot of *dataset*, by name."""
    return Counter(name for lot in seen.datasets.get(dataset, {}).values() for name, _ in lot.objects)


def broken(seen: Picture, arrivals: Mapping[str, Sequence[str]]) -> list[str]:
    """Which laws do not hold: of every arrival in one lot, of every lot at rest and consumed once, of nothing held."""
    found = [*seen.wrong]
    for dataset, names in arrivals.items():
        booked = objects(seen, dataset)
        if booked != Counter(names):
            lost, doubled = Counter(names) - booked, booked - Counter(names)
            found.append(f"{dataset}: lost {dict(lost)}, doubled {dict(doubled)}")
    for arc, lots in seen.arcs.items():
        for lot, entries in lots.items():
            if not entries or entries[-1]["entry"] != "complete":
                found.append(f"{arc} {lot} is not at rest: {[each['entry'] for each in entries]}")
            answers = Counter(each["revision"] for each in entries if each["entry"] == "complete")
            if any(count > 1 for count in answers.values()):
                found.append(f"{arc} {lot} has two answers: {dict(answers)}")
    return [*found, *(f"left behind: {each}" for each in seen.held)]


def _datasets(folder: Path) -> dict[str, dict[str, Lot]]:
    found: dict[str, dict[str, Lot]] = {}
    root = folder / STORES.format("manifest") / "datasets"
    for path in sorted(root.rglob("manifest.json")):
        parts = dict(part.split("=", 1) for part in path.relative_to(root).parts[:-1])
        if parts["state"] == "partial":
            continue
        lots, revision = found.setdefault(parts["name"], {}), int(parts.get("attempt", 0))
        if parts["lot"] in lots and lots[parts["lot"]].revision > revision:
            continue
        said = json.loads(path.read_text("utf-8"))
        named = ((uri, _path(uri)) for uri in said["uris"])
        lots[parts["lot"]] = Lot(said["state"], tuple(sorted((_name(uri), _digest(at)) for uri, at in named)), revision)
    return found


def _arcs(folder: Path) -> tuple[dict[str, dict[str, list[dict[str, Any]]]], list[str]]:
    """The ledgers, and what is wrong with the markers beside them."""
    arcs: dict[str, dict[str, list[dict[str, Any]]]] = {}
    wrong: list[str] = []
    root = folder / STORES.format("arc-state") / "arcs"
    for path in sorted(root.rglob("0*.json")):
        parts = dict(part.split("=", 1) for part in path.relative_to(root).parts[:-1])
        arcs.setdefault(parts["arc"], {}).setdefault(parts["lot"], []).append(json.loads(path.read_text("utf-8")))
    for arc, lots in arcs.items():
        for lot, entries in lots.items():
            (at,) = root.glob(f"*/*/arc={arc}/lot={lot}")
            if entries[-1]["entry"] in _STATES and not _is_marked(at, entries[-1]["entry"], len(entries)):
                wrong.append(f"{arc} {lot} is not announced")
    return arcs, wrong


def _sealed(folder: Path) -> Iterator[tuple[str, str]]:
    """The URI and etag of each arrival in a seal, as often as it is there."""
    root = folder / STORES.format("arc-state")
    for path in root.glob("boundaries/*/*/*/seals/0*.json"):
        for lot in json.loads(path.read_text("utf-8"))["lots"]:
            arrivals = lot.get("arrivals")
            if arrivals is None and lot.get("staged"):
                arrivals = [json.loads(line) for line in (root / lot["staged"]).read_text("utf-8").splitlines()]
            yield from ((each["uri"], each["etag"]) for each in arrivals or ())


def _is_marked(folder: Path, state: str, number: int) -> bool:
    marker = folder / f"{state}.arc"
    return marker.is_file() and json.loads(marker.read_text())["entry"] == number


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith(".tmp-"):
            yield _name(path.relative_to(folder).as_posix()), _digest(path)


def _held(folder: Path) -> Iterator[str]:
    for path in (folder / ".clusterless").rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.name.startswith(".tmp-") and any(part in name for part in _HELD):
            yield name


def _name(uri: str) -> str:
    path = unquote(urlsplit(uri).path)
    return _ATTEMPT.sub("ATTEMPT", path.rpartition("/")[2])


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "not there"
