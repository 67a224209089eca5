"""The lots that are being delivered in this process: each once at a time, each again when it is due."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import monotonic

from attrs import define, field

from clusterless.engine.parts import lot_of
from clusterless.errors import ClsError
from clusterless.model.ledger import Claim, Complete, Failed
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.provider import Delivery
from clusterless.runner.happenings import Happening, LeftAlone, Started, Trouble, Worked
from clusterless.runner.patience import Patience
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.delivery import Delivered, deliver

_PATIENCE = 5.0  # seconds after the first trouble
_SOON = 60.0  # seconds that a deadline is off which a run waits for that is to end
_GLANCE = 2.0  # seconds between looks at what another works, where its end is waited for

Deliver = Callable[[RunningArc, Lot], Delivered]
Followed = Callable[[str, str, Path], AbstractContextManager[object]]
"""Follows what a lot of an element prints to files of a folder, while the context lasts."""

Key = tuple[int, Lot]  # of the arc as it runs here: two stages may have the same project


@define(eq=False)
class _Task:
    arc: RunningArc
    lot: Lot
    messages: list[Delivery] = field(factory=list)
    again: bool = False


class Lots:
    """Delivers lots in a pool of threads; used from one thread, which calls `collect`.

    *bring* is done instead of `deliver`: a plan rolls lots back before, and leaves those alone that others are at.
    What a lot prints is *followed*.
    """

    def __init__(
        self,
        concurrency: int,
        tell: Callable[[Happening], None],
        wake: Callable[[], None],
        *,
        await_others: bool = False,
        bring: Deliver | None = None,
        followed: Followed = lambda *_: nullcontext(),
    ) -> None:
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="lot")
        self._concurrency = concurrency
        self._tell = tell
        self._wake = wake
        self._await_others = await_others
        self._bring = bring
        self._followed = followed
        self._tasks: dict[Key, _Task] = {}
        self._running: dict[Future[Delivered], Key] = {}
        self._due: list[tuple[float, int, Key, RunningArc]] = []
        self._put_off: dict[Key, float] = {}
        self._open: set[Key] = set()  # of those put off: they are not over
        self._lacking: set[Key] = set()  # of those put off: they are due at their deadline
        self.started = self.settled = 0
        self.worked = 0  # outcomes so far
        self.finished = 0  # of what others had committed and not announced
        self.postponed = 0
        self.set_aside: dict[Key, str] = {}  # ``project/arc lot``
        self._patience: dict[Key, Patience] = {}  # of those in trouble

    @property
    def free(self) -> int:
        """How many more may be started now."""
        return max(self._concurrency * 2 - len(self._tasks), 0)

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    @property
    def awaited(self) -> bool:
        """Whether a lot was put off that is waited for: not one that is not over, nor for a deadline that is far."""
        soon = monotonic() + _SOON
        others = self._put_off.keys() - self._open
        return any(key not in self._lacking or self._put_off[key] <= soon for key in others)

    def next_due(self) -> float | None:
        """Seconds until the next lot that was put off is due, None if there is none."""
        while self._due and self._put_off.get(self._due[0][2]) != self._due[0][0]:
            heapq.heappop(self._due)  # delivered meanwhile
        return max(self._due[0][0] - monotonic(), 0) if self._due else None

    def start(self, arc: RunningArc, lot: Lot, message: Delivery | None = None) -> None:
        """Deliver *lot* of *arc*, or of one of its sources.

        It is delivered once more where a *message* comes while it is under way, now where it was put off.
        Without a message there is no news: what is under way, or put off, is left to itself.
        """
        own = lot_of(arc.arc, lot)
        key = (id(arc), own)
        task = self._tasks.get(key)
        if message is None and (task or key in self._put_off):
            return
        self._put_off.pop(key, None)
        if task:
            task.again = True
        else:
            task = self._tasks[key] = _Task(arc, own)
            self.started += 1
            self._submit(key, task)
        if message:
            task.messages.append(message)

    def start_due(self) -> None:
        while self._due and self._due[0][0] <= monotonic():
            due, _, key, arc = heapq.heappop(self._due)
            if self._put_off.get(key) == due:
                del self._put_off[key]
                self.start(arc, key[1])

    def collect(self) -> None:
        """Settle what has ended."""
        for future in [future for future in self._running if future.done()]:
            key = self._running.pop(future)
            self._settle(key, future)

    def close(self) -> None:
        """Wait for what is under way, and settle it; what was heard meanwhile is left to come again."""
        self._pool.shutdown(wait=True)
        for task in self._tasks.values():
            if task.again:
                task.messages.clear()
            task.again = False
        self.collect()

    def _submit(self, key: Key, task: _Task) -> None:
        future = self._pool.submit(self._deliver, task)
        future.add_done_callback(lambda _: self._wake())
        self._running[future] = key

    def _deliver(self, task: _Task) -> Delivered:
        element = task.arc.element
        self._tell(Started(element=element, lot=str(task.lot)))
        begun = monotonic()
        with self._followed(element, str(task.lot), task.arc.output(task.lot, "").parent):
            delivered = (self._bring or deliver)(task.arc, task.lot)
        seconds = monotonic() - begun if delivered.took is None else delivered.took
        self._tell(_told(element, task, delivered, seconds))
        return delivered

    def _settle(self, key: Key, future: Future[Delivered]) -> None:
        task = self._tasks[key]
        self.settled += 1
        seconds = self._outcome(key, task, future)
        if task.again:
            task.again = False
            self._submit(key, task)
            return
        del self._tasks[key]
        for message in task.messages:
            self._answer(message, seconds)
        if seconds is not None:
            self.postponed += 1
            self._put_off[key] = due = monotonic() + seconds
            heapq.heappush(self._due, (due, self.postponed, key, task.arc))

    def _outcome(self, key: Key, task: _Task, future: Future[Delivered]) -> float | None:
        """When the lot is to be looked at again, in seconds, if ever."""
        try:
            delivered = future.result()
        except Exception as error:  # noqa: BLE001  one lot's trouble is not the others'
            self._open.discard(key)
            self._lacking.discard(key)
            return self._bear(key, task, error)
        self.set_aside.pop(key, None)
        self._patience.pop(key, None)
        (self._open.add if delivered.is_open else self._open.discard)(key)
        (self._lacking.add if delivered.until else self._lacking.discard)(key)
        self.worked += delivered.outcome is not None
        self.finished += delivered.finished
        if self._await_others and delivered.seconds is not None and isinstance(delivered.last, Claim):
            return min(delivered.seconds, _GLANCE)  # a claim expires long after the usual end of its work
        return delivered.seconds

    def _bear(self, key: Key, task: _Task, error: Exception) -> float | None:
        """When to try again; what someone must look at is set aside until it is heard of, or found owed, again."""
        patience = self._patience.setdefault(key, Patience(_PATIENCE))
        seconds = patience.lost(error)
        if patience.is_news:
            self._tell(Trouble(element=task.arc.element, lot=str(task.lot), error=error))
        if patience.is_over or (isinstance(error, ClsError) and not may_pass(error)):
            self.set_aside[key] = f"{task.arc.element} {task.lot}"
            return None
        return seconds

    def _answer(self, message: Delivery, seconds: float | None) -> None:
        try:
            if seconds is None:
                message.acknowledge()
            else:
                message.defer(seconds)
        except ClsError as error:  # it comes again
            self._tell(Trouble(element="events", error=error))


def may_pass(error: ClsError) -> bool:
    """Whether trouble may pass by itself: no answer, or a store that is full or read-only."""
    return error.retryable or isinstance(error, OSError)


def _told(element: str, task: _Task, delivered: Delivered, seconds: float) -> Happening:
    outcome = delivered.outcome
    if outcome is None:
        return LeftAlone(
            element=element,
            lot=str(task.lot),
            why=delivered.why,
            seconds=delivered.seconds,
            failed=delivered.is_at_rest and isinstance(delivered.last, Failed),
            until=delivered.until.isoformat() if delivered.until else "",
            stale=delivered.is_stale,
        )
    states = {sink.state for sink in outcome.sinks.values()}
    return Worked(
        element=element,
        lot=str(task.lot),
        state="empty" if states == {ManifestState.EMPTY} else outcome.state.value,
        revision=outcome.revision,
        objects=_objects(task.arc, outcome),
        seconds=seconds,
        error=outcome.error.message if isinstance(outcome, Failed) else "",
        log=str(task.arc.output(task.lot, outcome.attempt)),
        again=delivered.seconds,
    )


def _objects(arc: RunningArc, outcome: Complete | Failed) -> int | None:
    if arc.arc.sinks:
        return sum(sink.objects for sink in outcome.sinks.values())
    return outcome.taken if isinstance(outcome, Complete) else None


def interleave(*arcs: tuple[RunningArc, Iterator[Lot]]) -> Iterator[tuple[RunningArc, Lot]]:
    """The lots of several arcs in turn, so that no arc waits for another's history, nor for another's store.

    Raises:
        ClsError: at the end, what went wrong first for any of them.
    """
    pending = list(arcs)
    trouble: Exception | None = None
    while pending:
        for pair in list(pending):
            try:
                lot = next(pair[1], None)
            except Exception as error:  # noqa: BLE001  told once the others were looked at
                trouble, lot = trouble or error, None
            if lot is None:
                pending.remove(pair)
            else:
                yield pair[0], lot
    if trouble:
        raise trouble
