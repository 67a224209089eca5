"""What a project leaves in its placement's metadata, and who owns a dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator

from clusterless import codec, layout
from clusterless.model.dataset import SinkDataset
from clusterless.model.project import Deployable
from clusterless.runtime.ownership import own
from clusterless.store.api import ObjectStore
from clusterless.store.retrying import create_once


def register(metadata: ObjectStore, deployable: Deployable) -> None:
    """Own the project's datasets, then write down what it is made of, where that has changed.

    Raises:
        OwnershipError: a dataset belongs to another project; nothing was written.
    """
    project = deployable.project
    for sink in sinks(deployable):
        own(metadata, project, sink)
    written = [layout.ownership(sink) for sink in sinks(deployable)]
    for each in deployable.consumers:
        key = layout.arc_meta(layout.ArcKeys(project, each.arc.name))
        _write(metadata, key, codec.record_bytes(each.arc))
        written.append(key)
    _write(metadata, layout.project_meta(project), codec.record_bytes(deployable))
    uris = [layout.uri(metadata.root, key) for key in (layout.project_meta(project), *sorted(written))]
    _write(metadata, layout.materials(project), json.dumps(uris, separators=(",", ":")).encode())


def sinks(deployable: Deployable) -> Iterator[SinkDataset]:
    """The datasets that the project writes."""
    for _, boundary in deployable.ingress:
        if not boundary.exclude:
            yield boundary.dataset
    for each in deployable.consumers:
        if not each.element.exclude:
            yield from each.arc.sinks.values()


def _write(metadata: ObjectStore, key: str, body: bytes) -> None:
    if not create_once(metadata, key, body):
        metadata.put(key, body)
