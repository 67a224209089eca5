"""Stores are asked many things at a time, and answers come in the order of the questions."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from clusterless.operate.ahead import ahead, asked, at_a_time, in_turns
from clusterless.store.memory import MemoryStore


@pytest.mark.parametrize("most", [1, 4])
def test_answers_come_in_the_order_of_the_questions_and_a_reader_may_stop(most: int) -> None:
    heard: list[int] = []

    def ask(number: int) -> int:
        heard.append(number)
        return number * 2

    assert list(asked(ask, range(200), most)) == [(number, number * 2) for number in range(200)]
    heard.clear()
    answers = asked(ask, iter(range(1_000_000)), most)
    assert next(answers) == (0, 0)
    answers.close()  # type: ignore[attr-defined]
    assert len(heard) < 20


@pytest.mark.parametrize("most", [1, 4])
def test_what_a_call_raises_is_raised_where_its_answer_is_taken(most: int) -> None:
    def fail() -> int:
        msg = "no"
        raise ValueError(msg)

    answers: Iterator[int] = ahead(iter([lambda: 1, fail]), most)
    assert next(answers) == 1
    with pytest.raises(ValueError, match="no"):
        next(answers)


def test_a_store_that_is_near_is_asked_by_its_reader_alone() -> None:
    near, far = MemoryStore("memory://here/"), MemoryStore("s3://there/")
    assert (at_a_time(near), at_a_time(far, 4)) == (1, 4)
    assert list(ahead([threading.current_thread], at_a_time(near))) == [threading.current_thread()]
    assert list(ahead([threading.current_thread], at_a_time(far))) != [threading.current_thread()]


def test_some_are_made_before_the_first_is_given_and_all_come_in_order() -> None:
    made: list[int] = []

    def make() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    items = in_turns(make())
    assert (next(items), 1 < len(made) < 100) == (0, True)
    assert [0, *items] == list(range(1000))
    assert list(in_turns(())) == []
