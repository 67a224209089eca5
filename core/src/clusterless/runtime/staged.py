"""Work of those who write their own manifests: what earlier attempts left, as files; what it came to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from shutil import copyfileobj

from clusterless import layout
from clusterless.errors import InvalidValueError, MalformedError, WorkloadError
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import SinkLot, SinkResult, Work, WorkResult
from clusterless.store.manifests import encode

_STATES = {ManifestState.COMPLETE, ManifestState.EMPTY, ManifestState.PARTIAL}
_SHOWN = 3  # URIs named in a message


@contextmanager
def as_files(sinks: Mapping[str, SinkLot], scratch: Path) -> Iterator[dict[str, list[str]]]:
    """The manifests of earlier attempts as files, for they may be nowhere else but in a ledger's entry."""
    if not any(sink.earlier for sink in sinks.values()):
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="earlier-", dir=scratch) as folder:
        yield {role: _write(sink, Path(folder) / role) for role, sink in sinks.items() if sink.earlier}


def _write(sink: SinkLot, folder: Path) -> list[str]:
    uris = []
    for number, manifest in enumerate(sink.earlier):
        file = folder / str(number) / "manifest.json"
        file.parent.mkdir(parents=True)
        with encode(manifest).open() as source, file.open("wb") as target:
            copyfileobj(source, target)
        uris.append(file.as_uri())
    return uris


def succeeded(work: Work, sizes: Mapping[str, int] | None = None) -> WorkResult:
    """The result of a process that ended well; *sizes* are the bytes written by role, where known.

    Raises:
        WorkloadError: it did not leave one good manifest for every sink.
    """
    manifests = _collect(work)
    for role, sink in work.sinks.items():
        if role not in manifests:
            msg = f"exited 0 without a manifest for sink '{role}'"
            raise WorkloadError(msg, hint=f"write it to {sink.staging}")
        _check(work, role, sink, manifests[role])
    sinks = {role: SinkResult(manifest=manifests[role], bytes=(sizes or {}).get(role)) for role in work.sinks}
    return WorkResult(sinks=sinks, problem=_comments(manifests))


def failed(work: Work, problem: WorkloadError) -> WorkResult:
    """What a process that failed by *problem* left for the next attempt.

    Raises:
        WorkloadError: *problem*, as it left nothing partial that can be used.
    """
    try:
        manifests = _collect(work)
        for role, manifest in manifests.items():
            _check(work, role, work.sinks[role], manifest)
    except WorkloadError:
        raise problem from None
    if not any(manifest.state is ManifestState.PARTIAL for manifest in manifests.values()):
        raise problem
    nothing = Manifest(state=ManifestState.PARTIAL, lot=work.lot)
    sinks = {role: SinkResult(manifest=manifests.get(role, nothing)) for role in work.sinks}
    return WorkResult(sinks=sinks, problem=problem.advice)


def _collect(work: Work) -> Mapping[str, Manifest]:
    try:
        return work.collect()
    except (MalformedError, InvalidValueError) as error:
        msg = f"wrote a manifest that is none: {error}"
        raise WorkloadError(msg, hint="see FORMATS 4.4 for a manifest's keys") from error


def _check(work: Work, role: str, sink: SinkLot, manifest: Manifest) -> None:
    if manifest.lot != work.lot:
        msg = f"the manifest for sink '{role}' is of lot {manifest.lot}, not {work.lot}"
        raise WorkloadError(msg)
    if manifest.state not in _STATES:
        msg = f"the manifest for sink '{role}' has the state '{manifest.state.value}'"
        raise WorkloadError(msg, hint="use complete, empty or partial")
    foreign = list(islice((uri for uri in manifest.uris if not _is_below(sink.dataset.path_uri, uri)), _SHOWN))
    if foreign:
        msg = f"the manifest for sink '{role}' lists what is not below {sink.dataset.path_uri}: {', '.join(foreign)}"
        raise WorkloadError(msg)


def _is_below(root: str, uri: str) -> bool:
    try:
        return ".." not in layout.key(root, uri).split("/")
    except InvalidValueError:
        return False


def _comments(manifests: Mapping[str, Manifest]) -> str:
    partial = {role: each for role, each in manifests.items() if each.state is ManifestState.PARTIAL}
    return "; ".join(f"sink '{role}': {each.comment or 'only part of it was done'}" for role, each in partial.items())
