"""How far a plan is: immutable records of what is done, and a hint for those who look on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Lock

from attrs import define, field, frozen

from clusterless import codec, layout
from clusterless.engine.plan import Came, Ended, WorkPlan, counted, ended, resting
from clusterless.errors import MalformedError, ObjectMissingError
from clusterless.model.lot import Lot
from clusterless.operate.plans.making import Kept
from clusterless.runtime.arc import Writer
from clusterless.runtime.clock import is_gone

_RECORD = timedelta(seconds=30)  # between records: what is lost by a crash is looked at once more, and found done
_HINT = timedelta(seconds=1)
_ALIVE = timedelta(seconds=30)  # for how long a hint says that someone is at it
_READERS = 8


@frozen(kw_only=True)
class Record:
    """What one worker of a plan wrote down."""

    by: str
    at: datetime
    ended: tuple[Ended, ...]


@frozen(kw_only=True)
class Count:
    """So many *lots* of stage number *stage* came to that."""

    stage: int
    came: Came
    lots: int


@frozen(kw_only=True)
class Hint:
    """How far a plan was *at* that time; *working*: someone was at it."""

    by: str
    at: datetime
    working: bool
    counts: tuple[Count, ...]


def read_progress(kept: Kept) -> tuple[Ended, ...]:
    """What is done for sure, in no order; records that cannot be read are left out: their lots are looked at again."""
    keys = list(kept.state.list_keys(kept.keys.done))

    def read(key: str) -> tuple[Ended, ...]:
        try:
            return codec.read_record(kept.state.get(key), Record, source=layout.uri(kept.state.root, key)).ended
        except (MalformedError, ObjectMissingError):
            return ()

    with ThreadPoolExecutor(_READERS) as pool:
        return tuple(each for read_ in pool.map(read, keys) for each in read_)


def read_hint(kept: Kept) -> Hint | None:
    """What was last said of it; None where it was never begun."""
    try:
        body = kept.state.get(kept.keys.hint)
        return codec.read_record(body, Hint, source=layout.uri(kept.state.root, kept.keys.hint))
    except (ObjectMissingError, MalformedError):
        return None


def is_working(kept: Kept, hint: Hint | None) -> bool:
    """Whether someone is at it, as far as one can see."""
    return bool(hint and hint.working and not is_gone(hint.by) and kept.state.now() - hint.at < _ALIVE)


def is_finished(plan: WorkPlan, progress: Iterable[Ended]) -> bool:
    """Whether nothing is left to do: what failed, or was left to others, is worked again by whoever goes on with it."""
    progress = tuple(progress)
    rests = ((stage, resting(progress, number)) for number, stage in enumerate(plan.stages))
    return all(lot in rest for stage, rest in rests for each in stage.stretches for lot in each.lots)


def counts_of(progress: Iterable[Ended]) -> Iterator[Count]:
    for stage, came in sorted(counted(progress).items()):
        for how, lots in came.items():
            yield Count(stage=stage, came=how, lots=lots)


@define(eq=False)
class Progress:
    """Writes how far a plan is; lots are noted from many threads."""

    kept: Kept
    writer: Writer
    now: Callable[[], datetime]
    known: list[Ended] = field(factory=list)  # as far as it is written down
    _noted: dict[tuple[int, Came], list[Lot]] = field(factory=dict)
    _lock: Lock = field(factory=Lock)
    _recorded: datetime | None = None
    _hinted: datetime | None = None

    def note(self, stage: int, lot: Lot, came: Came) -> None:
        with self._lock:
            self._noted.setdefault((stage, came), []).append(lot)

    def tick(self) -> tuple[Count, ...]:
        """Write what is due to be written; gives how far it is where that was."""
        now = self.now()
        self._recorded = self._recorded or now
        if now - self._recorded >= _RECORD:
            self.record()
        if self._hinted is None or now - self._hinted >= _HINT:
            return self._hint(now, working=True)
        return ()

    def record(self) -> None:
        """Write down what was noted since the last time."""
        with self._lock:
            noted, self._noted = self._noted, {}
        now = self._recorded = self.now()
        if noted:
            done = ended(noted)
            record = Record(by=self.writer.by, at=now, ended=done)
            name = f"{round(now.timestamp() * 1000):015}-{self.writer.new_id()}.json"
            self.kept.state.create(f"{self.kept.keys.done}{name}", codec.record_bytes(record))
            self.known += done

    def close(self) -> None:
        """Write down the rest, and that nobody is at it any more; what others did of the plan counts as well."""
        self.record()
        self.known = list(read_progress(self.kept))
        self._hint(self.now(), working=False)

    def counts(self) -> Mapping[int, Mapping[Came, int]]:
        """How many lots of each stage came to what, by whomever."""
        with self._lock:
            return counted([*self.known, *ended(self._noted)])

    def _hint(self, now: datetime, *, working: bool) -> tuple[Count, ...]:
        with self._lock:
            so_far = [*self.known, *ended(self._noted)]
        hint = Hint(by=self.writer.by, at=now, working=working, counts=tuple(counts_of(so_far)))
        self.kept.state.put(self.kept.keys.hint, codec.record_bytes(hint))
        self._hinted = now
        return hint.counts
