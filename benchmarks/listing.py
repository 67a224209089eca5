"""What asking about lots costs at least: one pass over the keys that the answer is in, as commands list them.

``python listing.py PROJECT [PREFIX…]``: starts as a command does, then lists each prefix below the project's stores
once: keys alone, or of its folder what else a listing tells. Of a prefix that follows a plus sign, each object is read
as well.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
    with ThreadPoolExecutor(max((at_a_time(store, _AT_A_TIME) for store, _ in asked), default=1)) as pool:
        print(sum(pool.map(lambda pair: _count(*pair), asked)))


def _count(store: ObjectStore, prefix: str) -> int:
    if prefix.startswith("data/"):
        return sum(1 for _ in store.list(prefix))
    keys = store.list_keys(prefix.strip("+"))
    if not prefix.startswith("+"):
        return sum(1 for _ in keys)
    reads = at_a_time(store, _READS)
    if reads == 1:
        return sum(1 for key in keys if store.get(key) is not None)
    with ThreadPoolExecutor(reads) as pool:
        return sum(1 for _ in pool.map(store.get, keys))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
