"""A scenario again and again, with something else befalling it each time; it always comes to the same."""

from __future__ import annotations

import itertools
import re
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue

from attrs import define, evolve, field, frozen

from hardship import mutations, plugin
from hardship.buckets import Bucket
from hardship.fates import MET, SIGNALS, Fate, kind, like
from hardship.picture import Picture, broken, picture
from hardship.processes import PATIENCE, Ended, Zygote, zygote
from hardship.scenarios import Call, Scenario, put

_OK = {0}
_ASKED = {"interrupted", "terminated"}
_OURS = re.compile(r'File ".*/clusterless/(?!sdk)')  # in a traceback that nobody should see
_SHOWN = 2000  # characters of what was said last
_JOURNAL = "journal.txt"
_WRITES = {"create", "put", "copy", "delete", "publish", "acknowledge", "subscribe"}


class BrokenError(AssertionError):
    """A law does not hold, after what befell a process."""


@frozen
class Tried:
    """One point: what befell the process there, and at which *request*; '' where it ended before that."""

    fate: Fate
    request: str

    @property
    def point(self) -> str:
        """The point, without what differs from run to run."""
        return f"{'before' if self.fate.before else 'after'} {kind(self.request)}"


@define
class Bench:
    """Folders and zygotes, of which each that tries something takes one."""

    folder: Path
    bucket: Bucket | None = None
    _free: SimpleQueue[tuple[Zygote, Path]] = field(factory=SimpleQueue)
    _numbers: Iterator[int] = field(factory=itertools.count)
    at_once: int = 0

    def add(self, parent: Zygote, folder: Path) -> None:
        self._free.put((parent, folder))
        self.at_once += 1

    @contextmanager
    def place(self) -> Iterator[tuple[Zygote, Path]]:
        """A zygote, and an empty folder, always the same for one zygote."""
        parent, folder = self._free.get()
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            if self.bucket:
                self.bucket.empty(folder)
            yield parent, folder
        finally:
            self._free.put((parent, folder))


@contextmanager
def bench(folder: Path, at_once: int, bucket: Bucket | None = None) -> Iterator[Bench]:
    """Folders below *folder*; the stores of what is tried there lie in *bucket*, if there is one."""
    variables = bucket.variables if bucket else {}
    with ExitStack() as stack:
        made = Bench(folder, bucket)
        for number in range(at_once):
            parent = stack.enter_context(zygote(folder / f"zygote-{number}", variables))
            made.add(parent, folder / f"place-{number}")
        yield made


@frozen
class Trial:
    """A scenario on a bench, and what it comes to when nothing befalls it."""

    scenario: Scenario
    bench: Bench
    expected: Picture
    requests: Sequence[str]
    without: str = ""
    patience: float = PATIENCE

    @property
    def points(self) -> frozenset[str]:
        """Before and after what, however often that is asked."""
        return frozenset(f"{when} {kind(line)}" for line in self.requests for when in ("before", "after"))

    @property
    def writes(self) -> list[str]:
        """The kinds of request that change something."""
        return sorted({kind(line) for line in self.requests if line.split()[1] in _WRITES})

    def at(self, fate: Fate) -> Tried:
        """Have *fate* befall the main call, mend it, and hold what comes of it to the laws.

        Raises:
            BrokenError: they do not hold.
        """
        with self.bench.place() as (parent, folder):
            journal = folder / _JOURNAL
            attempt = _Attempt(self.scenario, parent, folder, self.without, self.patience, self.bench.bucket)
            attempt.begin()
            attempt.undergo(evolve(fate, journal=str(journal)))
            tried = Tried(fate, _met(journal))
            attempt.mend(is_thorough=fate.what == "stopped")
            self._hold(tried, attempt)
        return tried

    def _hold(self, tried: Tried, attempt: _Attempt) -> None:
        seen = attempt.picture()
        wrong = [*broken(seen, self.scenario.arrivals), *self.scenario.law(attempt.folder)]
        if not self.scenario.is_timed and (differs := _difference(self.expected, seen)):
            wrong.append(differs)
        if wrong:
            told = "\n  ".join(wrong)
            msg = (
                f"{self.scenario.name}: {tried.fate}, {tried.request or 'which never came'}:\n  {told}\n"
                f"again: python -m hardship {self.scenario.name} {tried.fate.what} {_place(tried.fate)}"
                f"\n{attempt.said[-_SHOWN:]}"
            )
            raise BrokenError(msg)


def trial(scenario: Scenario, on: Bench) -> Trial:
    """Run *scenario* in fair weather, once, to learn what it comes to and how many requests its main call makes."""
    with on.place() as (parent, folder):
        attempt = _Attempt(scenario, parent, folder, bucket=on.bucket)
        attempt.begin()
        journal = folder / _JOURNAL
        attempt.undergo(Fate(journal=str(journal)))
        attempt.mend()
        seen = attempt.picture()
        wrong = [*broken(seen, scenario.arrivals), *scenario.law(folder)]
        if wrong:
            msg = f"{scenario.name}, and nothing befell it: {wrong}\n{attempt.said[-_SHOWN:]}"
            raise BrokenError(msg)
        lines = journal.read_text().splitlines()
    return Trial(scenario, on, seen, sorted(lines, key=lambda line: int(line.split()[0])))


def everywhere(tried: Trial, what: str = "killed", stride: int = 1) -> list[Tried]:
    """Have it befall the main call before and after each of its requests, or every so-manieth, until it ends by itself.

    Raises:
        BrokenError: at some point, a law does not hold.
    """
    numbers = itertools.count(1, stride)
    found: list[Tried] = []
    while True:
        batch = itertools.islice(numbers, 2 * tried.bench.at_once)
        results = _each(tried, [Fate(at=number, what=what) for number in batch])
        found += [each for each in results if each.request]
        if not all(each.request for each in results):
            return found


def here_and_there(tried: Trial, count: int, what: str = "killed") -> list[Tried]:
    """Have it befall the main call before and after the first write of each of *count* kinds, always the same.

    Raises:
        BrokenError: at some point, a law does not hold.
    """
    writes = tried.writes
    chosen = sorted({writes[int(len(writes) * (number + 0.5) / count)] for number in range(count)})
    results = _each(tried, [Fate(at=1, like=like(each), what=what) for each in chosen])
    return [each for each in results if each.request]


def _each(tried: Trial, fates: Sequence[Fate]) -> list[Tried]:
    """What becomes of it before each of them, and after."""
    both = [evolve(fate, before=before) for fate in fates for before in (True, False)]
    with ThreadPoolExecutor(tried.bench.at_once) as pool:
        return list(pool.map(tried.at, both))


@define
class _Attempt:
    scenario: Scenario
    parent: Zygote
    folder: Path
    without: str = ""
    patience: float = PATIENCE
    bucket: Bucket | None = None
    said: str = ""

    def begin(self) -> None:
        self.scenario.lay(self.folder, self.bucket.sinks(self.folder) if self.bucket else "")
        for number, call in enumerate(self.scenario.before):
            self._call(call, variables=self._variables(self.scenario.ahead / 2 * number))
        self.scenario.between(self.folder)
        put(self.folder, self.scenario.late)

    def undergo(self, fate: Fate) -> None:
        """The main call, to its end; where it is stopped, others do all there is to do before it goes on."""
        variables = {**self._variables(), **fate.variable()}
        started = self.parent.start(self.folder, self.scenario.main, variables=variables)
        if fate.what == "stopped":
            while not started.has_ended(0.02):
                if started.is_stopped():
                    self._call(*self.scenario.again, variables=self._variables())
                    started.signal(signal.SIGCONT)
                    break
        ended = started.wait(self.patience)
        started.kill()  # what it has started ends with it, as with its machine
        self.said += ended.said
        if fate.what in _ASKED:
            self._hold_kind(ended, SIGNALS[fate.what])

    def _hold_kind(self, ended: Ended, number: int) -> None:
        """Asked to end, it does, in words and with the code that shells know, unless it was done by then."""
        if ended.code not in {0, 128 + number, -number} or "error[" in ended.said or "Traceback" in ended.said:
            msg = f"{self.scenario.name}: told to end, it ended with {ended.code}:\n{self.said[-_SHOWN:]}"
            raise BrokenError(msg)

    def mend(self, *, is_thorough: bool = False) -> None:
        """Do again what was interrupted; *is_thorough*: with what a worker may write that was thought dead."""
        mended = [(*call, "--fix", "--yes") for call in self.scenario.audits] if is_thorough else []
        self._call(*self.scenario.again, *mended, *self.scenario.audits, variables=self._variables())

    def picture(self) -> Picture:
        if self.bucket:
            self.bucket.fetch(self.folder)
        return picture(self.folder, self.scenario.sinks, self.scenario.told)

    def _variables(self, ahead: float | None = None) -> dict[str, str]:
        seconds = self.scenario.ahead if ahead is None else ahead
        return {plugin.AHEAD: str(seconds), mutations.VARIABLE: self.without}

    def _call(self, *calls: Call, variables: Mapping[str, str]) -> None:
        ended = self.parent.run(self.folder, *calls, variables=variables, patience=self.patience)
        self.said += ended.said
        if ended.code not in _OK or "error[bug]" in ended.said or _OURS.search(ended.said):
            msg = f"{self.scenario.name}: {calls} ended with {ended.code}:\n{self.said[-_SHOWN:]}"
            raise BrokenError(msg)


def _place(fate: Fate) -> str:
    """As the command line has it."""
    return f"{fate.at}{'' if fate.before else '+'}" + (f" {fate.like!r}" if fate.like else "")


def _met(journal: Path) -> str:
    """The request that the process met its fate at, '' where it did not."""
    lines: Sequence[str] = journal.read_text().splitlines() if journal.is_file() else ()
    return next((line.removeprefix(MET) for line in lines if line.startswith(MET)), "")


def _difference(expected: Picture, seen: Picture) -> str:
    for name in ("datasets", "sinks", "told"):
        one, other = getattr(expected, name), getattr(seen, name)
        if one != other:
            return f"{name} differ: {one}\n  and not {other}"
    return ""
