"""What an element that is off has been kept from: what it owes, and nobody has begun."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from attrs import frozen

from clusterless import layout
from clusterless.engine.ranges import LotRange, ordinal
from clusterless.engine.switches import Switches
from clusterless.model.activity import Activity, CatchUp
from clusterless.model.lot import Lot
from clusterless.model.notifier import Notifier
from clusterless.model.project import Deployable
from clusterless.model.switch import Stretch
from clusterless.operate.candidates import Candidates
from clusterless.operate.landscape import ArcView, BoundaryView, Landscape
from clusterless.operate.owed import Owing
from clusterless.runtime.clock import random_id
from clusterless.runtime.cron import ticks_of
from clusterless.runtime.intake import waiting_in
from clusterless.runtime.letters import LetterBox
from clusterless.runtime.switches import read_switches
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import turns_of

_AHEAD = timedelta(days=1)  # by `--seal-open`, lots that have not ended may be there


@frozen(kw_only=True)
class Held:
    """What *element*, a *kind* of thing, is to do once it is on: lots, in order, or so many *letters*.

    *always*: arrivals, which are booked whatever is chosen. *before*: how many more lots were left out when something
    was turned on before.
    """

    element: str
    kind: str
    lots: tuple[LotRange, ...] = ()
    letters: int = 0
    always: bool = False
    before: int = 0

    @property
    def owed(self) -> int:
        return sum(map(len, self.lots)) + self.letters

    @property
    def first(self) -> Lot | None:
        return self.lots[0].first if self.lots else None

    @property
    def last(self) -> Lot | None:
        return self.lots[-1].last if self.lots else None

    def left_out(self, skipped: Stretch | None) -> int:
        """How many of the lots are not to be worked."""
        if skipped is None or self.always:
            return 0
        last = [Lot.containing(skipped.until, each.first.unit).previous for each in self.lots]
        return sum(
            min(ordinal(end), ordinal(each.last)) - ordinal(each.first) + 1
            for each, end in zip(self.lots, last, strict=True)
            if end >= each.first
        )


def first_owed(held: Iterable[Held]) -> Lot | None:
    """The lot that begins first."""
    return min((each.first for each in held if each.first), key=lambda lot: lot.start, default=None)


def held(
    landscape: Landscape, deployable: Deployable, names: Sequence[str], state: ObjectStore, now: datetime
) -> Iterator[Held]:
    """What each of the elements *names* of a project is kept from, as far as it is there."""
    place = (deployable.project, deployable.placement)
    for boundary in landscape.boundaries:
        if (boundary.project, boundary.placement) == place and boundary.boundary.name in names:
            yield _of_boundary(boundary, now)
    for arc in landscape.arcs:
        if (arc.project, arc.placement) == place and arc.arc.name in names:
            yield _of_arc(landscape, arc, now)
    for activity in deployable.activities:
        if activity.name in names and not activity.exclude:
            yield _of_activity(state, deployable, activity, now)
    for notifier in deployable.notifiers:
        if notifier.name in names and not notifier.exclude:
            yield _of_notifier(state, deployable, notifier)


def _of_arc(landscape: Landscape, view: ArcView, now: datetime) -> Held:
    candidates = Candidates(landscape, view)
    span = candidates.span(now + _AHEAD)
    owed, ever = Owing(landscape).of(view), Owing(landscape).of(view)
    owed.switches, ever.switches = _skipping(owed.switches), Switches(())
    standings = candidates.standings(span) if span else ()
    before = 0

    def lots() -> Iterator[Lot]:
        nonlocal before
        for each in standings:
            if each.state is None and not each.number and each.lot in ever:
                if each.lot in owed:
                    yield each.lot
                else:
                    before += 1

    found = collapsed(lots())
    return Held(element=view.arc.name, kind="arc", lots=found, before=before)


def _of_boundary(view: BoundaryView, now: datetime) -> Held:
    name, booking = view.boundary.name, view.boundary.booking
    if booking.schedule is None:
        lots = {batch.lot for batch in waiting_in(view.state, view.keys, booking.unit)}
        return Held(element=name, kind="boundary", lots=collapsed(sorted(lots)), always=True)
    switches = read_switches(view.state, view.project)
    end = view.seals.end()
    through = view.seals.read(end).through if end else None
    ticks = ticks_of(booking.schedule).after(through) if through else iter(())
    due = (tick.lot for tick in takewhile(lambda tick: tick.due <= now, ticks))
    return Held(element=name, kind="clock", lots=collapsed(lot for lot in due if not switches.skips(name, lot)))


def _of_activity(state: ObjectStore, deployable: Deployable, activity: Activity, now: datetime) -> Held:
    ledger = turns_of(state, layout.ActivityKeys(deployable.project, activity.name))
    end = ledger.end()
    due: list[Lot] = []
    if end and activity.catch_up is not CatchUp.NONE:
        after = ledger.read(end).lot
        ticks = ticks_of(activity.schedule)
        if activity.catch_up is CatchUp.ALL:
            due = [tick.lot for tick in takewhile(lambda tick: tick.due <= now, ticks.after(after))]
        elif (newest := ticks.newest(now)) and newest.lot > after:
            due = [newest.lot]
    return Held(element=activity.name, kind="activity", lots=collapsed(due))


def _of_notifier(state: ObjectStore, deployable: Deployable, notifier: Notifier) -> Held:
    box = LetterBox(state, layout.NotifierKeys(deployable.project, notifier.name), random_id)
    return Held(element=notifier.name, kind="notifier", letters=sum(1 for _ in box.pending()))


def _skipping(switches: Switches) -> Switches:
    """What they leave out, with everything on."""
    return Switches(tuple(entry for entry in switches.entries if entry.on))


def collapsed(lots: Iterable[Lot]) -> tuple[LotRange, ...]:
    """Lots of one unit, which come in order, as the fewest ranges: nothing is held of them but these."""
    found: list[LotRange] = []
    for lot in lots:
        if found and ordinal(lot) == ordinal(found[-1].last) + 1:
            found[-1] = LotRange(found[-1].first, lot)
        else:
            found.append(LotRange(lot, lot))
    return tuple(found)
