"""Each rule of the protocol, taken out on purpose, breaks a law: none is there for nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from clusterless.engine import arrivals as engine_arrivals
from clusterless.engine import lot_states
from clusterless.engine.lot_states import Acknowledge, ClaimNext, Defer, Finish, RollBack
from clusterless.engine.sources import Readiness
from clusterless.model.dataset import Tenure
from clusterless.model.ledger import Claim, Complete, Pin
from clusterless.model.lot import Lot
from clusterless.provider import Arrived
from clusterless.runtime import attempt, delivery, finish, intake, ownership, seal, sweep
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.ownership import Ownership
from clusterless.store import ledger, manifests
from clusterless.store.manifests import Found
from clusterless.testing.simulation import play
from clusterless.testing.simulation.laws import BrokenLawError, WatchedStore
from clusterless.testing.simulation.play import Play
from clusterless.testing.simulation.queues import NoticeSource
from clusterless.testing.simulation.stores import Faults

pytestmark = pytest.mark.slow
SEEDS = 40  # tried before a rule is called useless

Patch = Callable[[pytest.MonkeyPatch], None]


def create_overwrites(patch: pytest.MonkeyPatch) -> None:
    """Assumption 1: of those who create one key, one wins."""

    def create(self: WatchedStore, key: str, body: object) -> None:
        content = body if isinstance(body, bytes) else body.read()  # type: ignore[attr-defined]
        self.store.put(key, content)
        self._written(key, content)

    patch.setattr(WatchedStore, "create", create)


def notices_are_acknowledged_first(patch: pytest.MonkeyPatch) -> None:
    original = NoticeSource.receive

    def receive(self: NoticeSource, wait: float, since: datetime | None) -> Arrived:
        arrived = original(self, wait, since)
        arrived.acknowledge()
        return arrived

    patch.setattr(NoticeSource, "receive", receive)


def the_last_seal_is_not_finished(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger.SealLedger, "is_marked", lambda *_: True)


def doubles_among_batches_stay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(seal, "without_doubles", lambda fresh, _: list(fresh))


def seals_are_not_searched_for_doubles(patch: pytest.MonkeyPatch) -> None:
    for module in (seal, intake):
        patch.setattr(module, "sealed_since", lambda *_: set())


def late_arrivals_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    original = engine_arrivals.plan_seal

    def plan(booking: object, waiting: object, through: object, now: object, **options: object) -> object:
        timely = [each for each in waiting if through is None or each.lot > through]  # type: ignore[attr-defined]
        return original(booking, timely, through, now, **options)  # type: ignore[arg-type]

    patch.setattr(seal, "plan_seal", plan)


def decides(patch: pytest.MonkeyPatch, kind: type, instead: Callable[..., object]) -> None:
    """Where the rules say *kind*, do something else."""
    original = lot_states.decide

    def decide(arc: object, state: object, pins: object, now: object) -> object:
        decision = original(arc, state, pins, now)  # type: ignore[arg-type]
        return instead(decision, state) if isinstance(decision, kind) else decision

    patch.setattr(delivery, "decide", decide)


def a_committed_lot_is_not_finished(patch: pytest.MonkeyPatch) -> None:
    decides(patch, Finish, lambda *_: Acknowledge("left"))


def a_complete_lot_is_claimed_again(patch: pytest.MonkeyPatch) -> None:
    def instead(decision: Acknowledge, state: lot_states.Ledger) -> object:
        return ClaimNext(state.last.revision, 1) if isinstance(state.last, Complete) else decision

    decides(patch, Acknowledge, instead)


def a_claim_never_expires(patch: pytest.MonkeyPatch) -> None:
    def instead(decision: ClaimNext, state: lot_states.Ledger) -> object:
        return Defer(60, "claimed") if isinstance(state.last, Claim) else decision

    decides(patch, ClaimNext, instead)


def a_rollback_keeps_the_revision(patch: pytest.MonkeyPatch) -> None:
    def instead(decision: RollBack, state: lot_states.Ledger) -> object:
        return RollBack(state.last.revision, decision.reason) if isinstance(state.last, Complete) else decision

    decides(patch, RollBack, instead)


def newer_sources_are_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    decides(patch, RollBack, lambda *_: Acknowledge("stale"))


def a_loser_appends_all_the_same(patch: pytest.MonkeyPatch) -> None:
    def append(self: delivery._Delivery, entry: object) -> bool:
        while not self.ledger.append(self.number + 1, entry):  # type: ignore[arg-type]
            self.number += 1
        self.number += 1
        return True

    patch.setattr(delivery._Delivery, "_append", append)


def the_marker_comes_first(patch: pytest.MonkeyPatch) -> None:
    original = finish.finish

    def finished(arc: object, lots: ledger.LotLedger, number: int, entry: Complete) -> None:
        lots.mark(number, entry.state)
        original(arc, lots, number, entry)  # type: ignore[arg-type]

    patch.setattr(delivery, "finish", finished)


def events_come_before_manifests(patch: pytest.MonkeyPatch) -> None:
    def finished(arc: object, lots: ledger.LotLedger, number: int, entry: object) -> None:
        if isinstance(entry, Complete):
            for role in entry.sinks:
                sink = arc.arc.sinks[role]  # type: ignore[attr-defined]
                key = manifests.layout.manifest(sink, lots.lot, entry.sinks[role].state, entry.revision)
                finish._announce(arc, sink, lots, entry, f"memory:///{key}")  # type: ignore[arg-type]
        finish.finish(arc, lots, number, entry)  # type: ignore[arg-type]

    patch.setattr(delivery, "finish", finished)


def lost_answers_are_not_settled(patch: pytest.MonkeyPatch) -> None:
    from clusterless.errors import ObjectExistsError

    def create_once(store: object, key: str, body: object) -> bool:
        try:
            store.create(key, body)  # type: ignore[attr-defined]
        except ObjectExistsError:
            return False
        return True

    patch.setattr(manifests, "create_once", create_once)


def nobody_reconciles(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(play, "unsettled", lambda _: iter(()))


def readers_take_the_first_revision(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(manifests, "_newest", lambda found: min(found, key=lambda each: each.revision, default=None))


def a_sweep_takes_what_is_named(patch: pytest.MonkeyPatch) -> None:
    original = sweep._read

    def read(*args: object) -> object:
        found = original(*args)  # type: ignore[arg-type]
        return found and evolve(found, named=frozenset(), staged=frozenset())

    patch.setattr(sweep, "_read", read)


def former_owners_go_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ownership, "tenure", lambda *_: Tenure())


def owners_do_not_look_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ownership, "_MEMORY", timedelta(days=1))
    known: dict[str, Tenure] = {"1": Tenure()}  # as the first owner knew it before the hand-over
    original = Ownership._read
    patch.setattr(Ownership, "_read", lambda self, of: known.get(self.project.version) or original(self, of))


def events_lead_to_no_larger_lot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delivery, "lot_of", lambda _, lot: lot)


def a_larger_lot_waits_for_nothing(patch: pytest.MonkeyPatch) -> None:
    original = delivery.readiness
    patch.setattr(
        delivery, "readiness", lambda arc, *more: Readiness(ready=True) if arc.lot_unit else original(arc, *more)
    )


def a_larger_lot_need_not_be_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delivery, "waits_since", lambda _arc, _lot, first: first)


def parts_that_come_late_are_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    original = lot_states.changed

    def changed(pinned: Mapping[str, Pin], revisions: Mapping[str, int]) -> list[str]:
        return [part for part in original(pinned, revisions) if part in pinned or "/" not in part]

    patch.setattr(lot_states, "changed", changed)


def parts_are_not_read_to_the_last(patch: pytest.MonkeyPatch) -> None:
    original = attempt.read_together
    patch.setattr(attempt, "read_together", lambda store, lot, parts: original(store, lot, parts[:-1]))


def some_parts_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    original = RunningArc.find_sources

    def find_sources(self: RunningArc, lot: Lot) -> dict[str, Found]:
        found = original(self, lot)
        return {part: each for part, each in found.items() if part.endswith("4") or not self.arc.lot_unit}

    patch.setattr(RunningArc, "find_sources", find_sources)


RULES: tuple[Patch, ...] = (
    create_overwrites,
    notices_are_acknowledged_first,
    the_last_seal_is_not_finished,
    doubles_among_batches_stay,
    seals_are_not_searched_for_doubles,
    late_arrivals_are_passed_over,
    a_committed_lot_is_not_finished,
    a_complete_lot_is_claimed_again,
    a_claim_never_expires,
    a_rollback_keeps_the_revision,
    newer_sources_are_not_looked_for,
    a_loser_appends_all_the_same,
    the_marker_comes_first,
    events_come_before_manifests,
    lost_answers_are_not_settled,
    nobody_reconciles,
    readers_take_the_first_revision,
    a_sweep_takes_what_is_named,
    former_owners_go_on,
    owners_do_not_look_again,
    events_lead_to_no_larger_lot,
    a_larger_lot_waits_for_nothing,
    a_larger_lot_need_not_be_over,
    parts_that_come_late_are_not_looked_for,
    parts_are_not_read_to_the_last,
    some_parts_are_passed_over,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_without_the_rule_a_law_breaks(rule: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some schedule of a few finds it, and breaks none with the rule."""
    rule(monkeypatch)
    for seed in range(SEEDS):
        try:
            Play(seed, Faults(kill=0.01)).run()
        except (BrokenLawError, AssertionError):
            monkeypatch.undo()
            Play(seed, Faults(kill=0.01)).run()
            return
    pytest.fail(f"{SEEDS} schedules did not miss the rule")
