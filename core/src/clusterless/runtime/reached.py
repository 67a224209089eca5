"""What running projects reaches, for providers that say what it must be allowed (`clusterless.provider.Permitting`)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from attrs import frozen

from clusterless import layout
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.element import Element
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable

_log = logging.getLogger(__name__)


@frozen
class Reached:
    """What running *deployable* reaches, whose placement is completed, besides the stores of its placement."""

    deployable: Deployable

    @property
    def elements(self) -> list[Element]:
        """Those that run."""
        return [each for each in self.deployable.elements if not each.exclude]

    @property
    def sources(self) -> list[SourceDataset]:
        return [source for each in self.deployable.consumers for source in each.arc.sources.values()]

    @property
    def sinks(self) -> list[SinkDataset]:
        """What it writes: the datasets of boundaries, too, though not at their locations."""
        arriving = [boundary.dataset for _, boundary in self.deployable.ingress]
        return [*self._made, *arriving]

    def arriving(self, scheme: str) -> list[str]:
        """The locations with that *scheme* that are only read."""
        found = [boundary.dataset.path_uri for _, boundary in self.deployable.ingress]
        return [each for each in found if layout.scheme(each) == scheme]

    def made(self, scheme: str) -> list[str]:
        """The locations with that *scheme* that are written."""
        return [each.path_uri for each in self._made if layout.scheme(each.path_uri) == scheme]

    @property
    def subscribers(self) -> list[str]:
        """The names of those that hear of lots."""
        return [
            each.arc.name
            for each in self.deployable.consumers
            if not each.element.exclude and any(source.subscribe for source in each.arc.sources.values())
        ]

    @property
    def elsewhere(self) -> list[Placement]:
        """The placements that sources live in, where they are named."""
        return sorted({source.placement for source in self.sources if source.placement}, key=lambda each: each.id)

    @property
    def _made(self) -> list[SinkDataset]:
        return [sink for each in self.deployable.consumers for sink in each.arc.sinks.values()]


def all_reached(deployables: Sequence[Deployable], read: str) -> list[Reached]:
    """What each of *deployables* reaches. A dataset that none of them writes is warned of: where it lies is not known.

    *read* is what allows to read an object, as the provider calls it.
    """
    found = [Reached(each) for each in deployables]
    written = {sink.id for each in found for sink in each.sinks}
    for unknown in sorted({source.id for each in found for source in each.sources} - written):
        _log.warning("no file writes %s: name its project's file too, or allow %s where it is", unknown, read)
    return found
