"""One attempt at one lot: from a claim to the outcome that will follow it in the ledger."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clusterless import layout
from clusterless.engine.parts import role_of
from clusterless.errors import ClsError, ObjectMissingError, WorkloadError
from clusterless.model.arc import OnEmpty
from clusterless.model.ledger import Claim, Complete, Failed, Failure, Missing, Partial, Rollback, SinkRecord
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import SinkLot, SinkResult, SourceLot, Work, WorkResult
from clusterless.runtime.arc import RunningArc, roll_back
from clusterless.runtime.together import read_together
from clusterless.store.manifests import Found, decode, encode

_TEXT = 2000  # characters kept of a message, and of a trace

Outcome = Complete | Failed | Rollback


def work_lot(
    arc: RunningArc,
    lot: Lot,
    claim: Claim,
    found: Mapping[str, Found],
    earlier: Sequence[Failed],
    collected: list[str],
) -> Outcome:
    """Run the workload, or leave it out where all sources are empty, and say what came of it.

    Whatever the workload raises becomes an outcome; only what ends the process passes. The keys of the manifests that
    it wrote by itself are *collected*: once a complete outcome is finished, nobody needs them.
    """
    sinks: dict[str, SinkRecord] = {}
    failure = taken = None
    try:
        result = _result(arc, lot, claim, found, earlier, collected)
        sinks = {role: _record(arc, role, claim, lot, each) for role, each in result.sinks.items()}
        taken = result.taken
        if any(sink.state is ManifestState.PARTIAL for sink in sinks.values()):
            failure = Failure(type="Partial", message=_writable(result.problem or "some of it failed")[:_TEXT])
    except Exception as error:  # noqa: BLE001  a workload is anybody's code
        failure = failure_of(error)
    if failure is None:
        return Complete(**_stamp(arc, claim), sinks=sinks, taken=taken)
    if arc.stopping():  # not the workload's fault: its attempts begin anew
        return roll_back(arc, claim.revision, "released: the worker was told to stop")
    return (Partial if sinks else Missing)(**_stamp(arc, claim), sinks=sinks, error=failure)


def _result(
    arc: RunningArc,
    lot: Lot,
    claim: Claim,
    found: Mapping[str, Found],
    earlier: Sequence[Failed],
    collected: list[str],
) -> WorkResult:
    all_empty = all(pin.state is ManifestState.EMPTY for pin in claim.sources.values())
    if all_empty and arc.arc.on_empty is OnEmpty.SKIP:
        empty = SinkResult(manifest=Manifest(state=ManifestState.EMPTY, lot=lot), bytes=0)
        return WorkResult(sinks=dict.fromkeys(arc.arc.sinks, empty))
    result = arc.workload.run(work_of(arc, lot, claim, found, earlier, collected))
    _check(arc, lot, result)
    return result


def work_of(
    arc: RunningArc,
    lot: Lot,
    claim: Claim,
    found: Mapping[str, Found],
    earlier: Sequence[Failed] = (),
    collected: list[str] | None = None,
) -> Work:
    """What the workload is told of an attempt."""
    keys = collected if collected is not None else []
    parts = _by_role(arc, claim.sources, found)
    return Work(
        arc=arc.arc.name,
        lot=lot,
        attempt=claim.attempt,
        revision=claim.revision,
        token=_token(arc, claim, lot),
        role=next(role for role in parts if arc.arc.sources[role].subscribe),
        sources={role: _source(arc, role, lot, each) for role, each in parts.items()},
        sinks={role: _sink(arc, role, claim.attempt, earlier) for role in arc.arc.sinks},
        collect=lambda: _collect(arc, lot, claim.attempt, keys),
        stopping=arc.stopping,
        output=arc.output(lot, claim.attempt),
    )


def _token(arc: RunningArc, claim: Claim, lot: Lot) -> str:
    """``<dataset>/<version>/<lot>/<revision>/<arc>``, of the first sink, or of the first source where there is none."""
    dataset = next(iter(arc.arc.sinks.values()), None) or next(iter(claim.sources.values())).dataset
    return f"{dataset.id}/{lot}/{claim.revision}/{arc.arc.name}"


def _by_role(arc: RunningArc, parts: Iterable[str], found: Mapping[str, Found]) -> dict[str, list[Found]]:
    by_role: dict[str, list[Found]] = {}
    for part in parts:
        by_role.setdefault(role_of(arc.arc, part), []).append(found[part])
    return by_role


def _source(arc: RunningArc, role: str, lot: Lot, parts: Sequence[Found]) -> SourceLot:
    side = arc.sources[role]
    if arc.arc.lot_unit:
        return SourceLot(
            dataset=side.dataset,
            manifest_uri="",
            revision=max(part.revision for part in parts),
            read=lambda: read_together(side.manifests, lot, parts),
            roots=side.roots,
        )
    (found,) = parts
    return SourceLot(
        dataset=side.dataset,
        manifest_uri=found.uri,
        revision=found.revision,
        read=lambda: side.manifests.read(found),
        roots=side.roots,
    )


def _sink(arc: RunningArc, role: str, attempt: str, earlier: Sequence[Failed]) -> SinkLot:
    path = layout.staging(arc.keys, role, "{lot}", attempt)
    records = [entry.sinks[role] for entry in earlier if role in entry.sinks]
    return SinkLot(
        dataset=arc.arc.sinks[role],
        staging=f"{arc.manifests.store.root}{path}state={{state}}/manifest.json",
        earlier=[read_record(arc, record) for record in records],
    )


def read_record(arc: RunningArc, record: SinkRecord) -> Manifest:
    """The manifest that an entry holds, or that it says is staged."""
    if record.manifest is not None:
        return record.manifest
    assert record.staged is not None
    return decode(arc.manifests.store, record.staged)


def _collect(arc: RunningArc, lot: Lot, attempt: str, seen: list[str]) -> dict[str, Manifest]:
    """The manifests that the attempt itself wrote, by role, their keys *seen*; complete, empty before partial."""
    collected = {}
    store = arc.manifests.store
    for role in arc.arc.sinks:
        path = layout.staging(arc.keys, role, lot, attempt)
        keys = [key for key in store.list_keys(path) if key.endswith(".json")]
        seen += keys
        manifests = [decode(store, key) for key in keys]
        decided = [manifest for manifest in manifests if manifest.state is not ManifestState.PARTIAL]
        if len(manifests) > 1 and len(decided) != 1:
            msg = f"the workload wrote {len(manifests)} manifests for sink '{role}'; one says what came of it"
            raise WorkloadError(msg, hint=f"look at {store.root}{path}")
        if manifests:
            collected[role] = (decided or manifests)[0]
    return collected


def _check(arc: RunningArc, lot: Lot, result: WorkResult) -> None:
    """Hold the result to the contract: every sink, this lot, a state that an outcome can have.

    Raises:
        WorkloadError: it does not keep to it.
    """
    if missing := sorted(arc.arc.sinks.keys() - result.sinks.keys()):
        msg = f"the workload gave no manifest for sink {', '.join(missing)}"
        raise WorkloadError(msg)
    if unknown := sorted(result.sinks.keys() - arc.arc.sinks.keys()):
        msg = f"the workload gave a manifest for sink {', '.join(unknown)}, which the arc does not have"
        raise WorkloadError(msg)
    for role, each in result.sinks.items():
        if each.manifest.lot != lot:
            msg = f"the manifest of sink '{role}' is for lot {each.manifest.lot}, not {lot}"
            raise WorkloadError(msg)
        if each.manifest.state is ManifestState.REMOVED:
            msg = f"the manifest of sink '{role}' is of state removed, which no workload ends in"
            raise WorkloadError(msg)


def _record(arc: RunningArc, role: str, claim: Claim, lot: Lot, result: SinkResult) -> SinkRecord:
    encoded = encode(result.manifest)
    staged = None
    if encoded.inline is None:
        path = layout.staging(arc.keys, role, lot, claim.attempt)
        staged = f"{path}outcome={arc.writer.new_id()}/manifest.json"
        with encoded.open() as body:
            arc.manifests.store.put(staged, body)
    return SinkRecord(
        state=result.manifest.state,
        objects=encoded.objects,
        bytes=result.bytes,
        digest=encoded.digest,
        manifest=None if staged else result.manifest,
        staged=staged,
    )


def failure_of(error: Exception) -> Failure:
    """What is kept of *error*: its trace only where somebody has to look into code."""
    trace = "" if isinstance(error, WorkloadError | ObjectMissingError) else "".join(traceback.format_exception(error))
    message = error.advice if isinstance(error, ClsError) else str(error)
    return Failure(type=type(error).__name__, message=_writable(message)[-_TEXT:], trace=_writable(trace)[-_TEXT:])


def _writable(text: str) -> str:
    """*text* with what UTF-8 has no bytes for, such as a file name in another encoding, spelled out."""
    return text.encode(errors="backslashreplace").decode()


def _stamp(arc: RunningArc, claim: Claim) -> dict[str, Any]:
    """What an outcome carries over from its claim, and who says so when."""
    return {
        "put_id": arc.writer.new_id(),
        "at": arc.now(),
        "by": arc.writer.by,
        "attempt": claim.attempt,
        "revision": claim.revision,
        "sources": claim.sources,
    }
