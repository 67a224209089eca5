"""What is asked of stores to find out why a lot is missing, besides what is listed: most of it once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from attrs import define, evolve, field

from clusterless import layout
from clusterless.engine.gaps import Booked, Worked, stretches
from clusterless.engine.lot_states import Ledger
from clusterless.engine.moments import dated
from clusterless.engine.ranges import LotRange
from clusterless.engine.switches import Switches
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.horizon import Horizon
from clusterless.model.lot import Lot
from clusterless.operate.ahead import ahead, asked, at_a_time, is_near
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape
from clusterless.operate.listing import list_shard, lot_named
from clusterless.operate.recorded import read_ledger
from clusterless.operate.things import Thing
from clusterless.runtime.cron import ticks_of
from clusterless.runtime.horizon import read_horizon
from clusterless.runtime.intake import waiting_in
from clusterless.runtime.start import read_start
from clusterless.runtime.switches import read_switches
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, picture

_NEAR = 16  # lots apart: what lies between costs less to pass over than another request does

_MANY = 4096  # lots: to list fewer, a store that is near had better look at each than over a whole folder

Names = Mapping[Lot, tuple[str, ...]]
"""What is listed of each lot."""


def names_of(listed: Mapping[str, tuple[str, ...]]) -> Names:
    return {lot_named(text): names for text, names in listed.items()}


def listed(store: ObjectStore, path: str, lots: LotRange) -> Names:
    """What is listed of each of the *lots* below *path* that something is listed of."""
    return names_of(list_shard(store, path, lots))


def _stretches(store: ObjectStore, lots: Sequence[Lot]) -> Iterator[LotRange]:
    if is_near(store) and len(lots) < _MANY:
        return (LotRange(lot, lot) for lot in lots)
    return stretches(lots, _NEAR)


_Key = tuple[str, object]
"""What is told apart by where its state is, and by its keys there."""


@define(eq=False)
class Facts:
    """What is asked of stores besides what is listed."""

    landscape: Landscape
    _arcs: dict[_Key, Worked] = field(factory=dict)
    _boundaries: dict[_Key, Booked] = field(factory=dict)
    _horizons: dict[Thing, Horizon] = field(factory=dict)
    _switches: dict[_Key, Switches] = field(factory=dict)

    def horizon(self, thing: Thing) -> Horizon:
        if thing not in self._horizons:
            view = thing.view
            self._horizons[thing] = read_horizon(view.manifests.store, view.dataset) if view else Horizon()
        return self._horizons[thing]

    def arc(self, arc: ArcView) -> Worked:
        """What is the same for all of an arc's lots."""
        key = arc.state.root, arc.keys
        if key not in self._arcs:
            self._arcs[key] = Worked(
                element=arc.name,
                arc=arc.arc,
                starts=_starts(arc),
                outputs=f"{arc.project.name}/{arc.project.version}/{arc.arc.name}/",
            )
        return self._arcs[key]

    def booked(self, boundary: BoundaryView) -> Booked:
        key = boundary.state.root, boundary.keys
        if key not in self._boundaries:
            self._boundaries[key] = _booked(self.landscape, boundary)
        return self._boundaries[key]

    def disabled(self, view: ArcView | BoundaryView, lot: Lot, *, is_begun: bool = False) -> str:
        """By whom its maker is switched off, or *lot* was left out; nothing where it is to be made.

        Arrivals are booked whatever was chosen when their boundary was switched on again.
        """
        key = view.state.root, view.project
        if key not in self._switches:
            self._switches[key] = read_switches(view.state, view.project)
        switches = self._switches[key]
        name = view.arc.name if isinstance(view, ArcView) else view.boundary.name
        if off := switches.off(name):
            return f"switched off by {off.by} at {dated(off.at)}" + (f": {off.reason}" if off.reason else "")
        is_always_booked = isinstance(view, BoundaryView) and view.boundary.booking.schedule is None
        if not is_begun and not is_always_booked and (on := switches.skips(name, lot)):
            return f"left out when {on.by} switched it on again at {dated(on.at)}"
        return ""

    def listed(self, store: ObjectStore, path: str, lots: Sequence[Lot]) -> dict[Lot, tuple[str, ...]]:
        """What is listed of some *lots*: of each alone, where they are far apart."""
        calls = (partial(listed, store, path, each) for each in _stretches(store, lots))
        listings = ahead(calls, at_a_time(store))
        return {lot: names for listing in listings for lot, names in listing.items()}

    def ledgers(self, arc: ArcView, lots: Sequence[Lot], names: Names | None) -> Mapping[Lot, Ledger | str]:
        """What the ledgers of *lots* say, or why they cannot be read; lots that nobody claimed are left out."""
        if not lots:
            return {}
        if names is None:
            names = self.listed(arc.state, arc.keys.path, lots)
        begun = (lot for lot in lots if picture(names.get(lot, ())).last)
        return dict(asked(lambda lot: _told(arc.ledger(lot), names[lot]), begun, at_a_time(arc.state)))


def _told(ledger: LotLedger, names: Iterable[str]) -> Ledger | str:
    """What the last entry says, given the *names* in the lot's folder; or, where it cannot be read, the problem."""
    try:
        return read_ledger(ledger, picture(names))
    except (MalformedError, ObjectMissingError) as error:
        return error.problem


def _starts(arc: ArcView) -> Mapping[str, Lot | None] | None:
    try:
        return read_start(arc.state, arc.keys)
    except ObjectMissingError:
        return None


def _booked(landscape: Landscape, boundary: BoundaryView) -> Booked:
    booking = boundary.boundary.booking
    seen = Booked(
        element=boundary.name, booking=booking, ticks=ticks_of(booking.schedule) if booking.schedule else None
    )
    try:
        number = boundary.seals.end()
        if not number:
            return evolve(seen, known=_is_known(landscape, boundary))
        first, last = boundary.seals.read(1), boundary.seals.read(number)
    except MalformedError as error:
        return evolve(seen, unreadable=error.problem)
    except ObjectMissingError as error:
        return evolve(seen, unreadable=f"{error.problem}: it is gone")
    if last.through and last.through.unit is not booking.unit:
        text = f"it has sealed lots such as {last.through}, and its lotUnit is another now"
        return evolve(seen, unreadable=f"{text}: change it back, or give its dataset another version")
    began = min((sealed.lot for sealed in first.lots), default=first.through.next if first.through else None)
    open_ = () if boundary.seals.is_marked(number) else (sealed.lot for sealed in last.lots)
    waiting = frozenset(batch.lot for batch in waiting_in(boundary.state, boundary.keys, booking.unit))
    return evolve(seen, first=began, through=last.through, unannounced=frozenset(open_), waiting=waiting)


def _is_known(landscape: Landscape, boundary: BoundaryView) -> bool:
    """Whether the boundary's project was ever recorded: it may have run without anything arriving."""
    key = layout.project_meta(boundary.project)
    for placed in landscape.surveyed.placed:
        if (placed.part.project, placed.part.deployable.placement) == (boundary.project, boundary.placement):
            store = landscape.plugins.open_store(placed.roots[boundary.placement].metadata)
            return key in store.list_keys(key)
    return False
