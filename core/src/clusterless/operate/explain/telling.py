"""What became of a lot, an object or an attempt: told from a placement's objects alone, so also of what is no more.

No project file is read, and no metadata but where datasets have their objects: names come from keys, and what an arc
wrote is known by its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice

from attrs import evolve

from clusterless import layout
from clusterless.errors import ClsError, MalformedError
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import Claim, Complete, Entry, Failed, Pin, Rollback
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.operate.explain.places import Place, arcs_of, boundaries_of, datasets_of, unit_of
from clusterless.operate.explain.sealing import boundary_story
from clusterless.operate.explain.story import SHOWN, Fact, Story
from clusterless.runtime.horizon import read_horizon
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.ledger import LotLedger, picture
from clusterless.store.manifests import decode, encode

_REMOVED = ManifestState.REMOVED.value
_SKEW = timedelta(minutes=1)  # between the clocks of a store and of whoever writes a ledger


def explain_lot(places: Sequence[Place], lot: Lot) -> list[Story]:
    """All that is known of *lot*: datasets that have it, what made it, and what was made of it."""
    told: list[list[Story]] = []
    readers: list[Story] = []  # also of what is in another placement
    for place in places:
        datasets = [story for each in datasets_of(place) if (story := _dataset(place, each, lot))]
        arcs = [story for keys in arcs_of(place) if (story := _arc(place, keys, lot))]
        times = [fact.at for story in datasets for fact in story.facts if fact.what == "manifest" and fact.at]
        boundaries = [story for keys in boundaries_of(place) if (story := boundary_story(place, keys, lot, times))]
        made = [_with_names(story, datasets) for story in (*boundaries, *arcs)]
        datasets = [_with_remover(place, story, arcs) for story in datasets]
        told.append([*datasets, *made])
        readers += arcs
    return [_with_readers(story, readers) if story.is_dataset else story for stories in told for story in stories]


def about(told: Sequence[Story], name: str) -> list[Story]:
    """The dataset or element of that *name*, with what made a dataset, and what read it."""
    chosen = [story for story in told if name in _names(story)]
    datasets = [story for story in chosen if story.is_dataset]
    around = [
        story
        for story in told
        if not story.is_dataset and any(_made(story, each) or each.is_read_by(story) for each in datasets)
    ]
    return [story for story in told if story in chosen or story in around]


def _names(story: Story) -> set[str]:
    """``orders/1`` is ``orders`` too, ``shop/1/copy`` is ``shop/copy`` and ``copy``."""
    first, *_, last = story.name.split("/")
    return {story.name, first} if story.is_dataset else {story.name, last, f"{first}/{last}"}


# ---- a dataset -------------------------------------------------------------------------------------------------


def _dataset(place: Place, dataset: Dataset, lot: Lot) -> Story | None:
    path = layout.lot_path(dataset, lot)
    facts: list[Fact] = []
    digests = {}
    for info in place.manifests.list(path):
        names = layout.segments(info.key)
        if "manifest.json" in info.key and "state" in names:
            facts += _manifest(place.manifests, info, names)
            for digest in _digests(place.manifests, info.key, names["state"]):
                digests[digest] = dataset.id, names.get("attempt", "0")
    if not facts:
        return None
    store = _store_name(place.manifests.root)
    return Story(
        kind="dataset",
        name=dataset.id,
        lot=lot,
        placement=place.placement,
        facts=tuple(facts),
        digests=digests,
        store=store,
    )


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
    what = "listed" if fact.state == _REMOVED else "lists"
    yield from (Fact(what=what, uri=uri) for uri in first)


def _digests(store: ObjectStore, key: str, state: str) -> Iterator[str]:
    """That of the manifest, and of a removed one what it had when it was committed."""
    yield _digest(store, key)
    if state == _REMOVED:
        with suppress(ClsError):
            yield encode(evolve(decode(store, key), state=ManifestState.COMPLETE)).digest


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
        if dataset.is_read_by(arc):
            entries = [fact for fact in arc.facts if fact.number]
            last = entries[-1]
            readers.append(Fact(what="consumed", text=arc.name, state=last.what, at=last.at, by=last.by))
    return evolve(dataset, facts=(*dataset.facts, *readers))


def _with_remover(place: Place, dataset: Story, arcs: Iterable[Story]) -> Story:
    """With who had the objects of its removed manifests taken away: what could have is told, where it is not known."""
    if not any(fact.state == _REMOVED for fact in dataset.facts):
        return dataset
    rollbacks = [fact for arc in arcs if _made(arc, dataset) for fact in arc.facts if fact.what == Rollback.kind]
    is_given_up = read_horizon(place.manifests, _named(dataset)).hides(dataset.lot)
    facts = (
        evolve(fact, text=_removed_by(fact, rollbacks, is_given_up=is_given_up)) if fact.state == _REMOVED else fact
        for fact in dataset.facts
    )
    return evolve(dataset, facts=tuple(facts))


def _named(story: Story) -> Dataset:
    name, _, version = story.name.rpartition("/")
    return Dataset(name=name, version=version)


def _removed_by(removed: Fact, rollbacks: Iterable[Fact], *, is_given_up: bool) -> str:
    """Whose doing it was, as far as records say: who removes what was rolled back before is in none."""
    assert removed.at
    until, since = removed.at + _SKEW, removed.revision or 0
    by = [each.by for each in rollbacks if each.at and each.at <= until and (each.revision or 0) > since]
    whose = ["by retention"] if is_given_up else []
    return ", or ".join([*whose, *(f"after a rollback by {last}" for last in by[-1:])])


# ---- what makes lots -------------------------------------------------------------------------------------------


def _made(story: Story, dataset: Story) -> bool:
    return story.lot == dataset.lot and not dataset.digests.keys().isdisjoint(fact.digest for fact in story.facts)


def _with_names(story: Story, datasets: Iterable[Story]) -> Story:
    """With the datasets that were written, told by the digests of their manifests: empty ones look alike."""
    named = {digest: name for each in datasets for digest, name in each.digests.items() if each.lot == story.lot}
    return evolve(story, facts=tuple(_named_by(fact, named) for fact in story.facts))


def _named_by(fact: Fact, named: Mapping[str, tuple[str, str]]) -> Fact:
    if fact.digest not in named or fact.state == ManifestState.EMPTY.value:
        return fact
    name, revision = named[fact.digest]  # revisions of the same bytes look alike: an arc's entry knows its own
    return evolve(fact, text=f"{fact.text}: {name} revision {revision if fact.revision is None else fact.revision}")


def _arc(place: Place, keys: layout.ArcKeys, lot: Lot) -> Story | None:
    """The arc's lot that *lot* is, or goes into."""
    unit = unit_of(place.state, keys.path)
    if unit is None or unit.minutes < lot.unit.minutes:
        return None
    ledger = LotLedger(place.state, keys, Lot.containing(lot.start, unit))
    infos = {info.key.removeprefix(ledger.path): info for info in place.state.list(ledger.path)}
    if not infos:
        return None
    facts: list[Fact] = []
    reads: set[tuple[str, str, Lot]] = set()
    before: list[Entry] = []
    for number in picture(infos).numbers:
        try:
            entry = ledger.read(number)
        except MalformedError as error:
            facts.append(Fact(what="unreadable", number=number, text=error.problem))
            continue
        facts += _entry(number, entry, before)
        if isinstance(entry, Claim):
            reads |= {(_store_name(_root(pin)), pin.dataset.id, pin.lot) for pin in entry.sources.values()}
        before.append(entry)
    marked = sorted((info.time, name) for name, info in infos.items() if name.endswith(".arc"))
    facts += [Fact(what="announced", state=name.removesuffix(".arc"), at=at) for at, name in marked]
    name = f"{keys.project.id}/{keys.arc}"
    return Story(
        kind="arc", name=name, lot=ledger.lot, placement=place.placement, facts=tuple(facts), reads=frozenset(reads)
    )


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
            yield evolve(fact, revision=entry.revision, text=entry.why)
    if isinstance(entry, Complete | Failed):
        for role, sink in entry.sinks.items():
            counts = {"state": sink.state.value, "objects": sink.objects, "bytes": sink.bytes}
            yield Fact(what="writes", text=role, digest=sink.digest, revision=entry.revision, **counts)  # type: ignore[arg-type]  # each of its own kind


def _won(before: Sequence[Entry]) -> str:
    """Whose claim it followed; who came second for the same entry leaves no trace."""
    if before and isinstance(last := before[-1], Claim):
        return f"won over attempt {last.attempt} of {last.by}, which ended without an outcome"
    return ""


def _root(pin: Pin) -> str:
    return pin.manifest.partition(f"/{layout.dataset_path(pin.dataset)}")[0]


def _store_name(root: str) -> str:
    """What is told of a placement by its store: its last part, which stays when all of the stores are moved."""
    return root.rstrip("/").rpartition("/")[2]


def _pin(part: str, pin: Pin) -> Fact:
    text = f"{part}: {pin.dataset.id} lot {pin.lot}"
    return Fact(what="reads", text=text, revision=pin.revision, state=pin.state.value, uri=pin.manifest)
