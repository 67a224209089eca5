"""Copying the objects of a lot to locations, from any stores to any store: for every arc and boundary that does."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from math import ceil
from posixpath import split, splitext

from attrs import Factory, define, field

from clusterless import layout
from clusterless.engine.locations import home
from clusterless.errors import ClsError, InvalidValueError, StoreRefusedError, WorkloadError
from clusterless.model.boundary import PathFilter
from clusterless.model.copying import CopyProps
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import SinkResult, SourceLot, Work, WorkResult
from clusterless.runtime.copy_tally import CollisionError, Planned, Tally, listing
from clusterless.runtime.filters import matcher
from clusterless.store.api import ObjectStore

_MESSAGES = 3  # distinct ones in a summary
_AHEAD = 2  # batches handed to the threads for each that can run

_Outcomes = Sequence[ClsError | None]
_Copied = Future[_Outcomes]


# ---- planning --------------------------------------------------------------------------------------------------


def plan(work: Work, filter: PathFilter, rename: str | None) -> Tally:
    """What *filter* keeps of the source lots, and the key of each below where it goes (`RENAME_FIELDS`).

    Raises:
        WorkloadError: two objects would get one key, or a manifest lists what is not of its dataset.
    """
    tally = Tally()
    for role, source in work.sources.items():
        try:
            _plan_source(tally, role, source, work.lot, filter, rename)
        except InvalidValueError as error:
            msg = f"source '{role}': {error}"
            raise WorkloadError(msg) from error
        except CollisionError as error:
            msg = f"{error.first} and {error.second} would both be copied to {error.key}"
            raise WorkloadError(msg, hint="make 'rename' tell them apart, or filter one out") from error
    return tally


def _plan_source(tally: Tally, role: str, source: SourceLot, lot: Lot, filter: PathFilter, rename: str | None) -> None:
    manifest = source.read()
    if manifest.uri_type is not UriType.IDENTIFIER:
        where = source.manifest_uri or f"the lot of {source.dataset.id}"
        msg = f"{where} lists things of type '{manifest.uri_type.value}', and only objects can be copied"
        raise InvalidValueError(msg)
    keeps = {root: matcher(filter, root) for root in source.roots}
    for uri in manifest.uris:
        root = home(source.roots, uri)
        if keeps[root](uri):
            key = layout.key(root, uri)
            tally.plan(role, uri, renamed(rename, key, lot) if rename else key)


def renamed(template: str, key: str, lot: Lot) -> str:
    """*key* as *template* has it (`CopyProps`); a folder that is none leaves no slash."""
    folder, name = split(key)
    stem, suffix = splitext(name)
    fields = {"dir": folder, "name": name, "stem": stem, "suffix": suffix, "lot": str(lot)}
    text = re.sub(r"\{(\w+)\}", lambda match: fields[match[1]], template)
    return re.sub("/+", "/", text).lstrip("/")


# ---- one location ----------------------------------------------------------------------------------------------


@define(eq=False)
class Threads:
    """Threads that copy *parallel* objects of a lot at a time, kept for the next lot."""

    parallel: int
    _idle: deque[ThreadPoolExecutor] = field(factory=deque, init=False)

    @contextmanager
    def for_a_lot(self) -> Iterator[ThreadPoolExecutor]:
        try:
            pool = self._idle.pop()
        except IndexError:  # as many lots are being copied as never before
            pool = ThreadPoolExecutor(self.parallel, thread_name_prefix="copy")
        try:
            yield pool
        finally:
            self._idle.append(pool)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().shutdown()


@define(kw_only=True)
class Copying:
    """How the copying of what is planned to the location *root* goes, or to its *folder* (a path, with a slash).

    *label* names it in the tally and to people. When more objects failed than are *allowed* to, it is given up.
    """

    label: str
    root: str
    tally: Tally
    folder: str = ""
    allowed: int = 0
    failures: int = 0
    messages: list[str] = Factory(list)
    hint: str = ""
    is_given_up: bool = False

    def run(self, work: Work, open_store: Callable[[str], ObjectStore], threads: Threads) -> None:
        """Bring the location up to date, or as far as it goes."""
        submitted: deque[tuple[Sequence[Planned], _Copied]] = deque()
        target = open_store(self.root)
        roots = {role: source.roots for role, source in work.sources.items()}
        origins = {root: open_store(root) for each in roots.values() for root in each}

        def copy(planned: Planned) -> bool:
            if self.is_given_up or work.stopping():
                return False
            root = home(roots[planned.origin], planned.source)
            target.copy(self.folder + planned.key, origins[root], layout.key(root, planned.source))
            return True

        owed = self.tally.owed(self.label)
        with threads.for_a_lot() as pool, _awaited(submitted):
            while batch := tuple(islice(owed, target.batch)):
                if self.is_given_up:
                    break
                submitted.append((batch, pool.submit(self._copied, copy, batch, target)))
                if len(submitted) == threads.parallel * _AHEAD:
                    self._settle(*submitted.popleft())
            while submitted:
                self._settle(*submitted.popleft())

    def skip(self, earlier: Iterable[Manifest]) -> None:
        """Note what *earlier* attempts left at the location."""
        for manifest in earlier:
            for uri in manifest.uris:
                if uri.startswith(self.root):
                    self.tally.mark(self.label, layout.key(self.root, uri))

    @property
    def done(self) -> int:
        return self.tally.count(self.label)

    @property
    def problem(self) -> str:
        """What is missing and why, or nothing."""
        owed = len(self.tally) - self.done
        reasons = f": {'; '.join(self.messages)}" if self.messages else ""
        which = "the object was" if len(self.tally) == 1 else f"{owed} of {len(self.tally)} objects were"
        return f"{self.label}: {which} not copied{reasons}" if owed else ""

    @property
    def uris(self) -> Iterable[str]:
        """The URIs of what is there."""
        return listing(self.done, self._read)

    def give_up(self, reason: str, hint: str = "") -> None:
        self.is_given_up = True
        self.hint = self.hint or hint
        self._say(reason)

    def _read(self) -> Iterator[str]:
        return (layout.uri(self.root, self.folder + key) for key in self.tally.keys(self.label))

    def _copied(self, copy: Callable[[Planned], bool], batch: Sequence[Planned], target: ObjectStore) -> _Outcomes:
        """How each of *batch* went, up to the one with which all is given up."""
        outcomes: list[ClsError | None] = []
        with target.together():
            for planned in batch:
                try:
                    if not copy(planned):
                        break
                    outcomes.append(None)
                except ClsError as error:
                    outcomes.append(error)
                    if self._is_too_much(error, self.failures + sum(map(bool, outcomes))):
                        break
        return outcomes

    def _settle(self, batch: Sequence[Planned], copied: _Copied) -> None:
        if self.is_given_up and copied.cancel():
            return
        try:
            outcomes = copied.result()
        except ClsError as error:  # of all of them: none is known to be there for good
            outcomes = [error for _ in batch]
        for planned, outcome in zip(batch, outcomes, strict=False):
            if outcome:
                self._fail(outcome)
            else:
                self.tally.mark(self.label, planned.key)
        if len(outcomes) < len(batch) and not self.is_given_up:
            self.give_up("the attempt was stopped")

    def _fail(self, error: ClsError) -> None:
        self.failures += 1
        if self._is_too_much(error, self.failures):
            self.give_up(str(error), error.hint)
        self._say(str(error))

    def _is_too_much(self, error: ClsError, failures: int) -> bool:
        return failures > self.allowed or isinstance(error, StoreRefusedError)

    def _say(self, reason: str) -> None:
        if reason not in self.messages and len(self.messages) < _MESSAGES:
            self.messages.append(reason)


@contextmanager
def _awaited(submitted: deque[tuple[Sequence[Planned], _Copied]]) -> Iterator[None]:
    """Nothing is being copied any more when the context is left, also by an error."""
    try:
        yield
    finally:
        left = [future for _, future in submitted]
        for future in left:
            future.cancel()
        wait(left)


# ---- a whole lot -----------------------------------------------------------------------------------------------


class CopyWorkload:
    """Copies the objects of a lot to every sink.

    The whole lot is planned first, so that nothing is copied of one that cannot be.
    """

    def __init__(self, props: CopyProps, open_store: Callable[[str], ObjectStore]) -> None:
        self._props = props
        self._open_store = open_store
        self._threads = Threads(self._props.parallel)

    def run(self, work: Work) -> WorkResult:
        """Copy what the filter keeps and earlier attempts did not.

        The result is partial where some failed, as many as may, or where more did or the attempt was
        stopped after something was copied.

        Raises:
            WorkloadError: nothing was copied, since too many failed, access was refused, or the attempt
                was stopped; two objects would get one key; or a manifest lists what is not of its dataset.
        """
        tally = plan(work, self._props.filter, self._props.rename)
        allowed = ceil(len(tally) * Fraction(str(self._props.fail_arc_on_partial_percent)))
        copies = {
            role: Copying(label=f"sink '{role}'", root=sink.dataset.path_uri, tally=tally, allowed=allowed)
            for role, sink in work.sinks.items()
        }
        for role, copy in copies.items():
            copy.skip(work.sinks[role].earlier)
        for copy in copies.values():
            if not any(each.is_given_up for each in copies.values()):
                copy.run(work, self._open_store, self._threads)
        problem = "; ".join(copy.problem for copy in copies.values() if copy.problem)
        if any(copy.is_given_up for copy in copies.values()) and not any(copy.done for copy in copies.values()):
            raise WorkloadError(problem, hint=next((copy.hint for copy in copies.values() if copy.hint), ""))
        return WorkResult(sinks={role: _result(copy, work.lot) for role, copy in copies.items()}, problem=problem)

    def close(self) -> None:
        self._threads.close()


def _result(copy: Copying, lot: Lot) -> SinkResult:
    if len(copy.tally) == 0:
        return SinkResult(manifest=Manifest(state=ManifestState.EMPTY, lot=lot), bytes=0)
    state = ManifestState.PARTIAL if copy.problem else ManifestState.COMPLETE
    return SinkResult(manifest=Manifest(state=state, comment=copy.problem or None, lot=lot, uris=copy.uris))
