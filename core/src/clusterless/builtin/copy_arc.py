"""``cls:core:copyArc``: the objects of a lot to every sink, from any store to any store."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from math import ceil
from posixpath import split, splitext

from attrs import Factory, define, frozen

from clusterless import layout
from clusterless.builtin.arcs import CopyArc, CopyProps
from clusterless.builtin.copy_tally import CollisionError, Planned, Tally
from clusterless.errors import ClsError, InvalidValueError, StoreRefusedError, WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import SinkLot, SinkResult, SourceLot, Surroundings, Work, WorkResult
from clusterless.runtime.filters import matcher

_MESSAGES = 3  # distinct ones in a summary
_HELD = 20_000  # URIs given as a tuple; so every manifest that is small enough to be inline holds one
_AHEAD = 2  # copies handed to the threads for each that can run


class CopyWorkload:
    """Plans the whole lot first, so that nothing is copied of one that cannot be."""

    def __init__(self, arc: CopyArc, surroundings: Surroundings) -> None:
        self._props = arc.workload.workload_props
        self._open_store = surroundings.open_store

    def run(self, work: Work) -> WorkResult:
        """Copy what the filter keeps and earlier attempts did not.

        The result is partial where some failed, as many as may, or where more did or the attempt was
        stopped after something was copied.

        Raises:
            WorkloadError: nothing was copied, since too many failed, access was refused, or the attempt
                was stopped; two objects would get one key; or a manifest lists what is not of its dataset.
        """
        tally = _plan(work, self._props)
        allowed = ceil(len(tally) * Fraction(str(self._props.fail_arc_on_partial_percent)))
        copies = [_Copy(role=role, sink=sink, tally=tally, allowed=allowed) for role, sink in work.sinks.items()]
        for copy in copies:
            copy.skip_earlier()
        for copy in copies:
            if not any(each.is_given_up for each in copies):
                self._run(copy, work)
        problem = "; ".join(copy.problem for copy in copies if copy.problem)
        if any(copy.is_given_up for copy in copies) and not any(copy.done for copy in copies):
            raise WorkloadError(problem, hint=next((copy.hint for copy in copies if copy.hint), ""))
        return WorkResult(sinks={copy.role: copy.result(work.lot) for copy in copies}, problem=problem)

    def close(self) -> None:
        """Nothing is held between lots."""

    def _run(self, copy: _Copy, work: Work) -> None:
        """Bring one sink up to date, or as far as it goes."""
        submitted: deque[tuple[Planned, Future[None]]] = deque()
        target = self._open_store(copy.root)
        origins = {role: self._open_store(source.dataset.path_uri) for role, source in work.sources.items()}
        with ThreadPoolExecutor(self._props.parallel) as pool:
            for planned in copy.owed():
                if work.stopping():
                    copy.give_up("the attempt was stopped")
                if copy.is_given_up:
                    break
                origin = origins[planned.origin]
                source_key = layout.key(work.sources[planned.origin].dataset.path_uri, planned.source)
                submitted.append((planned, pool.submit(target.copy, planned.key, origin, source_key)))
                if len(submitted) == self._props.parallel * _AHEAD:
                    copy.settle(*submitted.popleft())
            while submitted:
                copy.settle(*submitted.popleft())


# ---- planning --------------------------------------------------------------------------------------------------


def _plan(work: Work, props: CopyProps) -> Tally:
    tally = Tally()
    for role, source in work.sources.items():
        try:
            _plan_source(tally, role, source, work.lot, props)
        except InvalidValueError as error:
            msg = f"source '{role}': {error}"
            raise WorkloadError(msg) from error
        except CollisionError as error:
            msg = f"{error.first} and {error.second} would both be copied to {error.key}"
            raise WorkloadError(msg, hint="make 'rename' tell them apart, or filter one out") from error
    return tally


def _plan_source(tally: Tally, role: str, source: SourceLot, lot: Lot, props: CopyProps) -> None:
    manifest, root = source.read(), source.dataset.path_uri
    if manifest.uri_type is not UriType.IDENTIFIER:
        msg = f"{source.manifest_uri} lists things of type '{manifest.uri_type.value}', and only objects can be copied"
        raise InvalidValueError(msg)
    keeps = matcher(props.filter, root)
    for uri in manifest.uris:
        if keeps(uri):
            key = layout.key(root, uri)
            tally.plan(role, uri, renamed(props.rename, key, lot) if props.rename else key)


def renamed(template: str, key: str, lot: Lot) -> str:
    """*key* as *template* has it (`CopyProps`); a folder that is none leaves no slash."""
    folder, name = split(key)
    stem, suffix = splitext(name)
    fields = {"dir": folder, "name": name, "stem": stem, "suffix": suffix, "lot": str(lot)}
    text = re.sub(r"\{(\w+)\}", lambda match: fields[match[1]], template)
    return re.sub("/+", "/", text).lstrip("/")


# ---- one sink --------------------------------------------------------------------------------------------------


@define(kw_only=True)
class _Copy:
    """How the copying to one sink goes."""

    role: str
    sink: SinkLot
    tally: Tally
    allowed: int
    failures: int = 0
    messages: list[str] = Factory(list)
    hint: str = ""
    is_given_up: bool = False

    @property
    def root(self) -> str:
        return self.sink.dataset.path_uri

    @property
    def done(self) -> int:
        return self.tally.count(self.role)

    @property
    def problem(self) -> str:
        """What is missing and why, or nothing."""
        owed = len(self.tally) - self.done
        reasons = f": {'; '.join(self.messages)}" if self.messages else ""
        return f"sink '{self.role}': {owed} of {len(self.tally)} objects were not copied{reasons}" if owed else ""

    def owed(self) -> Iterator[Planned]:
        return self.tally.owed(self.role)

    def skip_earlier(self) -> None:
        for manifest in self.sink.earlier:
            for uri in manifest.uris:
                if uri.startswith(self.root):
                    self.tally.mark(self.role, layout.key(self.root, uri))

    def settle(self, planned: Planned, copied: Future[None]) -> None:
        """Note how it went; what has not begun when all is given up, never does."""
        if self.is_given_up and copied.cancel():
            return
        error = copied.exception()
        if error is None:
            self.tally.mark(self.role, planned.key)
        elif isinstance(error, ClsError):
            self._fail(error)
        else:
            raise error

    def give_up(self, reason: str, hint: str = "") -> None:
        self.is_given_up = True
        self.hint = self.hint or hint
        self._say(reason)

    def _fail(self, error: ClsError) -> None:
        self.failures += 1
        if self.failures > self.allowed or isinstance(error, StoreRefusedError):
            self.give_up(str(error), error.hint)
        self._say(str(error))

    def _say(self, reason: str) -> None:
        if reason not in self.messages and len(self.messages) < _MESSAGES:
            self.messages.append(reason)

    def result(self, lot: Lot) -> SinkResult:
        if len(self.tally) == 0:
            return SinkResult(manifest=Manifest(state=ManifestState.EMPTY, lot=lot), bytes=0)
        copied = _Copied(self.tally, self.role, self.root)
        return SinkResult(
            manifest=Manifest(
                state=ManifestState.PARTIAL if self.problem else ManifestState.COMPLETE,
                comment=self.problem or None,
                lot=lot,
                uris=tuple(copied) if self.done <= _HELD else copied,
            )
        )


@frozen
class _Copied:
    """The URIs that a sink has, read from the tally each time."""

    tally: Tally
    role: str
    root: str

    def __iter__(self) -> Iterator[str]:
        return (layout.uri(self.root, key) for key in self.tally.keys(self.role))
