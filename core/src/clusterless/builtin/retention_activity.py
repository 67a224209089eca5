"""``cls:core:retentionActivity``: what is old and consumed goes."""

from __future__ import annotations

import logging

from clusterless.builtin.retention import RetentionActivity
from clusterless.provider import Occasion, Surroundings
from clusterless.runtime.retention import Retained, expire
from clusterless.store.manifests import Manifests

_log = logging.getLogger(__name__)


class Retention:
    """Another process may make the next run; the first of each is thorough."""

    def __init__(self, activity: RetentionActivity, surroundings: Surroundings) -> None:
        self._activity = activity
        self._around = surroundings
        self._thorough = True

    def run(self, occasion: Occasion) -> str:
        """Remove and give up what there is; says what was, and what holds the rest back.

        Raises:
            ClsError: as `clusterless.runtime.retention.expire` does.
        """
        around = self._around
        retained = Retained(
            project=around.project,
            placement=around.placement,
            dataset=self._activity.dataset,
            age=self._activity.age,
            metadata=around.open_store(around.roots.metadata),
            state=around.open_store(around.roots.arc_state),
            manifests=Manifests(around.open_store(around.roots.manifest)),
            open_store=around.open_store,
            stopping=occasion.stopping,
            thorough=self._thorough,
        )
        expired = expire(retained)
        self._thorough = False
        for why in expired.held:
            _log.warning("%s: dataset %s: held back: %s", occasion.activity, retained.dataset.id, why)
        return str(expired)

    def close(self) -> None:
        """Nothing is held."""
