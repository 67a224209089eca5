"""What of a run is off: told when it is first seen, and when it is on again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic

from clusterless.codec.values import moment_text
from clusterless.errors import ClsError
from clusterless.model.switch import Switched as Entry
from clusterless.runner.happenings import Happening, Switched, Trouble
from clusterless.runner.patience import let_be
from clusterless.runtime.switches import Switch

_PATIENCE = 5.0  # seconds after trouble


class Switchboard:
    """The *switches* of all elements, by what people are told of them by; *changes* counts what was told."""

    def __init__(self, switches: Mapping[str, Switch], tell: Callable[[Happening], None]) -> None:
        self._switches = switches
        self._tell = tell
        self._off: dict[str, Entry] = {}
        self._next_look = 0.0
        self.changes = 0

    def look(self) -> bool:
        """Tell what has changed; whether something was turned on: what it is owed is to be looked for."""
        began = monotonic()
        if began < self._next_look:
            return False
        turned_on = False
        for element, switch in self._switches.items():
            try:
                off = switch.off()
            except ClsError as error:  # whoever works for the element says so too, and begins nothing
                self._next_look = let_be(began, _PATIENCE)
                self._tell(Trouble(element=element, error=error))
                break
            turned_on |= self._note(element, off)
        return turned_on

    def _note(self, element: str, off: Entry | None) -> bool:
        before = self._off.get(element)
        if (off is None) == (before is None):
            return False
        self.changes += 1
        if off:
            self._off[element] = off
            self._tell(Switched(element=element, on=False, by=off.by, since=moment_text(off.at), why=off.reason))
            return False
        del self._off[element]
        self._tell(Switched(element=element, on=True))
        return True
