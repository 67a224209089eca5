"""What asking about lots costs at least: one pass over the keys that the answer is in, as commands list them.

``python listing.py PROJECT [PREFIX…]``: starts as a command does, then lists each prefix below the project's stores
once: keys alone, or of its folder what else a listing tells. Of a prefix that follows a plus sign, each object is read
as well, its digest is made and its JSON parsed; what is listed in it is compared with what is in the folder, as sets.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from clusterless import layout
from clusterless.cli.scope import Scope
from clusterless.model.placement import Placement
from clusterless.operate.ahead import at_a_time
from clusterless.plugins import find_plugins
from clusterless.store.api import ObjectStore

_AT_A_TIME = 4  # as many as commands list shards at a time,
_READS = 16  # and read records


def main(file: Path, prefixes: list[str]) -> None:
    plugins = find_plugins()
    scope = Scope(files=(file,), placement=Placement(provider="local"), projects=(), names=())
    (placed,) = scope.landscape(plugins).surveyed.placed
    roots = placed.roots[placed.part.deployable.placement]
    stores = {
        "arcs": roots.arc_state,
        "boundaries": roots.arc_state,
        "datasets": roots.manifest,
        "data": f"{file.absolute().parent.as_uri()}/",
    }
    asked = [(plugins.open_store(stores[prefix.strip("+").partition("/")[0]]), prefix) for prefix in prefixes]
    seen = _Seen()
    with ThreadPoolExecutor(max((at_a_time(store, _AT_A_TIME) for store, _ in asked), default=1)) as pool:
        print(sum(pool.map(lambda pair: seen.count(*pair), asked)), len(seen.listed ^ seen.there))


@define
class _Seen:
    """The URIs that records list, and those that are there."""

    listed: set[str] = field(factory=set)
    there: set[str] = field(factory=set)

    def count(self, store: ObjectStore, prefix: str) -> int:
        if prefix.startswith("data/"):
            self.there.update(layout.uri(store.root, info.key) for info in store.list(prefix))
            return len(self.there)
        keys = store.list_keys(prefix.strip("+"))
        if prefix.startswith("+"):
            return sum(map(self._read, _bodies(store, keys)))
        return sum(1 for _ in keys)

    def _read(self, body: bytes) -> int:
        hashlib.sha256(body).hexdigest()
        with suppress(ValueError):  # a marker has no body, and some of what was planted is no JSON
            self.listed.update(json.loads(body).get("uris", ()))
        return 1


def _bodies(store: ObjectStore, keys: Iterator[str]) -> Iterator[bytes]:
    reads = at_a_time(store, _READS)
    if reads == 1:
        yield from map(store.get, keys)
        return
    with ThreadPoolExecutor(reads) as pool:
        yield from pool.map(store.get, keys)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
