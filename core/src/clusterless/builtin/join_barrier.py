"""``cls:core:joinBarrier`` and ``cls:core:rollupBarrier``: one manifest of all that the sources list."""

from __future__ import annotations

from collections.abc import Mapping

from clusterless.builtin.barriers import AtDeadline, JoinBarrier
from clusterless.errors import WorkloadError
from clusterless.model.barrier import Barrier
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import SinkResult, Surroundings, Work, WorkResult
from clusterless.runtime.copy_tally import Tally, listing


class JoinWorkload:
    """Lists what the sources list; however much that is, little of it is held in memory."""

    def __init__(self, barrier: Barrier, _surroundings: Surroundings) -> None:
        self._barrier = barrier

    def run(self, work: Work) -> WorkResult:
        """Make the manifest: URIs in the order of the sources, each once; empty where all sources are.

        Raises:
            WorkloadError: sources are missing and the barrier reports that, or they list different things.
        """
        missing = self._missing(work)
        if missing and self._reports(work):
            names = ", ".join(f"{role} (dataset {dataset})" for role, dataset in missing.items())
            msg = f"these sources had not come by the deadline: {names}"
            raise WorkloadError(msg, hint="the lot is tried again when they come")
        manifest = self._manifest(work, f"without {', '.join(missing)}" if missing else None)
        return WorkResult(sinks={"main": SinkResult(manifest=manifest)})

    def close(self) -> None:
        """Nothing is held between lots."""

    def _missing(self, work: Work) -> dict[str, str]:
        """The datasets that are waited for and not there, by role."""
        sources = self._barrier.sources.items()
        return {role: each.id for role, each in sources if each.subscribe and role not in work.sources}

    def _reports(self, work: Work) -> bool:
        if not isinstance(self._barrier, JoinBarrier) or self._barrier.wait.at_deadline is not AtDeadline.REPORT:
            return False
        subscribed = [role for role, source in self._barrier.sources.items() if source.subscribe]
        there = sum(role in work.sources for role in subscribed)
        return there < self._barrier.wait.needed(len(subscribed))

    def _manifest(self, work: Work, comment: str | None) -> Manifest:
        sources = {role: work.sources[role].read() for role in self._barrier.sources if role in work.sources}
        if all(source.state is ManifestState.EMPTY for source in sources.values()):
            return Manifest(state=ManifestState.EMPTY, comment=comment, lot=work.lot)
        kind = _type(sources)
        tally = Tally()
        for role, source in sources.items():
            for uri in source.uris:
                tally.plan(role, uri, uri)
        return Manifest(
            state=ManifestState.COMPLETE,
            comment=comment,
            lot=work.lot,
            uri_type=kind,
            uris=listing(len(tally), tally.sources),
        )


def _type(sources: Mapping[str, Manifest]) -> UriType:
    """What all of them list; an empty one says nothing about it."""
    types = {source.uri_type: role for role, source in sources.items() if source.state is not ManifestState.EMPTY}
    if len(types) > 1:
        listed = ", ".join(f"{role}: {type_.value}" for type_, role in types.items())
        msg = f"its sources list things of different types ({listed})"
        raise WorkloadError(msg)
    return next(iter(types))
