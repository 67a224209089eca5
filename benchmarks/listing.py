"""What asking about lots costs at least: one pass over the keys that the answer is in, some prefixes at a time.

``python listing.py PROJECT [PREFIX…]``: starts as a command does, then lists each prefix below the project's stores,
or its folder, once.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clusterless.cli.scope import Scope
from clusterless.model.placement import Placement
from clusterless.plugins import find_plugins
from clusterless.store.api import ObjectStore

_AT_A_TIME = 4  # as many as commands list shards at a time


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
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        asked = [(plugins.open_store(stores[prefix.partition("/")[0]]), prefix) for prefix in prefixes]
        print(sum(pool.map(lambda pair: _count(*pair), asked)))


def _count(store: ObjectStore, prefix: str) -> int:
    return sum(1 for _ in store.list(prefix))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
