"""Asking a store many things, some of them at a time, and taking the answers in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

_AT_A_TIME = 8
_AHEAD = 4 * _AT_A_TIME  # answers that may wait to be taken


def in_order(ask: Callable[[Q], A], questions: Iterable[Q]) -> Iterator[tuple[Q, A]]:
    """Each question with its answer, in order; few are ahead of the reader. What *ask* raises is raised here."""
    with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="ask") as pool:
        ahead: deque[tuple[Q, Future[A]]] = deque()
        try:
            for question in questions:
                ahead.append((question, pool.submit(ask, question)))
                if len(ahead) > _AHEAD:
                    yield _taken(ahead)
            while ahead:
                yield _taken(ahead)
        finally:
            for _, future in ahead:  # the reader stopped early
                future.cancel()


def _taken(ahead: deque[tuple[Q, Future[A]]]) -> tuple[Q, A]:
    question, future = ahead.popleft()
    return question, future.result()
