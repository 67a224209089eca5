"""Whether a lot was consumed by all who are owed it, and nobody is at it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from attrs import define, field

from clusterless import layout
from clusterless.engine.retention import Neighbourhood, Party
from clusterless.engine.sources import may_change_after
from clusterless.errors import ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.horizon import Horizon
from clusterless.model.ledger import ArcState, Claim, Complete, Failed
from clusterless.model.lot import Lot, LotUnit
from clusterless.runtime.horizon import read_horizon
from clusterless.runtime.reconcile import pictures
from clusterless.runtime.start import read_start
from clusterless.store.api import ObjectStore
from clusterless.store.ledger import LotLedger, Picture
from clusterless.store.manifests import Manifests


@define(eq=False)
class Consumption:
    """Asks the ledgers of a placement's arcs; what they say holds from the next question on only."""

    around: Neighbourhood
    state: ObjectStore
    manifests: Manifests
    _unit: dict[str, LotUnit | None] = field(factory=dict, init=False)
    _horizons: dict[str, Horizon] = field(factory=dict, init=False)  # by dataset id

    def holds(self, dataset: Dataset, lot: Lot, revision: int, *, given_up: bool = False) -> str:
        """Who is owed the lot's *revision*, or is at the lot, so that it must stay; nothing where it may go.

        Once the lot is *given_up*, what was consumed before a replay was asked for stays consumed. Before that, nobody
        is waited for who can never work it, since other lots that it takes for that were given up.
        """
        for party in self.around.writers(dataset):
            if why := self._writing(party, lot, given_up=given_up):
                return why
        for party in self.around.readers(dataset):
            if why := self._reading(party, dataset, lot, revision, given_up=given_up):
                return why
        return ""

    def at_work(self, dataset: Dataset, lot: Lot) -> str:
        """Who has pinned the lot, or what lists the same objects, and is not at an end with it; nothing: nobody."""
        for party in self.around.readers(dataset):
            ledger = LotLedger(self.state, self._keys(party), self._lot_of(party, lot))
            seen = ledger.look()
            if seen.last and not seen.final and (why := _busy(party, ledger, seen, given_up=True)):
                return why
            for sink in self.around.passed_to(party, dataset):
                if why := self.at_work(sink, ledger.lot):
                    return why
        return ""

    def begun(self, dataset: Dataset, after: Lot | None) -> Iterator[Lot]:
        """The lots after *after* that some writer has begun, and not simply completed, in order of lot."""
        for party in self.around.writers(dataset):
            for seen in pictures(self.state, self._keys(party), after):
                if seen.picture.final is not ArcState.COMPLETE and seen.picture.last:
                    yield seen.lot

    def whole(self, dataset: Dataset, lot: Lot) -> Lot:
        """*lot*, or the first that goes into the same larger lot of a reader: that is worked again as a whole."""
        for party in self.around.readers(dataset):
            own = self._lot_of(party, lot)
            for sink in self.around.passed_to(party, dataset):
                own = self.whole(sink, own)
            if own.start < lot.start:
                lot = Lot.containing(own.start, lot.unit)
        return lot

    # ---- one party ----

    def _writing(self, party: Party, lot: Lot, *, given_up: bool) -> str:
        ledger = LotLedger(self.state, self._keys(party), lot)
        seen = ledger.look()
        if not seen.last or seen.final is ArcState.COMPLETE:
            return ""
        return _busy(party, ledger, seen, given_up=given_up or self._is_over(party, lot))

    def _reading(self, party: Party, dataset: Dataset, lot: Lot, revision: int, *, given_up: bool) -> str:
        ledger = LotLedger(self.state, self._keys(party), self._lot_of(party, lot))
        is_over = not given_up and self._is_over(party, ledger.lot)
        is_owed = not is_over and self._is_owed(party, dataset, ledger.lot)
        seen = ledger.look()
        if not seen.last:
            return f"{party} has not consumed lot {lot}" if is_owed else ""
        is_first = seen.final is ArcState.COMPLETE and revision == 0 and ledger.lot == lot
        if not is_first or may_change_after(party.arc):
            if why := _busy(party, ledger, seen, given_up=given_up or not is_owed):
                return why
            if is_owed and not _has_consumed(ledger, seen, dataset, lot, revision):
                return f"{party} has not consumed lot {lot} as it is now"
        return self._passed_on(party, dataset, ledger.lot, given_up=given_up)

    def _passed_on(self, party: Party, dataset: Dataset, lot: Lot, *, given_up: bool) -> str:
        """Who is owed what lists the same objects."""
        for sink in self.around.passed_to(party, dataset):
            found = self.manifests.newest(sink, lot)
            if found and (why := self.holds(sink, lot, found.revision, given_up=given_up)):
                return why
        return ""

    def _is_owed(self, party: Party, dataset: Dataset, lot: Lot) -> bool:
        if not any(source.subscribe for source in party.roles(dataset, self.around.placement)):
            return False
        starts = self._starts(party)
        if starts is None:
            return not party.arc.exclude  # it is about to begin, or never did
        return all(after is None or after.start < lot.start for after in starts.values())

    def _is_over(self, party: Party, lot: Lot) -> bool:
        """Whether the party will never claim its *lot*: some part of what it would pin is given up."""
        return any(self._horizon(source.plain).hides(lot) for source in party.sources(self.around.placement))

    def _horizon(self, dataset: Dataset) -> Horizon:
        if dataset.id not in self._horizons:
            self._horizons[dataset.id] = read_horizon(self.manifests.store, dataset)
        return self._horizons[dataset.id]

    def _starts(self, party: Party) -> dict[str, Lot | None] | None:
        try:
            return read_start(self.state, self._keys(party))
        except ObjectMissingError:
            return None

    def _started(self, party: Party) -> list[Lot]:
        return [lot for lot in (self._starts(party) or {}).values() if lot]

    def _keys(self, party: Party) -> layout.ArcKeys:
        return layout.ArcKeys(party.project, party.arc.name)

    def _lot_of(self, party: Party, lot: Lot) -> Lot:
        """The lot that *lot* goes into: its ledgers tell their unit, or else from when on it is owed lots."""
        keys = self._keys(party)
        if keys.path not in self._unit:
            known = (*(seen.lot for seen in islice(pictures(self.state, keys, None), 1)), *self._started(party))
            self._unit[keys.path] = next((each.unit for each in known), None)
        unit = self._unit[keys.path]
        return Lot.containing(lot.start, unit) if unit else lot


def _busy(party: Party, ledger: LotLedger, seen: Picture, *, given_up: bool) -> str:
    """Whether somebody is at the lot, or is to be."""
    last = ledger.read(seen.last)
    if isinstance(last, Claim):
        return f"{party} is working lot {ledger.lot}"
    if isinstance(last, Complete | Failed) and not ledger.is_marked(seen.last, last.state):
        return f"{party} has yet to announce lot {ledger.lot}"
    if not given_up and not isinstance(last, Complete):
        return f"{party} has lot {ledger.lot} to work again ({last.kind})"
    return ""


def _has_consumed(ledger: LotLedger, seen: Picture, dataset: Dataset, lot: Lot, revision: int) -> bool:
    for number in reversed(seen.numbers):
        entry = ledger.read(number)
        if isinstance(entry, Complete):
            pins = entry.sources.values()
            return any(pin.dataset.id == dataset.id and pin.lot == lot and pin.revision >= revision for pin in pins)
    return False
