"""Writes and reads a manifest of a million URIs below the root given, and prints what memory that took (MB)."""

from __future__ import annotations

import json
import resource
import sys
from typing import TYPE_CHECKING

from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.store.files import FileStore
from clusterless.store.manifests import Manifests, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = int(sys.argv[2]) if sys.argv[2:] else 1_000_000


class Uris:
    def __iter__(self) -> Iterator[str]:
        return (f"s3://some-bucket/some/rather/long/path/part-{number:012}.parquet" for number in range(COUNT))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


before = peak()
manifests = Manifests(FileStore(sys.argv[1]))
lot = Lot.parse("20230101PT5M050")
encoded = encode(Manifest(state=ManifestState.COMPLETE, lot=lot, uris=Uris()))
with encoded.open() as stream:
    uri = manifests.publish(Dataset(name="d", version="1"), lot, ManifestState.COMPLETE, 0, stream)
assert encoded.objects == sum(1 for _ in manifests.read(uri).uris) == COUNT
json.dump({"before": before, "more": peak() - before, "size": encoded.size / 1e6}, sys.stdout)
