"""Datasets are nodes, arcs are edges: who writes what, in which lots, and what cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import combinations

from attrs import field, frozen

from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph_parts import Node, Part, Reader, Recorded, Writer
from clusterless.engine.locations import overlap
from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WaitFor
from clusterless.model.boundary import EventArrival, IngressBoundary
from clusterless.model.lot import Lot, LotUnit


@frozen
class Graph:
    """The *parts* that are looked at together, and what is *recorded* of datasets they use."""

    parts: tuple[Part, ...]
    recorded: Mapping[Node, Recorded] = field(factory=dict)

    # ---- questions ----

    def owner(self, node: Node) -> Writer | None:
        """Who writes the dataset, among the parts: what is excluded only where nothing else does."""
        writers = self._by_node.get(node, ())
        return next((each for each in writers if not each.element.exclude), writers[0] if writers else None)

    def unit(self, node: Node) -> LotUnit | None:
        """How long the dataset's lots are: as its boundary says, through arcs; None where nobody knows."""
        return self._unit(node, frozenset())

    def infrequent(self, node: Node) -> list[Writer]:
        """The boundaries upstream of the dataset that leave out lots in which nothing arrived."""
        return list(self._infrequent(node, frozenset()))

    def findings(self) -> tuple[Finding, ...]:
        """All that is wrong, in the order of the files within each kind."""
        checks = (
            self._double_owners,
            self._taken,
            self._unowned,
            self._cycles,
            self._units,
            self._overlaps,
            self._joins,
            self._deaf,
            self._lots,
        )
        return tuple(finding for check in checks for finding in check())

    # ---- what is declared ----

    @cached_property
    def writers(self) -> tuple[Writer, ...]:
        return tuple(writer for part in self.parts for writer in _writers(part))

    @cached_property
    def readers(self) -> tuple[Reader, ...]:
        """The arcs that are not excluded."""
        return tuple(
            Reader(part=part, arc=arc, path=f"{part.at}.arcs[{index}]")
            for part in self.parts
            for index, arc in enumerate(part.deployable.arcs)
            if not arc.exclude
        )

    @cached_property
    def _by_node(self) -> Mapping[Node, Sequence[Writer]]:
        found: dict[Node, list[Writer]] = {}
        for writer in self.writers:
            found.setdefault(writer.node, []).append(writer)
        return found

    @cached_property
    def _active(self) -> Sequence[Writer]:
        return [writer for writer in self.writers if not writer.element.exclude]

    # ---- owners ----

    def _double_owners(self) -> Iterator[Finding]:
        for node, writers in self._by_node.items():
            active = [each for each in writers if not each.element.exclude]
            for other in active[1:]:
                if not _hands_over(active[0], other):
                    text = f"dataset {node} has two owners: {active[0].label} and {other.label}"
                    yield _at(other, text, "give one of them another name or version")

    def _taken(self) -> Iterator[Finding]:
        for writer in self._active:
            recorded = self.recorded.get(writer.node)
            if recorded is None or writer.dataset.take_over is not None:
                continue
            owner = recorded.owned.owner
            if writer.part.project.owner not in (owner, recorded.owned.before):
                text = f"dataset {writer.node} belongs to project {owner.name}/{owner.version}"
                yield _at(writer, text, "use another name or version, or name the lot to take over from in 'takeOver'")

    def _unowned(self) -> Iterator[Finding]:
        for reader in self.readers:
            for role, source in reader.arc.sources.items():
                node = reader.part.source(source)
                if self.owner(node) is None and node not in self.recorded:
                    text = f"nobody owns dataset {node}"
                    yield reader.finding(text, at=f".sources.{role}", remedy=self._where_else(node))

    def _where_else(self, node: Node) -> str:
        names = {str(each): each for each in self._by_node}
        if str(node) in names:
            return "it is in another placement (name that as the source's 'placement'), or below another root folder"
        same = sorted(version for place, name, version in map(_parts, names.values()) if name == node.name)
        if same:
            return f"there is version {', '.join(same)}"
        return "give the file of the project that owns it too, or run that project first, on the same stores"

    # ---- arcs ----

    def _cycles(self) -> Iterator[Finding]:
        before = self._upstream()
        while True:
            try:
                TopologicalSorter(before).prepare()
            except CycleError as error:
                cycle: list[int] = error.args[1]
                yield self._cycle(cycle)
                # Look on without the edge that closes it: there may be others.
                before[cycle[1]].discard(cycle[0])
            else:
                return

    def _upstream(self) -> dict[int, set[int]]:
        """For each reader, the readers whose sinks it subscribes to, by their number."""
        makes = {
            reader.part.sink(sink): number
            for number, reader in enumerate(self.readers)
            for sink in reader.arc.sinks.values()
        }
        sources = ([reader.part.source(source) for _, source in reader.subscribed] for reader in self.readers)
        return {number: {makes[node] for node in nodes if node in makes} for number, nodes in enumerate(sources)}

    def _cycle(self, cycle: Sequence[int]) -> Finding:
        path = " → ".join(self.readers[number].arc.name for number in cycle)
        text = f"arcs feed themselves: {path}"
        return self.readers[cycle[0]].finding(
            text, remedy="take one of these sources out, or set its 'subscribe' false"
        )

    def _units(self) -> Iterator[Finding]:
        for reader in self.readers:
            units = {role: self.unit(reader.part.source(source)) for role, source in reader.arc.sources.items()}
            known = {role: unit for role, unit in units.items() if unit}
            if len(set(known.values())) > 1:
                listed = ", ".join(f"{role}: {unit.label}" for role, unit in known.items())
                remedy = "sources must have lots of one unit: change a boundary's 'lotUnit', or split the arc"
                yield reader.finding(
                    f"its sources have lots of different units ({listed})", at=".sources", remedy=remedy
                )

    def _joins(self) -> Iterator[Finding]:
        for reader in self.readers:
            if len(reader.subscribed) < 2 or not _waits_for_all(reader.arc):
                continue
            nodes = [reader.part.source(source) for _, source in reader.subscribed]
            names = dict.fromkeys(each.label for node in nodes for each in self.infrequent(node))
            if names:
                text = f"it waits for all its sources, and these leave out lots without arrivals: {', '.join(names)}"
                remedy = "set their 'eventArrival' to 'frequent', or the arc's 'wait.deadlineSec'"
                yield reader.finding(text, severity=Severity.WARNING, remedy=remedy)

    def _deaf(self) -> Iterator[Finding]:
        for reader in self.readers:
            if not reader.subscribed:
                text = "it subscribes to none of its sources, so nothing starts it"
                remedy = "set 'subscribe' to true for one of them"
                yield reader.finding(text, at=".sources", severity=Severity.WARNING, remedy=remedy)

    def _lots(self) -> Iterator[Finding]:
        for writer in self._active:
            if writer.dataset.take_over is not None and (text := self._not_its(writer.node, writer.dataset.take_over)):
                yield Finding(file=writer.part.file, path=f"{writer.path}.takeOver", text=text)
        for reader in self.readers:
            for role, source in reader.arc.sources.items():
                text = self._not_its(reader.part.source(source), source.start)
                if source.start not in {"now", "all"} and text:
                    yield reader.finding(text, at=f".sources.{role}.start")

    def _not_its(self, node: Node, text: str) -> str:
        """Why *text* is no lot of the dataset, if it is none."""
        try:
            lot = Lot.parse(text)
        except InvalidValueError as error:
            return error.problem
        unit = self.unit(node)
        return f"dataset {node} has lots of {unit.label}, and {lot} is none" if unit and lot.unit is not unit else ""

    # ---- locations ----

    def _overlaps(self) -> Iterator[Finding]:
        for one, other in combinations(self._active, 2):
            if one.node == other.node or not overlap(one.dataset.path_uri, other.dataset.path_uri):
                continue
            arcs = [isinstance(each.element, Arc) for each in (one, other)]
            if all(arcs):
                text = f"{other.label} writes to {other.dataset.path_uri}, and {one.label} to {one.dataset.path_uri}"
                yield _at(other, f"sinks overlap: {text}", "give each sink a location of its own")
            elif any(arcs):
                arc, boundary = (one, other) if arcs[0] else (other, one)
                text = f"{arc.label} writes to {arc.dataset.path_uri}, where {boundary.label} takes arrivals from"
                remedy = f"write outside {boundary.dataset.path_uri}, and outside what contains it"
                yield _at(arc, f"what is written would arrive again: {text}", remedy)

    # ---- upstream ----

    def _unit(self, node: Node, seen: frozenset[Node]) -> LotUnit | None:
        writer = self.owner(node)
        if writer is None:
            return self.recorded[node].unit if node in self.recorded else None
        if isinstance(writer.element, Arc):
            sources = (each for each in _sources(writer) if each not in seen)
            return next(filter(None, (self._unit(each, seen | {node}) for each in sources)), None)
        return writer.element.booking.unit if isinstance(writer.element, IngressBoundary) else None

    def _infrequent(self, node: Node, seen: frozenset[Node]) -> Iterator[Writer]:
        writer = self.owner(node)
        if writer is None or node in seen:
            return
        if isinstance(writer.element, Arc):
            for source in _sources(writer):
                yield from self._infrequent(source, seen | {node})
        elif isinstance(writer.element, IngressBoundary) and writer.element.booking.arrival is EventArrival.INFREQUENT:
            yield writer


def _writers(part: Part) -> Iterator[Writer]:
    for index, boundary in enumerate(part.deployable.boundaries):
        path = f"{part.at}.boundaries[{index}].dataset"
        yield Writer(part=part, element=boundary, dataset=boundary.dataset, path=path)
    for index, arc in enumerate(part.deployable.arcs):
        for role, sink in arc.sinks.items():
            yield Writer(part=part, element=arc, dataset=sink, path=f"{part.at}.arcs[{index}].sinks.{role}")


def _sources(writer: Writer) -> Iterable[Node]:
    assert isinstance(writer.element, Arc)
    return [writer.part.source(source) for source in writer.element.sources.values() if source.subscribe]


def _hands_over(one: Writer, other: Writer) -> bool:
    """Whether one project takes the dataset over from the other."""
    named = one.dataset.take_over is not None or other.dataset.take_over is not None
    return named and one.part.project != other.part.project


def _waits_for_all(arc: Arc) -> bool:
    return arc.wait.for_ is WaitFor.ALL and arc.wait.deadline_sec is None


def _parts(node: Node) -> tuple[str, str, str]:
    return node.place, node.name, node.version


def _at(writer: Writer, text: str, remedy: str) -> Finding:
    return Finding(file=writer.part.file, path=writer.path, text=text, remedy=remedy)
