"""What became of a lot, an object or an attempt: told from a placement's objects alone, so also of what is no more.

No project file is read, and no metadata but where datasets have their objects: names come from keys, and what an arc
wrote is known by its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from attrs import define, evolve, field, frozen

from clusterless import layout
from clusterless.engine.ranges import LotRange
from clusterless.errors import ClsError, InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import Claim, Complete, Entry, Failed, Pin, Rollback
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.model.project import Project
from clusterless.model.seal import Seal, SealedLot
from clusterless.operate.listing import list_lots
from clusterless.runtime.ownership import recorded
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.ledger import LotLedger, SealLedger, picture, seals_of
from clusterless.store.manifests import Manifests, decode

_SLACK = timedelta(seconds=1)  # that a store's times may differ among themselves
_BACK = 3  # seals before a moment that are looked at: a manifest is written soon after its seal

SHOWN = 5  # objects that are named, of those that a manifest lists or that arrived


@frozen(kw_only=True)
class Place:
    """The three stores of a placement."""

    metadata: ObjectStore = field(repr=False)
    state: ObjectStore = field(repr=False)
    manifests: ObjectStore = field(repr=False)


@frozen(kw_only=True)
class Fact:
    """One thing that an object says; *at* is when it was written, *number* is that of a ledger's entry.

    *what* is the kind of entry, or one of ``manifest``, ``lists``, ``consumed``, ``seal``, ``arrival``, ``reads``,
    ``writes``, ``announced`` and ``unreadable``.
    """

    what: str
    text: str = ""
    at: datetime | None = None
    by: str | None = None
    number: int | None = None
    attempt: str | None = None
    revision: int | None = None
    state: str | None = None
    objects: int | None = None
    bytes: int | None = None
    uri: str | None = None


@frozen(kw_only=True)
class Story:
    """What is known of an element's *lot*: *kind* is ``dataset``, ``boundary`` or ``arc``, *name* as keys have it."""

    kind: str
    name: str
    lot: Lot
    facts: tuple[Fact, ...]
    reads: frozenset[tuple[str, Lot]] = frozenset()
    digests: Mapping[str, str] = field(factory=dict)

    @property
    def is_dataset(self) -> bool:
        return self.kind == "dataset"


Wanted = Callable[[Story], bool]


def explain_lot(places: Sequence[Place], lot: Lot) -> list[Story]:
    """All that is known of *lot*: datasets that have it, what made it, and what was made of it."""
    told: list[Story] = []
    for place in places:
        datasets = [story for each in datasets_of(place) if (story := _dataset(place, each, lot))]
        arcs = [story for keys in arcs_of(place) if (story := _arc(place, keys, lot))]
        times = [fact.at for story in datasets for fact in story.facts if fact.what == "manifest" and fact.at]
        boundaries = [story for keys in boundaries_of(place) if (story := _boundary(place, keys, lot, times))]
        made = [_with_names(story, datasets) for story in (*boundaries, *arcs)]
        told += [*(_with_readers(story, arcs) for story in datasets), *made]
    return told


def about(told: Sequence[Story], name: str) -> list[Story]:
    """The dataset or element of that *name*, with what made a dataset, and what read it."""
    chosen = [story for story in told if name in _names(story)]
    datasets = [story for story in chosen if story.is_dataset]
    around = [
        story
        for story in told
        if not story.is_dataset and any(_made(story, each) or (each.name, each.lot) in story.reads for each in datasets)
    ]
    return [story for story in told if story in chosen or story in around]


def _names(story: Story) -> set[str]:
    """``orders/1`` is ``orders`` too, ``shop/1/copy`` is ``shop/copy`` and ``copy``."""
    first, *_, last = story.name.split("/")
    return {story.name, first} if story.is_dataset else {story.name, last, f"{first}/{last}"}


# ---- who there is, by keys -------------------------------------------------------------------------------------


def datasets_of(place: Place) -> Iterator[Dataset]:
    """The datasets that have a manifest, by a request each."""
    for names in _folders(place.manifests, "datasets/", 2):
        with suppress(InvalidValueError):
            yield Dataset(name=names.get("name", ""), version=names.get("version", ""))


def arcs_of(place: Place) -> Iterator[layout.ArcKeys]:
    """What ever claimed a lot, by a request each."""
    for names in _folders(place.state, "arcs/", 3):
        with suppress(InvalidValueError):
            yield layout.ArcKeys(_project(names), names.get("arc", ""))


def boundaries_of(place: Place) -> Iterator[layout.BoundaryKeys]:
    for names in _folders(place.state, "boundaries/", 3):
        with suppress(InvalidValueError):
            yield layout.BoundaryKeys(_project(names), names.get("boundary", ""))


def _project(names: Mapping[str, str]) -> Project:
    return Project(name=names.get("project", ""), version=names.get("version", ""))


def _folders(store: ObjectStore, prefix: str, depth: int) -> Iterator[Mapping[str, str]]:
    """The folders *depth* below *prefix*, by what their names say; what is in them is passed over."""
    after = ""
    while info := next(store.list(prefix, after), None):
        path = "/".join(info.key.removeprefix(prefix).split("/")[:depth])
        yield layout.segments(path)
        after = f"{prefix}{path}0"  # "0" follows "/"


# ---- a dataset -------------------------------------------------------------------------------------------------


def _dataset(place: Place, dataset: Dataset, lot: Lot) -> Story | None:
    path = layout.lot_path(dataset, lot)
    facts: list[Fact] = []
    digests = {}
    for info in place.manifests.list(path):
        names = layout.segments(info.key)
        if "manifest.json" in info.key and "state" in names:
            facts += _manifest(place.manifests, info, names)
            digests[_digest(place.manifests, info.key)] = f"{dataset.id} revision {names.get('attempt', 0)}"
    if not facts:
        return None
    return Story(kind="dataset", name=dataset.id, lot=lot, facts=tuple(facts), digests=digests)


def _manifest(store: ObjectStore, info: ObjectInfo, names: Mapping[str, str]) -> Iterator[Fact]:
    attempt = names.get("attempt", "0")
    fact = Fact(
        what="manifest",
        at=info.time,
        state=names["state"],
        revision=int(attempt) if attempt.isdecimal() else None,
        uri=layout.uri(store.root, info.key),
    )
    try:
        uris = decode(store, info.key).uris
        first = list(islice(uris, SHOWN))
        yield evolve(fact, objects=sum(1 for _ in uris))
    except ClsError as error:
        yield fact
        yield Fact(what="unreadable", text=error.problem)
        return
    yield from (Fact(what="lists", uri=uri) for uri in first)


def _digest(store: ObjectStore, key: str) -> str:
    digest = hashlib.sha256()
    with store.open(key) as stream:
        while part := stream.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _with_readers(dataset: Story, arcs: Iterable[Story]) -> Story:
    """With who consumed the lot, as far as a claim says so."""
    readers = []
    for arc in arcs:
        if (dataset.name, dataset.lot) in arc.reads:
            entries = [fact for fact in arc.facts if fact.number]
            last = entries[-1]
            readers.append(Fact(what="consumed", text=arc.name, state=last.what, at=last.at, by=last.by))
    return evolve(dataset, facts=(*dataset.facts, *readers))


# ---- what makes lots -------------------------------------------------------------------------------------------


def _made(story: Story, dataset: Story) -> bool:
    return story.lot == dataset.lot and not story.digests.keys().isdisjoint(dataset.digests)


def _with_names(story: Story, datasets: Iterable[Story]) -> Story:
    """With the datasets that were written, told by the digests of their manifests: empty ones look alike."""
    named = {digest: name for each in datasets for digest, name in each.digests.items() if each.lot == story.lot}
    written = {role: named[digest] for digest, role in story.digests.items() if digest in named}
    facts = (
        evolve(fact, text=f"{fact.text}: {written[fact.text]}")
        if fact.what in {"writes", "seal"} and fact.text in written and fact.state != ManifestState.EMPTY.value
        else fact
        for fact in story.facts
    )
    return evolve(story, facts=tuple(facts))


def _unit(store: ObjectStore, path: str) -> LotUnit | None:
    for info in store.list(f"{path}lot="):
        with suppress(InvalidValueError):
            return Lot.parse(layout.segments(info.key).get("lot", "")).unit
    return None


def _arc(place: Place, keys: layout.ArcKeys, lot: Lot) -> Story | None:
    """The arc's lot that *lot* is, or goes into."""
    unit = _unit(place.state, keys.path)
    if unit is None or unit.minutes < lot.unit.minutes:
        return None
    ledger = LotLedger(place.state, keys, Lot.containing(lot.start, unit))
    infos = {info.key.removeprefix(ledger.path): info for info in place.state.list(ledger.path)}
    if not infos:
        return None
    facts: list[Fact] = []
    reads: set[tuple[str, Lot]] = set()
    digests: dict[str, str] = {}
    before: list[Entry] = []
    for number in picture(infos).numbers:
        try:
            entry = ledger.read(number)
        except MalformedError as error:
            facts.append(Fact(what="unreadable", number=number, text=error.problem))
            continue
        facts += _entry(number, entry, before)
        if isinstance(entry, Claim):
            reads |= {(pin.dataset.id, pin.lot) for pin in entry.sources.values()}
        if isinstance(entry, Complete | Failed):
            digests |= {sink.digest: role for role, sink in entry.sinks.items()}
        before.append(entry)
    marked = sorted((info.time, name) for name, info in infos.items() if name.endswith(".arc"))
    facts += [Fact(what="announced", state=name.removesuffix(".arc"), at=at) for at, name in marked]
    name = f"{keys.project.id}/{keys.arc}"
    return Story(kind="arc", name=name, lot=ledger.lot, facts=tuple(facts), reads=frozenset(reads), digests=digests)


def _entry(number: int, entry: Entry, before: Sequence[Entry]) -> Iterator[Fact]:
    fact = Fact(what=entry.kind, number=number, at=entry.at, by=entry.by)
    match entry:
        case Claim():
            yield evolve(fact, attempt=entry.attempt, revision=entry.revision, text=_won(before))
            earlier = next((each.sources for each in reversed(before) if isinstance(each, Claim)), None)
            if entry.sources != earlier:
                yield from (_pin(part, pin) for part, pin in entry.sources.items())
        case Complete():
            yield evolve(fact, attempt=entry.attempt, revision=entry.revision, objects=entry.taken)
        case Failed():
            text = f"{entry.error.type}: {entry.error.message}"
            yield evolve(fact, attempt=entry.attempt, revision=entry.revision, text=text)
        case Rollback():
            yield evolve(fact, revision=entry.revision, text=entry.reason)
    if isinstance(entry, Complete | Failed):
        for role, sink in entry.sinks.items():
            counts = {"state": sink.state.value, "objects": sink.objects, "bytes": sink.bytes}
            yield Fact(what="writes", text=role, **counts)  # type: ignore[arg-type]  # each of its own kind


def _won(before: Sequence[Entry]) -> str:
    """Whose claim it followed; who came second for the same entry leaves no trace."""
    if before and isinstance(last := before[-1], Claim):
        return f"won over attempt {last.attempt} of {last.by}, which ended without an outcome"
    return ""


def _pin(part: str, pin: Pin) -> Fact:
    text = f"{part}: {pin.dataset.id} lot {pin.lot}"
    return Fact(what="reads", text=text, revision=pin.revision, state=pin.state.value, uri=pin.manifest)


# ---- where data came in ----------------------------------------------------------------------------------------


def _boundary(place: Place, keys: layout.BoundaryKeys, lot: Lot, times: Iterable[datetime]) -> Story | None:
    """The seals that hold *lot*, whose manifests were written at *times*."""
    facts: list[Fact] = []
    digests: dict[str, str] = {}
    for number, seal in _Seals(seals_of(place.state, keys)).near(lot, times):
        for sealed in seal.lots:
            if sealed.lot == lot:
                facts += _sealed(number, seal, sealed)
                digests[sealed.digest] = f"seal {number}"
    name = f"{keys.project.id}/{keys.boundary}"
    return Story(kind="boundary", name=name, lot=lot, facts=tuple(facts), digests=digests) if facts else None


@define
class _Seals:
    """A boundary's seals, found by halving: they are in order, both of the lots that they reach and of time."""

    ledger: SealLedger
    _read: dict[int, Seal] = field(factory=dict)

    def near(self, lot: Lot, times: Iterable[datetime]) -> Iterator[tuple[int, Seal]]:
        """The first that looked through *lot*, and those written just before *times*: it may have come late."""
        last = self.ledger.end()
        numbers = {self._first(last, lambda seal: _reaches(seal, lot))}
        for moment in times:
            after = self._first(last, lambda seal, until=moment + _SLACK: seal.at > until)  # type: ignore[misc]
            numbers |= set(range(after - _BACK, after))
        yield from ((number, self.read(number)) for number in sorted(numbers) if 1 <= number <= last)

    def read(self, number: int) -> Seal:
        if number not in self._read:
            self._read[number] = self.ledger.read(number)
        return self._read[number]

    def _first(self, last: int, is_past: Callable[[Seal], bool]) -> int:
        first, end = 1, last + 1
        while first < end:
            middle = (first + end) // 2
            if is_past(self.read(middle)):
                end = middle
            else:
                first = middle + 1
        return first


def _reaches(seal: Seal, lot: Lot) -> bool:
    return seal.through is not None and seal.through.unit is lot.unit and seal.through >= lot


def _sealed(number: int, seal: Seal, sealed: SealedLot) -> Iterator[Fact]:
    yield Fact(
        what="seal",
        number=number,
        at=seal.at,
        by=seal.by,
        revision=sealed.revision,
        state=sealed.state.value,
        objects=sealed.objects,
        bytes=sealed.bytes,
        text=f"seal {number}",
    )
    for arrival in islice(sealed.arrivals or (), SHOWN):
        yield Fact(what="arrival", at=arrival.time, bytes=arrival.size, uri=arrival.uri)


# ---- looking for an attempt, or an object ----------------------------------------------------------------------


@frozen
class Listing:
    """Where an object is listed."""

    dataset: Dataset
    lot: Lot
    manifest: str


def find_attempt(
    places: Sequence[Place], attempt: str, window: Callable[[LotUnit], LotRange]
) -> tuple[layout.ArcKeys, Lot] | None:
    """The arc's lot that *attempt* was made at, the newest of those within *window* first."""
    for place in places:
        for keys in arcs_of(place):
            unit = _unit(place.state, keys.path)
            lots = list(list_lots(place.state, keys.path, window(unit))) if unit else []
            for each in reversed(lots):
                if _has_attempt(LotLedger(place.state, keys, each.lot), picture(each.names).numbers, attempt):
                    return keys, each.lot
    return None


def _has_attempt(ledger: LotLedger, numbers: Iterable[int], attempt: str) -> bool:
    for number in numbers:
        with suppress(MalformedError, ObjectMissingError):
            entry = ledger.read(number)
            if isinstance(entry, Claim) and entry.attempt == attempt:
                return True
    return False


def candidates(places: Sequence[Place], uri: str) -> list[tuple[Place, Dataset]]:
    """The datasets that may list *uri*: those whose location holds it, or where none is known to, all."""
    known = [(place, dataset) for place in places for dataset in datasets_of(place)]
    fitting = [
        (place, dataset)
        for place, dataset in known
        if (owned := recorded(place.metadata, dataset)) and any(uri.startswith(root) for root in owned.all_roots)
    ]
    return fitting or known


def find_object(
    places: Sequence[Place], uri: str, window: Callable[[LotUnit], LotRange], step: Callable[[float], None]
) -> Iterator[Listing]:
    """The lots within *window* whose newest manifest lists *uri*, the newest first of each dataset."""
    looked_in = candidates(places, uri)
    for number, (place, dataset) in enumerate(looked_in):
        unit = _unit(place.manifests, layout.dataset_path(dataset))
        if unit is None:
            continue
        lots, manifests = window(unit), Manifests(place.manifests)
        listed = list_lots(place.manifests, layout.dataset_path(dataset), lots)
        for each in reversed([each.lot for each in listed]):
            found = manifests.newest(dataset, each)
            if found and found.state is ManifestState.COMPLETE and _lists(manifests, found.key, uri):
                yield Listing(dataset, each, found.uri)
        step((number + 1) / len(looked_in))


def _lists(manifests: Manifests, key: str, uri: str) -> bool:
    try:
        return any(
            uri == each or (each.endswith("/") and uri.startswith(each)) for each in decode(manifests.store, key).uris
        )
    except (MalformedError, ObjectMissingError):
        return False
