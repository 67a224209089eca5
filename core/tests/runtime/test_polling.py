"""Queues that are asked again and again: how often they are, what is made of their answers, and when they rest."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import InvalidValueError
from clusterless.runtime import polling
from clusterless.runtime.noticed import Messages, Notice, NoticeQueue
from clusterless.runtime.polling import Polled, PolledNotices
from clusterless.testing.clock import START, SettableClock


class Service:
    """Hands out *messages*, a few at a time, and counts what it is asked for."""

    def __init__(self, messages: Iterable[int], batch: int = 3) -> None:
        self.messages = deque(messages)
        self.batch = batch
        self.asked: list[tuple[int, int]] = []

    def ask(self, most: int, wait: int = 0) -> Sequence[int]:
        self.asked.append((most, wait))
        return [self.messages.popleft() for _ in range(min(most, self.batch, len(self.messages)))]


# ---- events ----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9)), st.integers(1, 20), st.integers(1, 10))
def test_all_that_can_be_read_is_handed_out_in_order_and_no_more_than_wanted(
    messages: list[int], limit: int, batch: int
) -> None:
    clock, service = SettableClock(), Service(messages, batch)
    polled = Polled(service.ask, lambda message: message or None, clock)
    taken: list[int] = []
    while service.messages:
        taken += (found := polled.receive(limit))
        assert len(found) <= limit
        clock.advance(1)
    assert taken == [each for each in messages if each]


def test_a_queue_is_let_be_for_a_second_after_an_answer_with_nothing_in_it() -> None:
    clock, service = SettableClock(), Service([])
    polled = Polled(service.ask, str, clock)
    assert polled.receive(5) == polled.receive(5) == []
    assert len(service.asked) == 1
    service.messages.append(7)
    clock.advance(0.9)
    assert polled.receive(5) == []
    clock.advance(0.1)
    assert polled.receive(1) == ["7"]
    service.messages.append(8)
    assert polled.receive(1) == ["8"]  # at once: the last answer had something in it


# ---- notices ---------------------------------------------------------------------------------------------------


class Notices(PolledNotices[int]):
    """Each message is a notice of the object that is called as it; one of a 0 cannot be read."""

    def __init__(self, service: Service) -> None:
        super().__init__("the queue q")
        self.service = service
        self.counted = 0

    def acknowledge(self, messages: Messages) -> None: ...

    def ask(self, most: int, wait: int) -> Sequence[int]:
        return self.service.ask(most, wait)

    def receipt(self, message: int) -> str:
        return f"r{message}"

    def read(self, message: int) -> Iterable[Notice]:
        if not message:
            msg = "0 is no notice"
            raise InvalidValueError(msg)
        return [Notice("b", str(message), START + timedelta(seconds=message))]

    def is_any_left(self) -> bool:
        self.counted += 1
        return bool(self.service.messages)


class Untold(Notices):
    is_any_left = PolledNotices.is_any_left


def test_only_the_first_of_many_is_waited_for() -> None:
    queue: NoticeQueue = (notices := Notices(Service([1, 2, 3, 4])))
    found = queue.receive(9, wait=20)
    assert ([each.key for each in found.notices], found.receipts) == (["1", "2", "3", "4"], ["r1", "r2", "r3", "r4"])
    assert found.drained
    assert notices.service.asked == [(9, 20), (6, 0), (5, 0)]


def test_there_may_be_more_once_enough_were_received() -> None:
    found = Notices(Service([1, 2, 3, 4])).receive(3, wait=0)
    assert (len(found.receipts), found.drained) == (3, False)


def test_what_cannot_be_read_is_passed_over_and_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    found = Notices(Service([1, 0, 2])).receive(3, wait=0)
    assert [each.key for each in found.notices] == ["1", "2"]
    assert found.receipts == ["r1", "r0", "r2"]
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [
        (logging.ERROR, "a message in the queue q is passed over: 0 is no notice")
    ]


def test_what_is_left_is_counted_once_a_second_and_while_messages_come(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(polling, "monotonic", lambda: now)
    notices = Notices(Service([1, 2, 3, 4]))
    assert notices.has_more()
    assert notices.has_more()
    assert notices.counted == 1
    now += 1
    notices.service.messages.clear()
    assert not notices.has_more()
    assert notices.counted == 2
    notices.service.messages.append(5)
    now += 120
    assert not notices.has_more()  # nobody is taken to hold one
    assert notices.counted == 2
    notices.receive(1, wait=0)
    notices.service.messages.append(6)
    assert notices.has_more()


def test_a_service_that_does_not_tell_has_none_left() -> None:
    assert not Untold(Service([1])).has_more()
