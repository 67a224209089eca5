"""Where declared projects live, and what is already recorded there of the datasets they use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from attrs import Factory, evolve, frozen

from clusterless import codec, layout
from clusterless.deploy.read import Declared
from clusterless.deploy.silence import PATIENCE, silent
from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph import Graph
from clusterless.engine.graph_parts import Node, Part, Recorded
from clusterless.errors import (
    ClsError,
    InvalidValueError,
    ObjectMissingError,
    PlaceMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.model.arc import Arc
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import EgressBoundary
from clusterless.model.dataset import Dataset, HandedOver, SourceDataset
from clusterless.model.element import Element
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.notifier import LocatedNotifier, Notifier
from clusterless.model.placement import Placement, bootstrap_command
from clusterless.model.project import Deployable
from clusterless.plugins import Plugins
from clusterless.provider import Asking, StoreRoots

Complete = Callable[[Placement, str], Placement]
"""A placement, and the JSON path it was found at → the placement completed."""


@frozen(kw_only=True)
class Placed:
    """A part of the graph, with the folder of its file and the stores of each placement that it names.

    A placement whose provider cannot be had has no *roots*; a finding says why.
    """

    part: Part
    base: Path
    roots: Mapping[Placement, StoreRoots] = Factory(dict)

    def roots_of(self, source: SourceDataset) -> StoreRoots | None:
        return self.roots.get(source.placement or self.part.deployable.placement)


@frozen(kw_only=True)
class Survey:
    """The graph of all that was declared, placed; *findings* are what could not be looked up, or opened.

    *unreached* says why nothing is known of a place that is only read from, by the text that tells it apart.
    *refused* is the first of the findings that is no mistake in a file: who asks may not look, or nothing is there.
    """

    graph: Graph
    placed: tuple[Placed, ...]
    findings: tuple[Finding, ...]
    unreached: Mapping[str, StoreUnavailableError] = Factory(dict)
    refused: ClsError | None = None


def survey(declared: Sequence[Declared], plugins: Plugins) -> Survey:
    """Place every project, and read who is recorded as the owner of each dataset that it writes or reads.

    Raises:
        ClsError: a store or a service of a project's own placement did not answer, which says nothing of what is
            declared.
    """
    surveyor = _Surveyor(plugins)
    placed = tuple(surveyor.place(each, at) for each, at in zip(declared, _paths(declared), strict=True))
    surveyor.note_silent(placed)
    for own in (each.part.place for each in placed):
        if own in surveyor.unreached:
            raise surveyor.unreached[own]
    graph = Graph(tuple(each.part for each in placed))
    recorded = surveyor.recorded(graph, placed)
    if surveyor.unreached:
        recorded |= surveyor.with_units(graph, placed, recorded)
    graph = evolve(graph, recorded=recorded, unreached=frozenset(surveyor.unreached))
    _entrust(graph, placed, plugins)
    surveyor.open(graph)
    return Survey(
        graph=graph,
        placed=placed,
        findings=tuple(surveyor.findings),
        unreached=MappingProxyType(surveyor.unreached),
        refused=surveyor.refused,
    )


def silences(declared: Sequence[Declared], plugins: Plugins) -> dict[int, StoreUnavailableError]:
    """The projects whose own placement keeps silent while another answers, by their number, and what to say of it."""
    surveyor = _Surveyor(plugins)
    placed = tuple(surveyor.place(each, at) for each, at in zip(declared, _paths(declared), strict=True))
    surveyor.note_silent(placed)
    own = {number: each.part.place for number, each in enumerate(placed)}
    return {number: surveyor.unreached[place] for number, place in own.items() if place in surveyor.unreached}


def _entrust(graph: Graph, placed: Sequence[Placed], plugins: Plugins) -> None:
    """Reach each dataset's objects as the placement does that it lives in, whoever asks for them.

    What a joined dataset lists is other datasets', perhaps of other placements: these come first.
    """
    places = {roots.metadata: placement for each in placed for placement, roots in each.roots.items()}
    written = [writer.node for writer in graph.writers if writer.writes_objects]
    read = [node for node, recorded in graph.recorded.items() if not (node in graph.by_node or recorded.owned.roots)]
    for node in dict.fromkeys([*written, *read, *graph.by_node, *graph.recorded]):
        location = graph.location(node)
        if location and node.place in places:
            plugins.entrust(location, places[node.place])
    for each in placed:
        for location, placement in inboxes(each.part.deployable):
            plugins.entrust(location, placement)


def inboxes(deployable: Deployable) -> Iterator[tuple[str, Placement]]:
    """The inboxes of its own and, where it says how they are reached, of others: locations, and as which placement."""
    for consumer in deployable.consumers:
        for source in consumer.arc.sources.values():
            if source.inbox:
                yield source.inbox, deployable.placement
    for notifier in deployable.notifiers:
        if isinstance(notifier, LocatedNotifier) and notifier.placement:
            yield notifier.path_uri, notifier.placement


def _paths(declared: Sequence[Declared]) -> Iterator[str]:
    """The JSON path of each: a file holds one deployable, or an array of them."""
    total = Counter(each.file for each in declared)
    seen: Counter[str] = Counter()
    for each in declared:
        yield f"$[{seen[each.file]}]" if total[each.file] > 1 else "$"
        seen[each.file] += 1


class _Surveyor:
    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self.findings: list[Finding] = []
        self.unreached: dict[str, StoreUnavailableError] = {}
        self.refused: ClsError | None = None

    def place(self, declared: Declared, at: str) -> Placed:
        roots: dict[Placement, StoreRoots] = {}

        def completed(placement: Placement, path: str) -> Placement:
            is_own = placement == declared.deployable.placement
            try:
                whole = self._plugins.provider(placement.provider).complete(placement)
                roots[whole] = (is_own and declared.roots) or self._plugins.roots(whole, declared.base)
            except ClsError as error:
                if is_own or not error.retryable:
                    self._note_refused(error, declared.file, path)
                else:
                    self._note_unreached(placement.id, placement, error, declared.file, path)
                return placement
            return whole

        deployable = with_places(declared.deployable, completed, at)
        own = deployable.placement
        # Placements are told apart by their stores: two folders may hold one placement each.
        places = {each: roots[each].metadata if each in roots else each.id for each in placements(deployable)}
        part = Part(deployable=deployable, file=declared.file, at=at, place=places[own], elsewhere=places)
        return Placed(part=part, base=declared.base, roots=roots)

    def note_silent(self, placed: Sequence[Placed]) -> None:
        """Ask all placements at once, where they are several."""
        found = {roots.metadata: (each, placement) for each in placed for placement, roots in each.roots.items()}
        if len(found) < 2:  # nobody is held up by another
            return
        for place in silent({root: self._plugins.open_store(root) for root in found}):
            each, placement = found[place]
            error = StoreUnavailableError(f"{place} has not answered for {PATIENCE:.0f} s", hint="check the network")
            self._note_unreached(place, placement, error, each.part.file, f"{each.part.at}.placement")

    def recorded(self, graph: Graph, placed: Sequence[Placed]) -> dict[Node, Recorded]:
        found: dict[Node, Recorded] = {}
        for each in placed:
            for node, roots, path, is_source in _uses(each):
                if node in found or node.place in self.unreached or (is_source and graph.owner(node)):
                    continue
                try:
                    if record := self._record(node, roots, look_for_unit=is_source):
                        found[node] = record
                except PlaceMissingError:
                    placement = _placement(each, roots)
                    msg = f"the placement {placement.id} is not bootstrapped: there is no {roots.metadata}"
                    missing = PlaceMissingError(msg, hint=bootstrap_command(placement))
                    self._note_refused(self._told(missing, placement), each.part.file, f"{each.part.at}.placement")
                except StoreRefusedError as error:
                    self._note_refused(self._told(error, _placement(each, roots)), each.part.file, path)
                except ClsError as error:
                    if error.retryable and node.place != each.part.place:
                        self._note_unreached(node.place, _placement(each, roots), error, each.part.file, path)
                    else:
                        self._note(error, each.part.file, path)
        return found

    def with_units(
        self, graph: Graph, placed: Sequence[Placed], recorded: Mapping[Node, Recorded]
    ) -> Iterator[tuple[Node, Recorded]]:
        """What is *recorded* of what arcs write, with the unit of its lots, which unknown sources do not tell."""
        roots = {each.part.place: each.roots[each.part.deployable.placement] for each in placed if each.roots}
        for writer in graph.writers:
            node = writer.node
            if writer.arc and node in recorded and node.place in roots:
                yield node, evolve(recorded[node], unit=self._unit(writer.dataset, roots[node.place]))

    def _note_unreached(self, place: str, placement: Placement, error: ClsError, file: str, path: str) -> None:
        msg = f"the placement {placement.id} cannot be reached, and what is in it is not known: {error.problem}"
        self.unreached[place] = StoreUnavailableError(msg, hint=error.hint)
        finding = Finding(severity=Severity.WARNING, file=file, path=path, text=msg, remedy=error.hint)
        self.findings.append(finding)

    def _note_refused(self, error: ClsError, file: str, path: str) -> None:
        self._note(error, file, path)
        if isinstance(error, StoreRefusedError):
            self.refused = self.refused or error.located(f"{file}: {path}")

    def _told(self, error: ClsError, placement: Placement) -> ClsError:
        """The *error* with who was asked, where the provider can say; or that another place was than is meant."""
        provider = self._plugins.provider(placement.provider)
        if not isinstance(provider, Asking):
            return error
        try:
            told = provider.asked(placement)
        except ClsError as astray:
            return error if astray.retryable else astray
        return type(error)(f"{error.problem}; {told}", hint=error.hint)

    def open(self, graph: Graph) -> None:
        """Find a store for each location that objects are kept at, or are taken out to."""
        kept = [(each.dataset.path_uri, each.part, each.path) for each in graph.writers if each.writes_objects]
        for location, part, path in (*kept, *((each.outside, each.part, each.path) for each in graph.readers)):
            if not location:
                continue
            try:
                self._plugins.open_store(location)
            except ClsError as error:
                self._note(error, part.file, f"{path}.pathURI")

    def _record(self, node: Node, roots: StoreRoots, *, look_for_unit: bool) -> Recorded | None:
        dataset = Dataset(name=node.name, version=node.version)
        store, key = self._plugins.open_store(roots.metadata), layout.ownership(dataset)
        try:
            body = store.get(key)
        except ObjectMissingError:
            return None
        owned = codec.read_record(body, HandedOver, source=layout.uri(store.root, key))
        return Recorded(owned=owned, unit=self._unit(dataset, roots) if look_for_unit else None)

    def _unit(self, dataset: Dataset, roots: StoreRoots) -> LotUnit | None:
        """That of the first lot which has a manifest."""
        for info in self._plugins.open_store(roots.manifest).list(f"{layout.dataset_path(dataset)}lot="):
            try:
                return Lot.parse(layout.segments(info.key).get("lot", "")).unit
            except InvalidValueError:
                continue
        return None

    def _note(self, error: ClsError, file: str, path: str) -> None:
        if error.retryable:
            raise error
        finding = Finding(file=file, path=path, text=error.problem, remedy=error.hint)
        if finding not in self.findings:
            self.findings.append(finding)


def _placement(placed: Placed, roots: StoreRoots) -> Placement:
    return next(each for each, its in placed.roots.items() if its == roots)


def with_places(deployable: Deployable, completed: Complete, at: str) -> Deployable:
    """The *deployable*, found at the JSON path *at*, with every placement that it names *completed*."""

    def notifier(each: Notifier, path: str) -> Notifier:
        if not isinstance(each, LocatedNotifier) or each.placement is None:
            return each
        return evolve(each, placement=completed(each.placement, f"{path}.placement"))

    placement = completed(deployable.placement, f"{at}.placement")
    kinds = {
        kind: tuple(_with_sources(each, completed, f"{at}.{kind}[{i}]") for i, each in enumerate(elements))
        for kind, elements in (
            ("arcs", deployable.arcs),
            ("barriers", deployable.barriers),
            ("boundaries", deployable.boundaries),
        )
    }
    notifiers = tuple(notifier(each, f"{at}.notifiers[{i}]") for i, each in enumerate(deployable.notifiers))
    return evolve(deployable, placement=placement, notifiers=notifiers, **kinds)  # type: ignore[arg-type]  # each of its own kind


def _with_sources(element: Element, completed: Complete, at: str) -> Element:
    """The element with the placements that its sources name completed, if it has sources."""
    if not isinstance(element, Arc | Barrier | EgressBoundary):
        return element
    elsewhere = {
        role: evolve(source, placement=completed(source.placement, f"{at}.sources.{role}.placement"))
        for role, source in element.sources.items()
        if source.placement
    }
    return evolve(element, sources={**element.sources, **elsewhere}) if elsewhere else element


def placements(deployable: Deployable) -> set[Placement]:
    """Its own, and those that it reads from."""
    sources = (source for each in deployable.consumers for source in each.arc.sources.values())
    return {deployable.placement, *(source.placement for source in sources if source.placement)}


def _uses(placed: Placed) -> Iterator[tuple[Node, StoreRoots, str, bool]]:
    """The datasets that a part uses, where their stores can be had: node, roots, JSON path, whether a source."""
    part = placed.part
    graph = Graph((part,))
    own = placed.roots.get(part.deployable.placement)
    for writer in graph.writers:
        if own:
            yield writer.node, own, writer.path, False
    for reader in graph.readers:
        for role, source in reader.arc.sources.items():
            if roots := placed.roots_of(source):
                yield part.source(source), roots, f"{reader.path}.sources.{role}", True
