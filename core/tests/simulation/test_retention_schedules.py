"""Retention under random schedules: nothing goes that somebody is owed; each rule, taken out, breaks a law."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product

import pytest

from clusterless.model.horizon import Horizon
from clusterless.runtime import horizon, removal, retention
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.consumption import Consumption
from clusterless.store.api import ObjectInfo
from clusterless.testing.simulation.laws import BrokenLawError
from clusterless.testing.simulation.retirement import RetiringPlay
from clusterless.testing.simulation.stores import Faults

pytestmark = pytest.mark.slow
SCHEDULES = int(os.environ.get("CLS_SCHEDULES", "40")) // 2
SEEDS = 20  # tried before a rule is called useless
RATES = ((0.005, 0.005), (0.002, 0.02))  # of kills and of stalls: some rules are missed by these, some by those

Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_every_law_of_retention_holds_under_a_random_schedule(seed: int) -> None:
    """Kills, stalls of minutes and skewed clocks, while two processes remove what is old."""
    RetiringPlay(seed).run()


def nobody_asks_subscribers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Consumption, "holds", lambda *_, **__: "")


def subscribers_are_asked_only_before_the_horizon_is_moved(patch: pytest.MonkeyPatch) -> None:
    original = Consumption.holds

    def holds(self: Consumption, *args: object, given_up: bool = False) -> str:
        return "" if given_up else original(self, *args)  # type: ignore[arg-type]

    patch.setattr(Consumption, "holds", holds)


def what_is_old_is_removed_before_the_horizon_is_moved(patch: pytest.MonkeyPatch) -> None:
    def run(self: retention._Run) -> retention.Expired:
        store = self.manifests.store
        now = retention.time_of(store, self.dataset)
        known = retention.read_horizon(store, self.dataset)
        upto = self._move_to(known, retention.expired_by(self.retained.age, now))
        removing = self._remove(Horizon(marks={upto: now - retention.WAIT}), now) if upto else self._remove(known, now)
        self._move(known, retention.expired_by(self.retained.age, now))
        return retention.Expired(lots=removing.lots)

    patch.setattr(retention._Run, "run", run)


def claims_are_made_before_the_horizon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RunningArc, "is_behind", lambda *_: False)


def the_horizon_is_looked_at_once_and_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(horizon, "MEMORY", timedelta(days=1))


def a_larger_lot_is_cut_in_two(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Consumption, "whole", lambda _self, _dataset, lot: lot)


def manifests_go_before_objects(patch: pytest.MonkeyPatch) -> None:
    original = removal.Removal._old

    def old(self: removal.Removal, going: removal._Going, theirs: set[str]) -> Iterator[ObjectInfo]:
        for each in going.found:
            self._manifest(each)
        yield from original(self, going, theirs)

    patch.setattr(removal.Removal, "_old", old)


# That removal waits, and that a claim which took long to write is let go of, are missed too seldom by chance:
# `core/tests/runtime/test_retention.py` shows to the second that they do.
RULES: tuple[Patch, ...] = (
    nobody_asks_subscribers,
    subscribers_are_asked_only_before_the_horizon_is_moved,
    what_is_old_is_removed_before_the_horizon_is_moved,
    claims_are_made_before_the_horizon,
    the_horizon_is_looked_at_once_and_for_all,
    a_larger_lot_is_cut_in_two,
    manifests_go_before_objects,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_without_a_rule_of_retention_a_law_breaks(rule: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some schedule of a few finds it, and breaks none with the rule."""
    rule(monkeypatch)
    for seed, (kill, stall) in product(range(SEEDS), RATES):
        try:
            RetiringPlay(seed, Faults(kill=kill, stall=stall)).run()
        except (BrokenLawError, AssertionError):
            monkeypatch.undo()
            RetiringPlay(seed, Faults(kill=kill, stall=stall)).run()
            return
    pytest.fail(f"{SEEDS} schedules did not miss the rule")
