"""Many `cls run` on one store while files arrive, and everything that may befall them does, by chance."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import define, field, frozen

from hardship import weather
from hardship.picture import STORES, broken, objects, picture
from hardship.processes import PATIENCE, HungError, Started, Zygote
from hardship.scenarios import MINUTE, arc, listener, project, put

_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_AHEAD = 200  # lots that the feeder may be ahead of the last arc
_LATE = 60  # lots after which a second file comes to some
_TURN = 0.1  # seconds
_END = 90.0  # seconds that a process may take to end when it is told to
_REST = 900.0  # seconds until all must be at rest
_AUDITED = 0.02  # seconds more that audits may take, a lot
_REFUSED = {74}  # by a store, before anything was begun
_RUN = ("run", "p.json", "--concurrency", "2")


class BrokenError(AssertionError):
    """Something was lost, or doubled, or never came to rest."""


@frozen(kw_only=True)
class Chances:
    """How often something happens, in a tenth of a second."""

    kill: float = 0.12
    stop: float = 0.08
    stopped: tuple[float, float] = (0.2, 5.0)  # seconds; a claim lasts two
    refuse: float = 0.006
    refusing: tuple[float, float] = (0.5, 2.5)  # seconds


@frozen(kw_only=True)
class Figures:
    """What a soak went through, and came to."""

    lots: int
    arrivals: int
    befell: Mapping[str, int]
    fed_seconds: float
    rest_seconds: float


@define
class Soak:
    """*lots* of a boundary and two arcs, worked by *workers* processes; all chance comes from *seed*."""

    folder: Path
    parent: Zygote
    lots: int
    workers: int
    seed: int
    chances: Chances = Chances()
    befell: Counter[str] = field(factory=Counter)
    _random: random.Random = field(init=False)
    _running: list[Started] = field(factory=list)
    _stopped: dict[int, float] = field(factory=dict)  # by pid, until when
    _refusing: float = 0.0  # until when

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def run(self) -> Figures:
        """From the first file until all is at rest.

        Raises:
            BrokenError: and what is lost, doubled, or not at rest.
            HungError: a process waits for ever.
        """
        begun = time.monotonic()
        self._lay()
        try:
            arrivals = self._endure()
            fed = time.monotonic() - begun
            self._calm()
            self._come_to_rest()
        finally:
            for started in self._running:
                started.kill()
        self._judge(arrivals)
        befell = self.befell + Counter((self.folder / weather.JOURNAL).read_text().splitlines())
        return Figures(
            lots=self.lots,
            arrivals=len(arrivals),
            befell=befell,
            fed_seconds=fed,
            rest_seconds=time.monotonic() - begun - fed,
        )

    # ---- what arrives

    def _lay(self) -> None:
        declared = project(
            boundaries=[listener(lotUnit="Sixtieths", keyRegex=MINUTE)],
            arcs=[arc("copy"), arc("copy", "on", "out", "end")],
        )
        put(self.folder, {"p.json": json.dumps(declared), weather.JOURNAL: ""})

    def _files(self) -> Iterator[dict[str, str]]:
        """Lot by lot what arrives: a file, and to every fifth lot another, when later ones have come."""
        for number in range(self.lots):
            files = {_file(number): f"{number} in its time"}
            if (earlier := number - _LATE) >= 0 and earlier % 5 == 0:
                files[_file(earlier, "late")] = f"{earlier}, late"
            yield files

    def _endure(self) -> list[str]:
        arrivals: list[str] = []
        self._running = [self._start() for _ in range(self.workers)]
        for number, files in enumerate(self._files()):
            while number - self._came("end") > _AHEAD:
                self._misfortune()
            put(self.folder, files)
            arrivals += [name.rpartition("/")[2] for name in files]
            if number % 10 == 0:
                self._misfortune()
        while self._came("end") < self.lots - _AHEAD // 2:
            self._misfortune()
        return arrivals

    def _came(self, dataset: str) -> int:
        try:
            return len(os.listdir(self.folder / STORES.format("manifest") / f"datasets/name={dataset}/version=1"))
        except FileNotFoundError:
            return 0

    # ---- what befalls

    def _misfortune(self) -> None:
        time.sleep(_TURN)
        chance, chances, now = self._random, self.chances, time.monotonic()
        self._go_on(now)
        for index, started in enumerate(self._running):
            if started.has_ended():
                ended = started.wait()
                self.befell["would not begin"] += ended.code in _REFUSED
                if not ended.was_killed and ended.code not in _REFUSED:
                    msg = f"a run without end ended with {ended.code}:\n{ended.said[-3000:]}"
                    raise BrokenError(msg)
                started.output.unlink()
                self._running[index] = self._start()
        if chance.random() < chances.kill:
            self._befalls("killed", chance.choice(self._running), signal.SIGKILL)
        if chance.random() < chances.stop:
            unlucky = chance.choice(self._running)
            self._befalls("stopped", unlucky, signal.SIGSTOP)
            self._stopped[unlucky.pid] = now + chance.uniform(*chances.stopped)
        if chance.random() < chances.refuse and now > self._refusing:
            flag = chance.choice([weather.FULL, weather.READ_ONLY])
            (self.folder / flag).touch()
            self.befell[flag] += 1
            self._refusing = now + chance.uniform(*chances.refusing)

    def _befalls(self, what: str, unlucky: Started, number: int) -> None:
        self.befell[what] += 1
        unlucky.signal(number)

    def _go_on(self, now: float) -> None:
        for pid in [pid for pid, until in self._stopped.items() if until < now]:
            del self._stopped[pid]
            for started in self._running:
                if started.pid == pid:
                    started.signal(signal.SIGCONT)
        if now > self._refusing:
            for flag in (weather.FULL, weather.READ_ONLY):
                (self.folder / flag).unlink(missing_ok=True)

    # ---- and how it ends

    def _calm(self) -> None:
        """The faults end: whoever is there ends when it is told to."""
        self._refusing = 0.0
        self._go_on(float("inf"))
        for started in self._running:
            started.signal(signal.SIGTERM)
        for started in self._running:
            started.wait(_END)
        self._running = []

    def _come_to_rest(self) -> None:
        calls = [*_RUN, "--until-idle"]
        self._running = [self.parent.start(self.folder, calls) for _ in range(2)]
        ended = [started.wait(_REST) for started in self._running]
        self._running = []
        if any(each.code for each in ended):
            msg = f"what came after ended with {[each.code for each in ended]}:\n{ended[0].said[-3000:]}"
            raise BrokenError(msg)

    def _judge(self, arrivals: list[str]) -> None:
        seen = picture(self.folder, ["out", "end"])
        wrong = broken(seen, {"raw": arrivals, "out": arrivals, "end": arrivals})
        came = {name: (self.folder / "in" / name).read_bytes() for name in arrivals}
        for sink in ("out", "end"):
            there = {path.name: path.read_bytes() for path in (self.folder / sink).iterdir()}
            if there != came:
                wrong.append(f"other bytes, or names, in {sink}")
        if len(objects(seen, "raw")) != len(arrivals):
            wrong.append("not every arrival is booked")
        self._refuse(wrong)  # before what takes long
        calls = (("audit", name, "-p", "p.json") for name in ("raw", "out", "end"))
        audited = self.parent.run(self.folder, *calls, patience=PATIENCE + self.lots * _AUDITED)
        if audited.code:
            self._refuse([f"cls audit finds something:\n{audited.said[-3000:]}"])

    def _refuse(self, wrong: list[str]) -> None:
        if wrong:
            msg = f"seed {self.seed}, {dict(self.befell)}: " + "\n  ".join(wrong[:20])
            raise BrokenError(msg)

    def _start(self) -> Started:
        return self.parent.start(self.folder, _RUN, variables={weather.SEED: str(self._random.random())})


def _file(number: int, name: str = "f") -> str:
    return f"in/{name}-{_BEGIN + timedelta(minutes=number):%Y%m%dT%H%M}.txt"


__all__ = ["BrokenError", "Chances", "Figures", "HungError", "Soak"]
