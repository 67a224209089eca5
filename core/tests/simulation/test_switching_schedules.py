"""Things are turned off and on under random schedules: nothing is begun, nothing lost; without a rule, something is."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from clusterless.runtime import seal, switches
from clusterless.runtime.delivery import _Delivery
from clusterless.runtime.switches import Switch
from clusterless.testing.simulation import switching
from clusterless.testing.simulation.laws import BrokenLawError
from clusterless.testing.simulation.stores import Faults
from clusterless.testing.simulation.switching import SwitchingPlay

pytestmark = pytest.mark.slow
SCHEDULES = int(os.environ.get("CLS_SCHEDULES", "40")) // 8
SEEDS = 8  # tried before a rule is called useless

Patch = Callable[[pytest.MonkeyPatch], None]


def test_every_law_of_switches_holds_under_random_schedules(count: Any) -> None:
    """Kills, stalls of minutes and skewed clocks, while two people turn things off and on; then all is back-filled."""
    skipped = turned = 0
    for seed in range(SCHEDULES):
        play = SwitchingPlay(seed)
        play.run()
        skipped += len(play.register.skipped)
        turned += play.register.counts["off"]
        count("schedules simulated", 1)
    assert skipped
    assert turned > SCHEDULES


def arcs_go_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Delivery, "_held", lambda _: "")


def boundaries_go_on(patch: pytest.MonkeyPatch) -> None:
    original = Switch.off
    names = {each.name for each in switching.BOUNDARIES}
    patch.setattr(Switch, "off", lambda self: None if self.element in names else original(self))


def it_is_looked_at_once_and_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(switches, "MEMORY", timedelta(days=1))


def what_is_left_out_is_worked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Switch, "skips", lambda *_: None)


def what_was_kept_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """While it is off, what lies in the intake is thrown away."""
    original = seal.seal_next

    def seal_next(boundary: object, **options: object) -> object:
        if boundary.switch.off():  # type: ignore[attr-defined]
            for batch in list(boundary.state.list(boundary.keys.intake)):  # type: ignore[attr-defined]
                boundary.state.delete(batch.key)  # type: ignore[attr-defined]
        return original(boundary, **options)  # type: ignore[arg-type]

    from clusterless.testing.simulation import play

    patch.setattr(play, "seal_next", seal_next)


def nobody_finds_again_what_was_owed(patch: pytest.MonkeyPatch) -> None:
    from clusterless.testing.simulation import play

    patch.setattr(play, "unsettled", lambda _: iter(()))


RULES: tuple[Patch, ...] = (
    arcs_go_on,
    boundaries_go_on,
    it_is_looked_at_once_and_for_all,
    what_is_left_out_is_worked,
    what_was_kept_is_forgotten,
    nobody_finds_again_what_was_owed,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_without_a_rule_of_switches_a_law_breaks(rule: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some schedule of a few finds it, and breaks none with the rule."""
    rule(monkeypatch)
    for seed in range(SEEDS):
        try:
            SwitchingPlay(seed, Faults(kill=0.002, stall=0.01)).run()
        except (BrokenLawError, AssertionError):
            monkeypatch.undo()
            SwitchingPlay(seed, Faults(kill=0.002, stall=0.01)).run()
            return
    pytest.fail(f"{SEEDS} schedules did not miss the rule")
