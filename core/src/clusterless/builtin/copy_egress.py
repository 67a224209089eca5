"""``cls:core:copyEgressBoundary``: the objects of a lot to a location outside, then the mark that names them."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from typing import IO

from attrs import frozen

from clusterless.builtin.egress import CopyEgressBoundary
from clusterless.engine.lot_states import attempt_number
from clusterless.errors import WorkloadError
from clusterless.provider import Surroundings, Work, WorkResult
from clusterless.runtime.copying import Copying, Threads, plan
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.retrying import create_once


class EgressWorkload:
    """Copies to a folder that no other attempt writes to, and marks the lot when all is there."""

    def __init__(self, boundary: CopyEgressBoundary, surroundings: Surroundings) -> None:
        self._boundary = boundary
        self._open_store = surroundings.open_store
        self._threads = Threads(boundary.parallel)

    def run(self, work: Work) -> WorkResult:
        """Take the lot out.

        Raises:
            WorkloadError: some object was not copied; what was is removed, and the mark is as it was.
        """
        boundary, store = self._boundary, self._open_store(self._boundary.path_uri)
        tally = plan(work, boundary.filter, boundary.rename)
        folder = f"lot={work.lot}/attempt={work.attempt}/"
        copy = Copying(label=f"to {boundary.path_uri}", root=boundary.path_uri, folder=folder, tally=tally)
        copy.run(work, self._open_store, self._threads)
        if copy.problem:
            if not work.stopping():
                _remove(store, folder)
            raise WorkloadError(copy.problem, hint=copy.hint)
        with tempfile.TemporaryFile() as body:
            there = _write_mark(body, work, folder, store.list(folder))
            if there != len(tally):
                msg = f"{there} of {len(tally)} objects are below {boundary.path_uri}{folder}"
                raise WorkloadError(msg, hint="see that nothing else removes objects there")
            body.seek(0)
            Marks(store, f"lot={work.lot}/").put(_rank(work), body)
        return WorkResult(taken=there)

    def close(self) -> None:
        self._threads.close()


@frozen
class Marks:
    """The marks of one lot, at ``<path>marks/``: each written once, and the last in order is what ``mark.json`` says.

    A worker that was held up may write ``mark.json`` after a newer attempt has: nothing prevents it, since a
    store knows no comparison. But it looks afterwards, finds the newer mark, and writes that one.
    """

    store: ObjectStore
    path: str

    def put(self, rank: str, body: IO[bytes]) -> None:
        """Add the mark *body*, and have ``mark.json`` say what the last in order says."""
        create_once(self.store, f"{self.path}marks/{rank}.json", body)
        written = ""
        while (last := self._last()) != written:
            self.store.copy(f"{self.path}mark.json", self.store, last)
            written = last

    def _last(self) -> str:
        return max(self.store.list_keys(f"{self.path}marks/"))


def _rank(work: Work) -> str:
    """Orders the attempts at a lot as text: by revision, by how new their sources are, and by their number."""
    sources = sum(source.revision + 1 for source in work.sources.values())
    return f"{work.revision:06}-{sources:06}-{attempt_number(work.attempt):06}-{work.attempt}"


def _write_mark(body: IO[bytes], work: Work, folder: str, objects: Iterator[ObjectInfo]) -> int:
    """Write the mark as JSON, one object after another; how many there are."""
    head = {
        "lot": str(work.lot),
        "revision": work.revision,
        "attempt": work.attempt,
        "sources": {
            role: {"name": source.dataset.name, "version": source.dataset.version, "revision": source.revision}
            for role, source in work.sources.items()
        },
        "folder": folder,
    }
    body.write(_json(head)[:-1] + b',"objects":[')
    count = size = 0
    digest = hashlib.sha256()
    for info in objects:
        line = _json({"name": info.key.removeprefix(folder), "size": info.size})
        body.write(b"," + line if count else line)
        digest.update(line + b"\n")
        count, size = count + 1, size + info.size
    body.write(b"]," + _json({"count": count, "bytes": size, "digest": digest.hexdigest()})[1:])
    return count


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _remove(store: ObjectStore, folder: str) -> None:
    for info in list(store.list(folder)):
        store.delete(info.key)
