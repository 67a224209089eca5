"""What is turned off while it runs, or is deployed: a ledger a project, read again at most once a minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import define, field, frozen

from clusterless import layout
from clusterless.engine.switches import Off, Switches
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.model.switch import Stretch, Switched
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LongLedger

MEMORY = timedelta(minutes=1)  # the longest that anybody goes without looking again


def switch_ledger(state: ObjectStore, project: Project) -> LongLedger[Switched]:
    """The ledger of the project's switches, in its arc-state store."""
    keys = layout.SwitchKeys(project)
    return LongLedger(state, Switched, keys.path, keys.hint)


def read_switches(state: ObjectStore, project: Project, known: Switches = Switches()) -> Switches:  # noqa: B008  a value
    """As they are now: a list, or a look at what would come next, and a read for each entry that is not *known*.

    Raises:
        MalformedError: an entry cannot be read.
    """
    ledger = switch_ledger(state, project)
    there = len(known.entries)
    end = ledger.end(there)
    return Switches((*known.entries, *map(ledger.read, range(there + 1, end + 1)))) if end > there else known


def off_ranges(state: ObjectStore, project: Project, element: str) -> tuple[Off, ...]:
    """When *element* of the project was off; the *until* of one that lasts is None."""
    return read_switches(state, project).off_ranges(element)


def turn(state: ObjectStore, project: Project, known: Switches, entry: Switched) -> bool:
    """Append *entry*, decided by what was *known*; False where somebody switched meanwhile: look again."""
    ledger, number = switch_ledger(state, project), len(known.entries) + 1
    won = ledger.append(number, entry)
    if won:
        ledger.hint_at(number)
    return won


@define(eq=False)
class KnownSwitches:
    """A project's switches as one process knows them: at most a minute old, as the process measures it."""

    state: ObjectStore
    project: Project
    _known: tuple[datetime, Switches] | None = field(default=None, init=False)

    def __call__(self) -> Switches:
        known = self._known  # as one: another thread may look again meanwhile
        while known is None or not self._is_fresh(known[0]):
            # The time is of before it was asked: the answer may be as old, and is not believed if it took long.
            asked = self.state.now()
            known = asked, read_switches(self.state, self.project, known[1] if known else Switches())
            self._known = known
        return known[1]

    def _is_fresh(self, asked: datetime) -> bool:
        return timedelta() <= self.state.now() - asked < MEMORY


@frozen
class Switch:
    """That of one *element*; without anything *known* it is on."""

    element: str = ""
    known: Callable[[], Switches] = Switches

    def off(self) -> Switched | None:
        """The entry by which it is off."""
        return self.known().off(self.element)

    def skips(self, lot: Lot) -> Stretch | None:
        """What was left out, *lot* with it, when it was turned on again: not owed until somebody asks for it."""
        skipping = self.known().skips(self.element, lot)
        return skipping.skipped if skipping else None


ON = Switch()
"""That of what nobody turns off."""
