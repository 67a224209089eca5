"""Whether a store does what the lot protocol assumes, found out by racing it: nothing is believed that was not seen.

All that is written lies below ``cls-doctor/`` and an id of its own, and is removed at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from urllib.parse import unquote, urlsplit

from attrs import define, field

from clusterless.doctor.checks import Check, Result
from clusterless.doctor.environment import room
from clusterless.doctor.hands import THREADS, FarHand, Hand, OwnHand, all_of
from clusterless.errors import ClsError
from clusterless.provider import Clock
from clusterless.store.api import ObjectStore

PREFIX = "cls-doctor/"
ROUNDS = 100  # races
_LOOKS = 20  # objects that are looked for by all
_FAR = 2  # other processes
_WAIT = 0.1  # seconds between looks of a process that has seen nothing yet
_PATIENCE = 20  # such looks
_SKEW = 60  # seconds that clocks may differ before people should know
_KEYS = ("a-b/x", "a.b", "a/b", "a/b-c/d", "a/b.c", "a/bc/d", "a0", "b", "Z", "é", "z z")  # out of a listing's order


def examine(uri: str, store: ObjectStore, clock: Clock, new_id: Callable[[], str]) -> list[Check]:
    """Every check of the store at *uri*, which `store` has open."""
    with ExitStack() as closing:
        near = OwnHand(store, "here")
        far = [FarHand(uri, f"process {number}") for number in range(1, _FAR + 1)]
        hands: list[Hand] = [near, *far]
        for hand in hands:
            closing.callback(hand.close)
        examination = _Examination(uri, store, clock, f"{PREFIX}{new_id()}/", near, far)
        closing.callback(examination.clean_up)
        return list(examination.checks())


@define
class _Examination:
    uri: str
    store: ObjectStore
    clock: Clock
    prefix: str
    near: Hand
    far: Sequence[Hand]
    written: set[str] = field(factory=set)

    def checks(self) -> Iterator[Check]:
        if self.uri.startswith("file:"):
            yield room(self.uri, unquote(urlsplit(self.uri).path))
        try:
            yield from self._time()
            yield from self._processes()
            yield self._judged("one creator wins", self._race(), f"{ROUNDS} races, of {len(self.hands) * THREADS} each")
            yield self._judged("read after write", self._read(), f"{_LOOKS} objects written, overwritten, deleted")
            yield self._judged("list after write", self._list(), f"{_LOOKS} objects written, deleted")
            yield self._judged("order of a list", self._order(), f"{len(_KEYS)} keys")
        except ClsError as error:
            yield self._check("reach", f"{error}; {error.hint}".removesuffix("; "), Result.FAILED)

    @property
    def hands(self) -> list[Hand]:
        return [self.near, *self.far]

    # ---- what is looked at: each gives the evidence against the store, or nothing ----

    def _time(self) -> Iterator[Check]:
        self._put("time", b"x")
        apart = round((self.store.now() - self.clock.now()).total_seconds())
        detail = (
            f"{abs(apart)} s {'ahead of' if apart > 0 else 'behind'} this machine's" if apart else "as this machine's"
        )
        yield self._check("clock", detail, Result.NOTE if abs(apart) > _SKEW else Result.OK)

    def _processes(self) -> Iterator[Check]:
        """Other processes may have a store of their own, such as one in memory."""
        all_of(self.far, "get", self._key("shared"))  # once they have answered, they are up
        key = self._put("shared", b"x")
        for look in range(_PATIENCE):
            seen = [body for _, body in all_of(self.far, "get", key)]
            if None not in seen:
                late = f"seen by other processes only at look {look + 1}, {look * _WAIT:.1f} s after it was written"
                yield self._check("shared", late if look else "", Result.FAILED if look else Result.OK)
                return
            self.clock.sleep(_WAIT)
        self.far = []
        alone = "other processes do not see what is written: good for trying things out in one process only"
        yield self._check("shared", alone, Result.NOTE)

    def _race(self) -> str:
        for number in range(1, ROUNDS + 1):
            key = self._key(f"race/{number:03}")
            tries = [each for _, answers in all_of(self.hands, "race", key) for each in answers]
            holds = self.store.get(key).decode(errors="replace")
            won = [who for who, outcome in tries if outcome == "won"]
            unsure = [who for who, outcome in tries if outcome == "unsure"]
            if len(won) > 1:
                return f"round {number}: {' and '.join(won)} all won {key}, which holds what {holds} wrote"
            if holds not in (won or unsure):
                return f"round {number}: {' and '.join(won) or 'nobody'} won {key}, which holds what {holds} wrote"
        return ""

    def _read(self) -> str:
        for number in range(_LOOKS):
            key = self._key(f"read/{number:03}")
            steps: list[tuple[str, Callable[[], None], str | None]] = [
                ("was created", partial(self.store.create, key, b"1"), "1"),
                ("was overwritten", partial(self.store.put, key, b"2"), "2"),
                ("was deleted", partial(self.store.delete, key), None),
            ]
            all_of(self.hands, "get", key)  # so that what remembers that there is nothing is found out
            for what, write, wanted in steps:
                write()
                for who, body in all_of(self.hands, "get", key):
                    if body != wanted:
                        return f"{key} {what}, and {who} read {_words(body)}, not {_words(wanted)}"
        return ""

    def _list(self) -> str:
        prefix = f"{self.prefix}list/"
        there: list[str] = []
        for number in range(_LOOKS):
            all_of(self.hands, "list", prefix)
            key = self._key(f"list/{number:03}")
            self.store.create(key, b"x")
            there.append(key)
            if missed := self._missed(prefix, there, f"{key} was created"):
                return missed
        while there:
            self.store.delete(key := there.pop(0))
            if missed := self._missed(prefix, there, f"{key} was deleted"):
                return missed
        return ""

    def _missed(self, prefix: str, there: Sequence[str], what: str) -> str:
        for who, keys in all_of(self.hands, "list", prefix):
            if keys != there:
                return f"{what}, and {who} then listed {self._named(keys)} below {prefix}, not {self._named(there)}"
        return ""

    def _order(self) -> str:
        prefix = f"{self.prefix}order/"
        keys = sorted(self._put(f"order/{name}", b"x") for name in _KEYS)
        for after in ("", *keys, f"{prefix}a", f"{prefix}a/", f"{prefix}b0"):
            wanted = [key for key in keys if key > after]
            for who, found in all_of(self.hands, "list", prefix, after):
                if found != wanted:
                    since = f" after {after}" if after else ""
                    return f"{who} listed {self._named(found)} below {prefix}{since}, not {self._named(wanted)}"
        return ""

    # ---- what is written, and removed ----

    def _key(self, name: str) -> str:
        key = f"{self.prefix}{name}"
        self.written.add(key)
        return key

    def _put(self, name: str, body: bytes) -> str:
        key = self._key(name)
        self.store.put(key, body)
        return key

    def clean_up(self) -> None:
        with suppress(ClsError):  # what is wrong with the store is in the checks
            for key in sorted(self.written):  # a list may not tell
                self.store.delete(key)

    def _judged(self, name: str, evidence: str, effort: str) -> Check:
        return self._check(name, evidence or effort, Result.FAILED if evidence else Result.OK)

    def _check(self, name: str, detail: str, result: Result = Result.OK) -> Check:
        return Check(subject=self.uri, name=name, result=result, detail=detail)

    def _named(self, keys: Sequence[str]) -> str:
        """The keys that were seen, without what all of them begin with."""
        names = [key.removeprefix(self.prefix).partition("/")[2] for key in keys]
        return f"{len(names)} ({', '.join(names)})" if names else "nothing"


def _words(body: str | None) -> str:
    return "nothing" if body is None else repr(body)
