"""Which placements keep silent: all are asked at once, since waiting for one of these takes minutes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic

from clusterless import layout
from clusterless.store.api import ObjectStore

PATIENCE = 10.0  # seconds


def silent(stores: Mapping[str, ObjectStore]) -> set[str]:
    """Those of *stores*, by name, that gave no answer, good or bad, for a while in which another did."""
    answered = {name: threading.Event() for name in stores}
    for name, store in stores.items():
        threading.Thread(target=_ask, args=[store, answered[name]], name=f"asking {name}", daemon=True).start()
    deadline = monotonic() + PATIENCE
    late = {name for name, event in answered.items() if not event.wait(max(deadline - monotonic(), 0))}
    return late if len(late) < len(stores) else set()


def _ask(store: ObjectStore, answered: threading.Event) -> None:
    with suppress(Exception):  # an answer all the same: whoever asks for something will hear it
        store.head(layout.PLACEMENT_META)
    answered.set()
