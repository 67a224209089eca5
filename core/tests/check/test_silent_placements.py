"""A placement that gives no answer at all, not even a bad one, is told apart from the others in seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from clusterless import layout
from clusterless.deploy import silence
from clusterless.deploy.silence import silent
from clusterless.errors import StoreUnavailableError
from clusterless.store.api import ObjectInfo
from clusterless.store.memory import MemoryStore


class Mute(MemoryStore):
    """Answers nobody before it is *released*."""

    released: threading.Event

    def head(self, key: str) -> ObjectInfo:
        self.released.wait()
        return super().head(key)


class Failing(MemoryStore):
    def head(self, key: str) -> ObjectInfo:
        msg = "it did not answer"
        raise StoreUnavailableError(msg)


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mute]:
    monkeypatch.setattr(silence, "PATIENCE", 0.2)
    mute = Mute()
    mute.released = threading.Event()
    yield mute
    mute.released.set()


def test_whoever_gives_no_answer_while_another_does_is_silent(mute: Mute) -> None:
    there = MemoryStore()
    there.put(layout.PLACEMENT_META, b"{}")
    assert silent({"mute": mute, "there": there, "empty": MemoryStore(), "failing": Failing()}) == {"mute"}


def test_where_nobody_answers_all_are_waited_for(mute: Mute) -> None:
    assert silent({"mute": mute, "other": mute}) == set()
    assert silent({}) == set()
