"""A run begins once the services that it asks answer."""

from __future__ import annotations

import logging
import threading

import pytest

from clusterless.errors import ClsError, StoreBusyError, StoreRefusedError, StoreUnavailableError
from clusterless.runner import beginning
from clusterless.runner.beginning import begun


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "_FIRST", 0.001)


class Service:
    """Busy so many times."""

    def __init__(self, busy: int, error: ClsError | None = None) -> None:
        self.busy, self.error, self.asked = busy, error or StoreBusyError("slow down"), 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.busy:
            raise self.error
        return "begun"


def test_what_asks_for_fewer_requests_is_waited_for_and_told(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(busy=12)
    with caplog.at_level(logging.WARNING):
        assert begun(service, threading.Event()) == "begun"
    assert service.asked == 13
    assert caplog.text.count("slow down; nothing is begun before it answers, and it is asked again in") == 12


@pytest.mark.parametrize("error", [StoreUnavailableError("down"), StoreRefusedError("no")])
def test_what_waiting_does_not_mend_is_told_at_once(error: ClsError) -> None:
    service = Service(busy=1, error=error)
    with pytest.raises(type(error)):
        begun(service, threading.Event())
    assert service.asked == 1


def test_a_stop_ends_the_waiting() -> None:
    stop = threading.Event()

    def begin() -> str:
        stop.set()
        raise StoreBusyError("slow down")

    assert begun(begin, stop) is None
