"""Hands on a store: threads of this process, and of others, that do at once what they are told.

``python -m clusterless.doctor.hands URI NAME`` reads requests from its standard input, a line of JSON
each, and answers on its standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Protocol

from attrs import define, field

from clusterless.errors import ObjectExistsError, ObjectMissingError, StoreUnavailableError
from clusterless.store.api import ObjectStore

THREADS = 3
_LISTED = 1000  # keys that a listing of ours can have; more would be other people's


class Hand(Protocol):
    """What is asked with `begin` is answered by `answer`; several hands begin before the first is heard.

    ``race`` has each thread create *key*, and gives who each was, with ``won``, ``lost``, or ``unsure`` where
    the store gave no answer. ``get`` gives the object as text, or None; ``list`` the keys.
    """

    name: str

    def begin(self, operation: str, key: str, after: str = "") -> None: ...

    def answer(self) -> Any: ...

    def close(self) -> None: ...


@define
class OwnHand:
    """Works with *store* in this process."""

    store: ObjectStore
    name: str
    _pool: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(THREADS), init=False)
    _pending: Callable[[], Any] = field(default=lambda: None, init=False)

    def begin(self, operation: str, key: str, after: str = "") -> None:
        if operation == "race":
            self._pending = self._race(key)
        elif operation == "get":
            self._pending = lambda: self._get(key)
        else:
            self._pending = lambda: [info.key for info in self.store.list(key, after)][:_LISTED]

    def answer(self) -> Any:
        return self._pending()

    def close(self) -> None:
        self._pool.shutdown()

    def _race(self, key: str) -> Callable[[], list[tuple[str, str]]]:
        together = Barrier(THREADS)

        def attempt(number: int) -> tuple[str, str]:
            who = f"{self.name}.{number}"
            together.wait()
            try:
                self.store.create(key, who.encode())
            except ObjectExistsError:
                return who, "lost"
            except StoreUnavailableError:
                return who, "unsure"
            return who, "won"

        tries = [self._pool.submit(attempt, number) for number in range(THREADS)]
        return lambda: [each.result() for each in tries]

    def _get(self, key: str) -> str | None:
        try:
            return self.store.get(key).decode(errors="replace")
        except ObjectMissingError:
            return None


@define
class FarHand:
    """Works with the store at *uri* in a process of its own."""

    uri: str
    name: str
    _process: subprocess.Popen[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        command = [sys.executable, "-m", "clusterless.doctor.hands", self.uri, self.name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def begin(self, operation: str, key: str, after: str = "") -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([operation, key, after]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # said when it is to answer

    def answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._gone()
        return json.loads(line)

    def close(self) -> None:
        self._process.communicate()

    def _gone(self) -> StoreUnavailableError:
        _, said = self._process.communicate()
        last = said.strip().rpartition("\n")[2]
        return StoreUnavailableError(f"a second process cannot use {self.uri}: {last or 'it ended'}")


def all_of(hands: Sequence[Hand], operation: str, key: str, after: str = "") -> list[tuple[str, Any]]:
    """What each hand, by name, answers to the same question, asked of all at once."""
    for hand in reversed(hands):  # one's own last, since others take a moment to hear
        hand.begin(operation, key, after)
    return [(hand.name, hand.answer()) for hand in hands]


def main(uri: str, name: str) -> None:
    """Do what is asked until nobody asks any more."""
    from clusterless.plugins import find_plugins

    hand = OwnHand(find_plugins().open_store(uri), name)
    for line in sys.stdin:
        hand.begin(*json.loads(line))
        sys.stdout.write(json.dumps(hand.answer()) + "\n")
        sys.stdout.flush()
    hand.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
