"""Asking stores many things, some of them at a time, and taking the answers in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

from clusterless import layout
from clusterless.store.api import ObjectStore

Q = TypeVar("Q")
A = TypeVar("A")

_NEAR = frozenset({"file", "memory"})
_AT_A_TIME = 16
_TURN = 32


def is_near(store: ObjectStore) -> bool:
    """Whether nothing is waited for where *store* is: threads that ask it are only in each other's way."""
    return layout.scheme(store.root) in _NEAR


def at_a_time(store: ObjectStore, most: int = _AT_A_TIME) -> int:
    """How many things to ask of *store* at a time."""
    return 1 if is_near(store) else most


def ahead(calls: Iterable[Callable[[], A]], most: int) -> Iterator[A]:
    """What the *calls* return, in their order; *most* are made at a time, and as many may be ahead of the reader.

    One at a time is made when its answer is taken, by whoever takes it. What a call raises is raised here.
    """
    if most == 1:
        yield from (call() for call in calls)
        return
    with ThreadPoolExecutor(most, thread_name_prefix="ahead") as pool:
        begun: deque[Future[A]] = deque()
        try:
            for call in calls:
                begun.append(pool.submit(call))
                if len(begun) > most:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:  # the reader stopped early
                future.cancel()


def asked(ask: Callable[[Q], A], questions: Iterable[Q], most: int) -> Iterator[tuple[Q, A]]:
    """Each question with its answer, as by `ahead`."""
    if most == 1:
        return ((question, ask(question)) for question in questions)

    def put(question: Q) -> Callable[[], tuple[Q, A]]:
        return lambda: (question, ask(question))

    return ahead(map(put, questions), most)


def in_turns(items: Iterable[A]) -> Iterator[A]:
    """The *items*, some of which are made before the first is given.

    What a processor does over and over goes faster: asking a near store again and again, and then making something
    of the answers, takes two thirds of the time of doing both for one after the other.
    """
    rest = iter(items)
    return chain.from_iterable(iter(lambda: list(islice(rest, _TURN)), []))
