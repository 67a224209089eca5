"""What there is, drawn: projects, datasets, and whatever makes, works or tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from clusterless.deploy.places import Placed
from clusterless.engine.drawing import Drawing, Edge, Flow, Kind, Vertex
from clusterless.engine.graph import Graph
from clusterless.engine.graph_parts import Node, Part
from clusterless.engine.standing import Standing
from clusterless.model.activity import Activity
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import EgressBoundary
from clusterless.model.dataset import SourceDataset
from clusterless.model.element import Element
from clusterless.model.notifier import Notifier
from clusterless.model.placement import Placement
from clusterless.model.project import Consumer, Project
from clusterless.model.schedule import Schedule
from clusterless.operate.landscape import BoundaryView, DatasetView, Landscape
from clusterless.operate.status.overview import Overview
from clusterless.operate.status.subjects import View


def draw(landscape: Landscape) -> Drawing:
    """All that the landscape declares, and what it reads that nobody in view declares; upstream first."""
    graph = landscape.surveyed.graph
    homes: dict[str, str] = {}
    vertices: dict[str, Vertex] = {}
    edges: dict[Edge, None] = {}
    for placed in landscape.surveyed.placed:
        homes[home_of(placed.part)] = f"{placed.part.project.id} ({_where(placed.part.deployable.placement)})"
        for vertex, around in _elements(placed):
            vertices[vertex.id] = vertex
            edges |= dict.fromkeys(around)
    for node, home in _datasets(landscape, homes).items():
        vertices[dataset_id(node)] = _dataset(graph, node, home)
    return Drawing(homes, _flowing(vertices, edges), tuple(edges))


def count_lots(overview: Overview, step: Callable[[float], None]) -> Mapping[str, Counter[Standing]]:
    """How many lots of each thing stand how, by the ids that `draw` gives; *step* is told how much is done, up to 1."""
    counts: dict[str, Counter[Standing]] = {}
    for judged in overview:
        lots = {standing: len(texts) for standing, texts in judged.lots.items()}
        counts.setdefault(_id_of(judged.subject.view), Counter()).update(lots)
        step(judged.done)
    return counts


def turned_off(overview: Overview) -> frozenset[str]:
    """The ids of what is turned off, and of what it makes."""
    return frozenset(_id_of(each.view) for each in overview.subjects if overview.is_off(each))


def _id_of(view: View) -> str:
    if isinstance(view, DatasetView):
        return dataset_id(view.node)
    if isinstance(view, BoundaryView):
        return element_id(view.node.place, view.project, view.boundary)
    return element_id(view.reader.part.place, view.project, view.reader.element)


def dataset_id(node: Node) -> str:
    return f"dataset {node.place} {node}"


def element_id(place: str, project: Project, element: Element) -> str:
    return f"{_kind(element).value} {place} {project.id} {element.name}"


def home_of(part: Part) -> str:
    return f"{part.place} {part.project.id}"


# ---- elements --------------------------------------------------------------------------------------------------


def _elements(placed: Placed) -> Iterator[tuple[Vertex, list[Edge]]]:
    """What is declared, each with the edges that come to it and leave it."""
    part = placed.part
    for _, boundary in part.deployable.ingress:
        schedule = boundary.booking.schedule
        note = _when(schedule) if schedule else f"lots of {boundary.lot_unit.label}"
        vertex = _vertex(part, boundary, note)
        yield vertex, [Edge(vertex.id, dataset_id(part.sink(boundary.dataset)))]
    for consumer in part.deployable.consumers:
        vertex = _vertex(part, consumer.element, _worked(consumer))
        yield vertex, list(_around(part, vertex, consumer))
    for notifier in part.deployable.notifiers:
        vertex = _vertex(part, notifier)
        yield vertex, [Edge(dataset_id(node), vertex.id, Flow.NEWS) for node in _heard(part, notifier)]
    for activity in part.deployable.activities:
        yield _vertex(part, activity, _when(activity.schedule)), []


def _vertex(part: Part, element: Element, note: str = "") -> Vertex:
    notes = filter(None, (note, "excluded" if element.exclude else ""))
    return Vertex(
        id=element_id(part.place, part.project, element),
        kind=_kind(element),
        name=element.name,
        home=home_of(part),
        note=", ".join(notes),
    )


def _kind(element: Element) -> Kind:
    match element:
        case Barrier():
            return Kind.BARRIER
        case EgressBoundary():
            return Kind.EGRESS
        case Notifier():
            return Kind.NOTIFIER
        case Activity():
            return Kind.ACTIVITY
    return Kind.ARC if hasattr(element, "sources") else Kind.BOUNDARY


def _worked(consumer: Consumer) -> str:
    if isinstance(consumer.element, EgressBoundary):
        return f"to {consumer.element.path_uri}"
    return f"lots of {consumer.arc.lot_unit.label}" if consumer.arc.lot_unit else ""


def _when(schedule: Schedule) -> str:
    if schedule.cron is None:
        return f"every lot of {schedule.unit.label}"
    return f"at {schedule.cron} {schedule.timezone}"


def _around(part: Part, vertex: Vertex, consumer: Consumer) -> Iterator[Edge]:
    for source in consumer.arc.sources.values():
        flow = Flow.LOTS if source.subscribe else Flow.READ
        yield Edge(dataset_id(part.source(source)), vertex.id, flow)
    for sink in consumer.arc.sinks.values():
        yield Edge(vertex.id, dataset_id(part.sink(sink)))


def _heard(part: Part, notifier: Notifier) -> Iterator[Node]:
    sinks = [boundary.dataset for _, boundary in part.deployable.ingress]
    sinks += [sink for consumer in part.deployable.consumers for sink in consumer.arc.sinks.values()]
    heard = {dataset.id for dataset in notifier.datasets}
    return (part.sink(sink) for sink in sinks if sink.publish and (not heard or sink.id in heard))


# ---- datasets --------------------------------------------------------------------------------------------------


def _datasets(landscape: Landscape, homes: dict[str, str]) -> Mapping[Node, str]:
    """Each dataset that is written or read, with whose it is; whoever is not in view is added to *homes*."""
    graph = landscape.surveyed.graph
    found = {writer.node: home_of(writer.part) for writer in graph.writers}
    found |= {writer.node: home_of(writer.part) for writer in graph.active}
    for placed in landscape.surveyed.placed:
        for consumer in placed.part.deployable.consumers:
            for source in consumer.arc.sources.values():
                node = placed.part.source(source)
                if node not in found:
                    found[node] = _elsewhere(graph, node, source, placed.part, homes)
    return found


def _elsewhere(graph: Graph, node: Node, source: SourceDataset, part: Part, homes: dict[str, str]) -> str:
    """Whose a dataset is that nobody in view writes."""
    owner = graph.recorded[node].owned.owner if node in graph.recorded else None
    whose = f"{owner.name}/{owner.version}" if owner else "an unknown project"
    home = f"{node.place} {whose}"
    homes.setdefault(home, f"{whose} ({_where(source.placement or part.deployable.placement)})")
    return home


def _dataset(graph: Graph, node: Node, home: str) -> Vertex:
    unit = graph.unit(node)
    note = "" if graph.owner(node) else f"lots of {unit.label}" if unit else "not known here"
    return Vertex(id=dataset_id(node), kind=Kind.DATASET, name=str(node), home=home, note=note)


def _where(placement: Placement) -> str:
    parts = (placement.provider, placement.stage, placement.account, placement.region)
    return " ".join(part for part in parts if part)


def _flowing(vertices: Mapping[str, Vertex], edges: Mapping[Edge, None]) -> tuple[Vertex, ...]:
    """Upstream first, as far as they do not go round; else as they were declared."""
    missing = dict.fromkeys(vertices, 0)
    heads: dict[str, list[str]] = {}
    for edge in edges:
        missing[edge.head] += 1
        heads.setdefault(edge.tail, []).append(edge.head)
    ordered: dict[str, None] = {}
    for start in sorted(vertices, key=lambda each: missing[each] > 0):
        waiting = [start] if start not in ordered and missing[start] <= 0 else []
        while waiting:
            ordered[each := waiting.pop()] = None
            for head in reversed(heads.get(each, ())):
                missing[head] -= 1
                if missing[head] == 0:
                    waiting.append(head)
    return tuple(vertices[each] for each in [*ordered, *(each for each in vertices if each not in ordered)])
