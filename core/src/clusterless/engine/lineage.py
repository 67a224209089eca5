"""Where datasets come from: who writes them, in which lots, and where their objects lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from attrs import field, frozen

from clusterless.engine.graph_parts import Node, Part, Reader, Recorded, Writer
from clusterless.engine.locations import shared, within
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import EventArrival, IngressBoundary
from clusterless.model.lot import LotUnit

T = TypeVar("T")


@frozen
class Lineage:
    """The *parts* that are looked at together, and what is *recorded* of datasets they use.

    Of the *unreached* places nothing is known.
    """

    parts: tuple[Part, ...]
    recorded: Mapping[Node, Recorded] = field(factory=dict)
    unreached: frozenset[str] = frozenset()
    _units: dict[Node, LotUnit | None] = field(factory=dict, init=False, repr=False, eq=False)
    _gaps: dict[Node, frozenset[str]] = field(factory=dict, init=False, repr=False, eq=False)

    # ---- what is declared ----

    @cached_property
    def writers(self) -> tuple[Writer, ...]:
        return tuple(writer for part in self.parts for writer in _writers(part))

    @cached_property
    def active(self) -> tuple[Writer, ...]:
        """The writers that are not excluded."""
        return tuple(writer for writer in self.writers if not writer.element.exclude)

    @cached_property
    def readers(self) -> tuple[Reader, ...]:
        """Whatever works lots and is not excluded."""
        return tuple(
            Reader(part=part, element=each.element, arc=each.arc, path=part.at + each.path)
            for part in self.parts
            for each in part.deployable.consumers
            if not each.element.exclude
        )

    @cached_property
    def by_node(self) -> Mapping[Node, Sequence[Writer]]:
        found: dict[Node, list[Writer]] = {}
        for writer in self.writers:
            found.setdefault(writer.node, []).append(writer)
        return found

    # ---- questions ----

    def is_unknown(self, node: Node) -> bool:
        """Whether nobody can say whose it is, since its place could not be reached."""
        return node.place in self.unreached and self.owner(node) is None

    def owner(self, node: Node) -> Writer | None:
        """Who writes the dataset, among the parts: what is excluded only where nothing else does."""
        writers = self.by_node.get(node, ())
        return next((each for each in writers if not each.element.exclude), writers[0] if writers else None)

    def unit(self, node: Node) -> LotUnit | None:
        """How long the dataset's lots are: as its boundary says, through arcs; None where nobody knows."""
        return _derived(node, self._units, self._unit, self._sources)

    def infrequent(self, node: Node) -> frozenset[str]:
        """The boundaries upstream of the dataset for which it leaves out lots in which nothing arrived."""
        return _derived(node, self._gaps, self._infrequent, self._sources)

    def origins(self, node: Node) -> Sequence[Writer]:
        """The boundaries that the dataset's data comes from."""
        return [each for each in self._upstream(node) if isinstance(each.element, IngressBoundary)]

    def roots(self, node: Node) -> tuple[str, ...]:
        """The locations that the dataset's objects lie below, each once; none where nobody knows."""
        known: dict[Node, tuple[str, ...]] = {}
        return _derived(node, known, lambda each: self._roots(each, known), self._joined)

    def location(self, node: Node) -> str:
        """The dataset's location: of a joined one that declares none, what its sources share, or else the first's."""
        writer = self.owner(node)
        if writer is None:
            return self.recorded[node].owned.dataset.path_uri if node in self.recorded else ""
        if writer.dataset.path_uri or writer.writes_objects:
            return writer.dataset.path_uri
        roots = self.roots(node)
        return shared(roots) or next(iter(roots), "")

    # ---- upstream ----

    def _sources(self, node: Node) -> Sequence[Node]:
        writer = self.owner(node)
        return writer.sources if writer else ()

    def _unit(self, node: Node) -> LotUnit | None:
        writer = self.owner(node)
        if writer is None:
            return self.recorded[node].unit if node in self.recorded else None
        if writer.arc:
            made_of = next(filter(None, map(self._units.get, writer.sources)), None)
            seen = self.recorded[node].unit if node in self.recorded else None
            return writer.arc.lot_unit or made_of or seen
        return writer.element.booking.unit if isinstance(writer.element, IngressBoundary) else None

    def _infrequent(self, node: Node) -> frozenset[str]:
        writer = self.owner(node)
        if writer is None:
            return frozenset()
        if writer.arc:
            found = [self._gaps.get(source, frozenset[str]()) for source in writer.sources]
            least = 1 if writer.arc.wait.deadline_sec is not None else writer.arc.wait.needed(len(found))
            # Enough sources that leave out nothing make lots whatever the others do.
            return frozenset[str]().union(*found) if sum(not each for each in found) < least else frozenset()
        boundary = writer.element
        is_infrequent = isinstance(boundary, IngressBoundary) and boundary.booking.arrival is EventArrival.INFREQUENT
        return frozenset({writer.label}) if is_infrequent else frozenset()

    def _upstream(self, node: Node) -> Iterator[Writer]:
        seen = {node}
        ahead = [node]
        while ahead:
            if writer := self.owner(ahead.pop()):
                yield writer
                ahead += [source for source in reversed(writer.sources) if source not in seen]
                seen.update(writer.sources)

    def _joined(self, node: Node) -> Sequence[Node]:
        """What a barrier lists the objects of, whether it waits for it or not."""
        writer = self.owner(node)
        if writer is None or not isinstance(writer.element, Barrier):
            return ()
        return [writer.part.source(source) for source in writer.element.sources.values()]

    def _roots(self, node: Node, known: Mapping[Node, tuple[str, ...]]) -> tuple[str, ...]:
        writer = self.owner(node)
        if writer is None:
            return self.recorded[node].owned.all_roots if node in self.recorded else ()
        own = writer.dataset.path_uri
        roots = [root for source in self._joined(node) for root in known.get(source, ())]
        # Whoever declares a location for a joined dataset means keys to begin there.
        kept = [root for root in roots if not (own and within(root, own))]
        return tuple(dict.fromkeys([own, *kept] if own else kept))


def _writers(part: Part) -> Iterator[Writer]:
    for path, boundary in part.deployable.ingress:
        yield Writer(part=part, element=boundary, dataset=boundary.dataset, path=f"{part.at}{path}.dataset")
    for each in part.deployable.consumers:
        for role, sink in each.arc.sinks.items():
            path = part.at + each.sink_path(role)
            yield Writer(part=part, element=each.element, dataset=sink, path=path, arc=each.arc)


def _derived(
    node: Node, known: dict[Node, T], rule: Callable[[Node], T], sources: Callable[[Node], Sequence[Node]]
) -> T:
    """What *rule* says of the dataset, once it is *known* of all its *sources*, but where they go round.

    Without recursion, and each dataset once: pipelines may be long and wide.
    """
    entered: set[Node] = set()
    waiting = [node]
    while waiting:
        each = waiting[-1]
        ahead = [] if each in entered else [source for source in sources(each) if source not in known]
        entered.add(each)
        waiting += [source for source in ahead if source not in entered]
        if waiting[-1] is each:
            known.setdefault(waiting.pop(), rule(each))
    return known[node]
