"""Rules of the protocol, each taken out of the shipped code in a process, which must then be found out."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from attrs import Factory, evolve, frozen

from hardship.fates import Fate

VARIABLE = "CLS_TEST_WITHOUT"
"""The name of the rule that a process is to do without."""


@frozen
class Rule:
    """A rule, how to *take* it *out*, and what befalls those who need it, in which scenario."""

    take_out: Callable[[], None]
    scenario: str
    fate: Fate = Factory(Fate)

    @property
    def name(self) -> str:
        return self.take_out.__name__


def mutate() -> None:
    """Take out the rule that this process is told to do without, if any."""
    if name := os.environ.get(VARIABLE):
        NAMED[name].take_out()


def _change(what: object, **others: object) -> None:
    """Let the names of a module or class mean something else from now on."""
    for name, other in others.items():
        setattr(what, name, other)


def _decides(kind: type, instead: Callable[[Any, Any], object]) -> None:
    """Where the rules say *kind*, do something else."""
    from clusterless.engine import lot_states
    from clusterless.runtime import delivery

    original = lot_states.decide

    def decide(arc: Any, state: Any, pins: Any, now: Any) -> Any:
        decision = original(arc, state, pins, now)
        return instead(decision, state) if isinstance(decision, kind) else decision

    _change(delivery, decide=decide)


def one_creator_wins() -> None:
    from clusterless.store.files import FileStore

    _change(FileStore, create=FileStore.put)


def the_last_seal_is_finished_first() -> None:
    from clusterless.store.ledger import SealLedger

    _change(SealLedger, is_marked=lambda *_: True)


def doubles_among_batches_are_dropped() -> None:
    from clusterless.runtime import seal

    _change(seal, without_doubles=lambda fresh, _: list(fresh))


def seals_are_searched_for_doubles() -> None:
    from clusterless.runtime import intake, seal

    for module in (seal, intake):
        _change(module, sealed_since=lambda *_: set())


def what_is_committed_is_finished() -> None:
    from clusterless.engine.lot_states import Acknowledge, Finish

    _decides(Finish, lambda *_: Acknowledge("left"))


def claims_expire() -> None:
    from clusterless.engine.lot_states import ClaimNext, Defer
    from clusterless.model.ledger import Claim

    _decides(ClaimNext, lambda decision, state: Defer(60, "claimed") if isinstance(state.last, Claim) else decision)


def who_lost_the_slot_appends_nothing() -> None:
    from clusterless.runtime.delivery import _Delivery

    def append(self: Any, entry: Any) -> bool:
        while not self.ledger.append(self.number + 1, entry):
            self.number += 1
        self.number += 1
        return True

    _change(_Delivery, _append=append)


def the_marker_comes_last() -> None:
    from clusterless.runtime import delivery, finish

    original = finish.finish

    def finished(arc: Any, ledger: Any, number: int, entry: Any) -> None:
        ledger.mark(number, entry.state)
        original(arc, ledger, number, entry)

    _change(delivery, finish=finished)


def what_is_owed_is_looked_for() -> None:
    from clusterless.runner import survey

    _change(survey, unsettled=lambda _: iter(()))


def lost_answers_are_settled() -> None:
    from clusterless.store import retrying

    _change(retrying, _holds=lambda *_: False)


def a_sweep_spares_what_is_named() -> None:
    from clusterless.runtime import sweep

    original = sweep._read

    def read(*arguments: Any) -> Any:
        found = original(*arguments)
        return found and evolve(found, named=frozenset(), staged=frozenset())

    _change(sweep, _read=read)


def a_rollback_raises_the_revision() -> None:
    from clusterless.engine.lot_states import RollBack
    from clusterless.model.ledger import Complete

    def instead(decision: Any, state: Any) -> Any:
        return RollBack(state.last.revision, decision.reason) if isinstance(state.last, Complete) else decision

    _decides(RollBack, instead)


def newer_sources_are_looked_for() -> None:
    from clusterless.engine.lot_states import Acknowledge, RollBack

    _decides(RollBack, lambda *_: Acknowledge("stale"))


_SEAL = r"create .*/seals/"
_DONE = r"put .*/seals/.*\.done"
_CLAIM = r"create .*/arc=work/lot=.*/000001\.json"
_OUTCOME = r"create .*/arc=work/lot=.*/000002\.json"
_MARKER = r"create .*/arc=work/lot=.*\.arc"
_BATCH = r"create .*/intake/"
_MANIFEST = r"create .*/name=out/.*manifest\.json"

RULES = (
    Rule(one_creator_wins, "python", Fate(at=1, like=_CLAIM, what="stopped")),
    Rule(the_last_seal_is_finished_first, "copy", Fate(at=1, like=_SEAL, before=False)),
    Rule(doubles_among_batches_are_dropped, "copy", Fate(at=1, like=_BATCH, before=False)),
    Rule(seals_are_searched_for_doubles, "copy", Fate(at=1, like=_DONE, before=False)),
    Rule(what_is_committed_is_finished, "copy", Fate(at=1, like=_OUTCOME, before=False)),
    Rule(claims_expire, "copy", Fate(at=1, like=_CLAIM, before=False)),
    Rule(who_lost_the_slot_appends_nothing, "copy", Fate(at=1, like=_OUTCOME, what="stopped")),
    Rule(the_marker_comes_last, "copy", Fate(at=1, like=_MARKER, before=False)),
    Rule(what_is_owed_is_looked_for, "rollback"),  # which is announced to nobody
    Rule(lost_answers_are_settled, "copy", Fate(at=1, like=_MANIFEST, before=False, what="lost")),
    Rule(a_sweep_spares_what_is_named, "sweep"),
    Rule(a_rollback_raises_the_revision, "late"),
    Rule(newer_sources_are_looked_for, "late"),
)

NAMED = {rule.name: rule for rule in RULES}
