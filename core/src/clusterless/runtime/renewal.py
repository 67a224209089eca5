"""Renewal: claims that are being worked are kept from expiring."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import monotonic

from attrs import define

from clusterless.model.ledger import Claim
from clusterless.store.ledger import LotLedger

_LOOK = 1.0  # seconds between looks at the claims that are held
_SHARE = 3  # a claim is renewed when a third of its lease has passed


@define(eq=False)
class _Held:
    ledger: LotLedger
    claim: Claim
    lease: float
    due: float  # seconds of waiting until the next renewal


class Renewals:
    """The claims that one process holds; a hint may fail or come late, and nothing is decided by it alone."""

    def __init__(self) -> None:
        self._held: set[_Held] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, ledger: LotLedger, claim: Claim, lease: float) -> Iterator[None]:
        """Keep *claim* renewed while the context lasts, by whoever calls `passed`."""
        held = _Held(ledger, claim, lease, lease / _SHARE)
        with self._lock:
            self._held.add(held)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(held)

    def passed(self, seconds: float) -> None:
        """So much time has passed since the last call: renew what is due."""
        with self._lock:
            due = [held for held in self._held if _is_due(held, seconds)]
        for held in due:
            with suppress(Exception):  # the other claims are held all the same
                held.ledger.renew(held.claim.attempt, held.ledger.store.now() + timedelta(seconds=held.lease))


@contextmanager
def renewing(renewals: Renewals) -> Iterator[None]:
    """While the context lasts, renew what is held, from a thread."""
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=[renewals, over], name="renewals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew(renewals: Renewals, over: threading.Event) -> None:
    before = monotonic()
    while not over.wait(_LOOK):
        now = monotonic()
        renewals.passed(now - before)
        before = now


def _is_due(held: _Held, seconds: float) -> bool:
    held.due -= seconds
    if held.due > 0:
        return False
    held.due = held.lease / _SHARE
    return True
