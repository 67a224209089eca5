"""Claims that are held are renewed; and the clock that only this package reads."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clusterless.model.ledger import Claim
from clusterless.provider import Work, WorkResult
from clusterless.runtime.clock import SystemClock, identity, is_gone, random_id
from clusterless.runtime.delivery import deliver
from clusterless.runtime.renewal import Renewals
from clusterless.testing.faults import Moment, ScriptedStore

LEASE = 300.0


@pytest.fixture
def claim(bench: Any) -> Claim:
    now = bench.clock.now()
    return Claim(put_id="x", at=now, by="me", attempt="0-1-a", revision=0, sources={}, expires=now)


def test_a_claim_is_renewed_by_its_whole_lease_every_third_of_it(bench: Any, claim: Claim) -> None:
    renewals, ledger = Renewals(), bench.ledger()
    with renewals.hold(ledger, claim, LEASE):
        for second in range(1, 301):
            bench.clock.advance(1)
            renewals.passed(1)
            renewed = ledger.renewed(claim.attempt)
            thirds = second // 100
            assert renewed == (claim.at + timedelta(seconds=100 * thirds + LEASE) if thirds else None)


def test_a_claim_that_is_let_go_is_renewed_no_more(bench: Any, claim: Claim) -> None:
    renewals, ledger = Renewals(), bench.ledger()
    with pytest.raises(KeyboardInterrupt), renewals.hold(ledger, claim, LEASE):
        raise KeyboardInterrupt
    renewals.passed(1000)
    assert ledger.renewed(claim.attempt) is None


@pytest.mark.parametrize("error", [OSError("a foreign one"), KeyError("x")])
def test_one_renewal_that_fails_keeps_no_other_from_being_made(bench: Any, claim: Claim, error: Exception) -> None:
    def fail(moment: Moment) -> None:
        raise error

    store, bench.state = bench.state, ScriptedStore(bench.state, fail)
    broken, bench.state = bench.ledger(), store
    renewals = Renewals()
    whole = bench.ledger(bench.lot.next)
    with renewals.hold(broken, claim, LEASE), renewals.hold(whole, claim, LEASE):
        renewals.passed(100)
    assert whole.renewed(claim.attempt) == bench.clock.now() + timedelta(seconds=LEASE)


def test_a_lot_that_takes_longer_than_its_lease_is_not_taken_by_another(bench: Any) -> None:
    bench.commit("memory:///data/in/a")
    renewals = Renewals()
    seen = []

    def long(work: Work) -> WorkResult:
        for _ in range(20):
            bench.clock.advance(60)
            renewals.passed(60)
            seen.append(deliver(bench.arc(by="other"), bench.lot).why)
        return bench.done(work)

    bench.worker.do = long
    assert deliver(bench.arc(hold=renewals.hold), bench.lot).outcome
    assert set(seen) == {"claimed by worker"}
    assert bench.kinds() == "claim complete"


# ---- the clock -------------------------------------------------------------------------------------------------


def test_the_clock_gives_aware_time_that_moves_on() -> None:
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.001)
    assert before.tzinfo is UTC
    assert before < clock.now() <= datetime.now(UTC)


def test_ids_are_sixteen_digits_that_nobody_else_has() -> None:
    made = {random_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in made)


def test_a_process_is_gone_once_it_has_ended() -> None:
    host = identity().rpartition(":")[0]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not is_gone(f"{host}:{process.pid}")
    assert is_gone(f"{host}:{process.pid}")
    assert not is_gone(identity())
    assert not is_gone(f"elsewhere:{process.pid}")
    assert not is_gone(f"{host}:{os.getppid()}")


@pytest.mark.parametrize("pid", ["", "x", "-1", "0", "9" * 30])
def test_who_cannot_be_known_is_not_said_to_be_gone(pid: str) -> None:
    assert not is_gone(f"{identity().rpartition(':')[0]}:{pid}")
