"""What is worked by a plan gives way while others work recent lots of the same arc."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clusterless.engine.plan import Covered
from clusterless.engine.ranges import LotRange
from clusterless.model.arc import Arc
from clusterless.model.dataset import SourceDataset
from clusterless.model.ledger import Claim
from clusterless.model.lot import Lot
from clusterless.model.project import Project
from clusterless.operate.plans import live
from clusterless.operate.plans.live import LiveLots
from clusterless.runtime.arc import RunningArc, Writer
from clusterless.store.manifests import Manifests
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import SettableClock

NOW = Lot.parse("20240131PT5M100")


@pytest.fixture
def arc(settable_clock: SettableClock, memory_store: MemoryStore, tmp_path: Path) -> RunningArc:
    settable_clock.set(NOW.end)
    sources = {"main": SourceDataset(name="in", version="1")}
    return RunningArc(
        project=Project(name="p", version="1"),
        arc=Arc(type="test:core:arc", name="a", sources=sources),
        state=memory_store,
        manifests=Manifests(memory_store),
        sources={},
        workload=None,  # type: ignore[arg-type]  # nothing is worked
        publish=lambda _: None,
        writer=Writer(by="me", new_id=lambda: "0"),
        outputs=tmp_path,
    )


def claim(arc: RunningArc, lot: Lot, by: str = "other", **more: Any) -> None:
    expires = more.pop("expires", arc.now() + timedelta(minutes=5))
    entry = Claim(put_id="1", at=arc.now(), by=by, attempt="0-1-1", revision=0, sources={}, expires=expires)
    assert arc.ledger(lot).append(1, entry)


def are_worked(arc: RunningArc, *planned: LotRange) -> bool:
    return LiveLots(arc, Covered(planned)).are_worked()


def test_another_at_a_recent_lot_is_given_way_to(arc: RunningArc) -> None:
    assert not are_worked(arc), "nothing was ever worked"
    claim(arc, NOW)
    assert are_worked(arc)
    assert not are_worked(arc, LotRange(NOW, NOW)), (
        "it is planned: whoever has it works the same plan, or is left alone"
    )


def test_what_is_ours_or_over_or_old_is_no_reason(arc: RunningArc) -> None:
    claim(arc, NOW, by="me")
    claim(arc, NOW.previous, expires=arc.now())
    claim(arc, Lot.parse("20240129PT5M100"))
    assert not are_worked(arc)


def test_a_look_is_believed_for_some_seconds(arc: RunningArc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_GLANCE", 3600.0)
    lots = LiveLots(arc, Covered())
    lots._looked = -3600.0
    assert not lots.are_worked()
    claim(arc, NOW)
    assert not lots.are_worked()
