"""What running projects reaches, for providers that say what it must be allowed (`clusterless.provider.Permitting`)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from attrs import frozen

from clusterless import layout
from clusterless.model.arc import Arc
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.element import Element
from clusterless.model.notifier import LocatedNotifier
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable
from clusterless.runtime.site import inbox_element, subscriber

_log = logging.getLogger(__name__)


@frozen
class Heard:
    """The queue of events in a *placement* that is asked for by the name of a *subscriber*."""

    placement: Placement
    subscriber: str


@frozen
class Post:
    """A *location* of event objects, as it is reached from a *placement*; by *element* who reads there is told."""

    location: str
    placement: Placement
    element: str = ""


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
    def heard(self) -> list[Heard]:
        """What is heard of lots, in the placement itself and in those that sources live in."""
        own, project = self.deployable.placement, self.deployable.project
        found: dict[Heard, None] = {}
        for arc in self._arcs:
            subscribed = [source for source in arc.sources.values() if source.subscribe]
            if subscribed:
                found[Heard(own, subscriber(project, arc))] = None
            away = [each.placement for each in subscribed if each.placement and not each.inbox]
            found |= dict.fromkeys(Heard(there, subscriber(project, arc, own)) for there in away if there != own)
        return list(found)

    def posts(self, scheme: str) -> list[Post]:
        """The inboxes with that *scheme* that are read, or written."""
        own = self.deployable.placement
        inboxes = [(arc, source.inbox) for arc in self._arcs for source in arc.sources.values() if source.inbox]
        found = [Post(inbox, own, inbox_element(arc, inbox)) for arc, inbox in inboxes]
        found += [
            Post(each.path_uri, each.placement or own)
            for each in self.deployable.notifiers
            if isinstance(each, LocatedNotifier) and not each.exclude
        ]
        return [each for each in dict.fromkeys(found) if layout.scheme(each.location) == scheme]

    @property
    def elsewhere(self) -> list[Placement]:
        """The placements that sources live in, where they are named."""
        return sorted({source.placement for source in self.sources if source.placement}, key=lambda each: each.id)

    @property
    def _arcs(self) -> list[Arc]:
        return [each.arc for each in self.deployable.consumers if not each.element.exclude]

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
