"""A lot is rolled back once for one reason, whoever is interrupted; and it can be asked for before a start."""

from __future__ import annotations

from typing import Any

from clusterless.model.ledger import ArcState, Complete, Missing
from clusterless.model.lot import Lot
from clusterless.provider import Work, WorkResult
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.delivery import deliver
from clusterless.runtime.replay import ask_for, roll_back_lot, roll_back_once


def any_state(_: ArcState) -> bool:
    return True


def fails(_: Work) -> WorkResult:
    msg = "broken"
    raise OSError(msg)


def test_what_was_completed_since_is_not_rolled_back_again_for_the_same_reason(bench: Any) -> None:
    bench.commit("memory:///data/in/a")
    arc: RunningArc = bench.arc()
    deliver(arc, bench.lot)
    assert roll_back_once(arc, bench.lot, "plan 1", any_state)
    assert not roll_back_once(arc, bench.lot, "plan 1", any_state), "it is rolled back already"
    deliver(arc, bench.lot)
    assert not roll_back_once(arc, bench.lot, "plan 1", any_state), "who was interrupted comes again"
    assert roll_back_once(arc, bench.lot, "plan 2", any_state)
    done = deliver(arc, bench.lot).outcome
    assert isinstance(done, Complete)
    assert done.revision == 2


def test_what_failed_is_rolled_back_again_and_only_what_is_wanted(bench: Any) -> None:
    bench.commit("memory:///data/in/a")
    bench.worker.do = fails
    arc = bench.arc()
    assert isinstance(deliver(arc, bench.lot).outcome, Missing)
    assert not roll_back_once(arc, bench.lot, "plan 1", lambda state: state is ArcState.COMPLETE)
    assert roll_back_once(arc, bench.lot, "plan 1", any_state)
    deliver(arc, bench.lot)
    assert roll_back_once(arc, bench.lot, "plan 1", any_state), "its attempts begin anew"


def test_a_lot_before_the_start_is_worked_where_it_is_asked_for(bench: Any) -> None:
    bench.commit("memory:///data/in/a")
    arc = bench.arc()
    arc.started = {"main": Lot.parse("20250101PT5M000")}
    assert deliver(arc, bench.lot).why == "before the arc's start"
    assert ask_for(arc, bench.lot, "plan 1")
    assert not ask_for(arc, bench.lot, "plan 1")
    outcome = deliver(arc, bench.lot).outcome
    assert isinstance(outcome, Complete)
    assert outcome.revision == 0
    assert deliver(arc, bench.lot).why == "before the arc's start", "it is not kept up to date"


def test_what_nobody_has_begun_is_not_rolled_back(bench: Any) -> None:
    assert not roll_back_once(bench.arc(), bench.lot, "plan 1", any_state)
    assert not roll_back_lot(bench.arc(), bench.lot, "plan 1")
