"""What there is, held against what arrived, when all is at rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from attrs import define, field

from clusterless import layout
from clusterless.errors import ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import ArcState, Complete
from clusterless.model.lot import Lot
from clusterless.runtime.arc import RunningArc, Writer
from clusterless.runtime.attempt import read_record
from clusterless.runtime.intake import waiting
from clusterless.runtime.renewal import Renewals
from clusterless.runtime.sweep import sweep
from clusterless.store.manifests import Found
from clusterless.testing.simulation.laws import BrokenLawError
from clusterless.testing.simulation.queues import LATEST_NOTICE
from clusterless.testing.simulation.rooted import Rooted
from clusterless.testing.simulation.scheduler import MOST_SKEW
from clusterless.testing.simulation.world import ARCS, BOUNDARIES, ROLLED, SINKS, UNIT, World


@define(eq=False)
class Judgement:
    """Of the lots up to *last*: boundaries that commit empty lots never end by themselves."""

    world: World
    last: Lot
    arcs: list[RunningArc] = field(init=False)

    def __attrs_post_init__(self) -> None:
        writer = Writer(by="judge", new_id=self.world.new_id)
        self.arcs = [self.world.arc(arc, writer, Renewals()) for arc in ARCS]

    def is_at_rest(self) -> bool:
        return not any(self._unrest())

    def all_is_well(self) -> None:
        """Raise what is not.

        Raises:
            BrokenLawError: something was lost or doubled, never worked, or left behind.
        """
        for unrest in self._unrest():
            raise BrokenLawError(unrest)
        for broken in self._strays():
            raise BrokenLawError(broken)

    def _unrest(self) -> Iterator[str]:
        if (sealed := self.arcs[0].manifests.last_lot(BOUNDARIES[0].dataset)) is None or sealed < self.last:
            yield f"{BOUNDARIES[0].name}: sealed up to {sealed} only"
        for boundary in BOUNDARIES:
            running = self.world.boundary(boundary, self.arcs[0].writer)
            if self.world.notices[boundary.name].messages:
                yield f"{boundary.name}: notices wait"
            tenure = running.tenure(running.dataset)
            if any(batch.lot <= self.last and tenure.holds(batch.lot) for batch in waiting(running)):
                yield f"{boundary.name}: the intake is not empty"
        for dataset in {boundary.dataset.name: boundary.dataset for boundary in BOUNDARIES}.values():
            yield from self._unread(dataset)
        for arc in self.arcs:
            yield from self._unworked(arc)
        yield from self._unequal()

    def _unread(self, dataset: Dataset) -> Iterator[str]:
        """Every arrival is in exactly one lot of its dataset, whoever owned it then."""
        name = dataset.name
        manifests = self.arcs[0].manifests
        listed = Counter(uri for found in manifests.lots(dataset) for uri in manifests.read(found).uris)
        there = Counter(
            layout.uri("memory:///", info.key) for info in self.world.stores["data"].list(f"{SINKS}{name}/")
        )
        if listed != there:
            yield f"{name}: lost {there - listed}, doubled {listed - there}"

    def _unworked(self, arc: RunningArc) -> Iterator[str]:
        """Every source lot was consumed, as it is now, in one lot only, and its result announced."""
        there = self._there(arc)
        for lot in sorted(lot for lot in there if lot.end <= self.last.end):
            if arc.is_behind(lot):
                continue
            ledger = arc.ledger(lot)
            number = ledger.look().last
            entry = ledger.read(number) if number else None
            if not isinstance(entry, Complete) or not ledger.is_marked(number, ArcState.COMPLETE):
                yield f"{arc.arc.name} {lot}: ends with {entry}"
            elif {(pin.dataset.id, pin.lot, pin.manifest) for pin in entry.sources.values()} != there[lot]:
                yield f"{arc.arc.name} {lot}: has not consumed its sources as they are"
        for source, times in self._consumed(arc).items():
            if times > 1:
                yield f"{arc.arc.name}: {source} is in {times} lots"

    def _there(self, arc: RunningArc) -> dict[Lot, set[tuple[str, Lot, str]]]:
        """By lot of the arc, its sources' lots within it, as they are now."""
        there: dict[Lot, set[tuple[str, Lot, str]]] = {}
        for side in arc.sources.values():
            for found in side.manifests.lots(side.dataset):
                lot = Lot.containing(found.lot.start, arc.arc.lot_unit or found.lot.unit)
                there.setdefault(lot, set()).add((side.dataset.id, found.lot, found.uri))
        return there

    def _consumed(self, arc: RunningArc) -> Counter[str]:
        """How many ledgers of the arc end with having consumed a source lot."""
        ends = (ledger[-1] for path, ledger in self.world.laws.ledgers.items() if f"arc={arc.arc.name}/" in path)
        pins = (pin for end in ends if isinstance(end, Complete) for pin in end.sources.values())
        return Counter(f"{pin.dataset.id} {pin.lot}" for pin in pins)

    def _unequal(self) -> Iterator[str]:
        """What comes out at the end is what came in at the beginning."""
        last = self.arcs[-1]
        found = [each for each in last.manifests.lots(last.arc.sinks["main"]) if each.lot.end <= self.last.end]
        out = Counter(self._contents(last, found))
        lost = self.world.arrived - out
        if out - self.world.arrived or lost - self._given_up(lost):
            yield f"lost {lost}, doubled {out - self.world.arrived}"

    def _given_up(self, lost: Counter[bytes]) -> Counter[bytes]:
        """What of the *lost* came after its lot had been given up: it is not worked, and stays where it is."""
        if not lost:
            return lost
        behind = {
            (dataset, lot)
            for arc in self.arcs
            for own, parts in self._there(arc).items()
            if arc.is_behind(own)
            for dataset, lot, _ in parts
        }
        arc = self.arcs[0]
        datasets = {side.dataset.id: side.dataset for each in self.arcs for side in each.sources.values()}
        found = [arc.manifests.newest(datasets[dataset], lot) for dataset, lot in behind]
        return Counter(set(self._contents(arc, [each for each in found if each])))

    def _contents(self, arc: RunningArc, found: list[Found]) -> Iterator[bytes]:
        data = self.world.stores["data"]
        for each in found:
            for uri in arc.manifests.read(each).uris:
                try:
                    yield data.get(layout.key(data.root, uri))
                except ObjectMissingError:
                    yield f"{uri} has vanished".encode()

    def _strays(self) -> Iterator[str]:
        """A thorough sweep leaves nothing that no complete entry names."""
        for arc in self.arcs:
            sweep(arc, lambda uri: Rooted(self.world.stores["data"], uri), thorough=True)
            named: set[str] = set()
            entries = [
                entry
                for path, ledger in self.world.laws.ledgers.items()
                for entry in ledger
                if f"arc={arc.arc.name}/" in path
            ]
            for entry in entries:
                if isinstance(entry, Complete):
                    named.update(uri for sink in entry.sinks.values() for uri in read_record(arc, sink).uris)
            data = self.world.stores["data"]
            there = {layout.uri(data.root, info.key) for info in data.list(f"{SINKS}{arc.arc.name}-out/")}
            named -= self.world.gone - there  # who removes may have been killed before it took effect
            there = {uri for uri in there if uri in named or not arc.is_behind(Lot.parse(uri.split("/")[-3]))}
            if there != named:
                yield f"{arc.arc.name}: disowned {sorted(there - named)}, vanished {sorted(named - there)}"
            keys = (info.key for info in arc.manifests.store.list(layout.staging_path(arc.keys, "main")))
            if staged := [key for key in keys if not arc.is_behind(Lot.parse(layout.segments(key)["lot"]))]:
                yield f"{arc.arc.name}: staged objects are left: {staged}"


def last_lot(world: World) -> Lot:
    """The lot by which everything that has arrived by now is surely noticed and sealed, by whatever clock.

    It is the last of a larger one.
    """
    surely = Lot.containing(world.scheduler.now() + timedelta(seconds=LATEST_NOTICE + MOST_SKEW), UNIT).next
    return Lot.containing(Lot.containing(surely.start, ROLLED).end, UNIT).previous
