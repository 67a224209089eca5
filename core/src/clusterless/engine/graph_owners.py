"""What is wrong with who owns which dataset, name and location."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph_parts import Node, Reader, Writer
from clusterless.engine.lineage import Lineage
from clusterless.engine.locations import overlap, overlapping
from clusterless.model.boundary import IngressBoundary, PathFilter
from clusterless.model.placement import Placement


def double_owners(graph: Lineage) -> Iterator[Finding]:
    for node, writers in graph.by_node.items():
        active = [each for each in writers if not each.element.exclude]
        for other in active[1:]:
            if not _hands_over(active[0], other):
                text = f"dataset {node} has two owners: {active[0].label} and {other.label}"
                yield other.finding(text, "give one of them another name or version")


def taken(graph: Lineage) -> Iterator[Finding]:
    for writer in graph.active:
        recorded = graph.recorded.get(writer.node)
        if recorded is None or writer.dataset.take_over is not None:
            continue
        owner = recorded.owned.owner
        if writer.part.project.owner not in (owner, recorded.owned.before):
            text = f"dataset {writer.node} belongs to project {owner.name}/{owner.version}"
            yield writer.finding(text, "use another name or version, or name the lot to take over from in 'takeOver'")


def unowned(graph: Lineage) -> Iterator[Finding]:
    for reader in graph.readers:
        for role, source in reader.arc.sources.items():
            node = reader.part.source(source)
            if graph.owner(node) is None and node not in graph.recorded and not graph.is_unknown(node):
                elsewhere = [each.part.deployable.placement for each in graph.active if str(each.node) == str(node)]
                text = f"nobody owns dataset {node}"
                if len({each.id for each in elsewhere}) > 1:
                    text = f"dataset {node} is in several placements, and not in this one"
                remedy = _say_which(reader, elsewhere) if elsewhere else _where_else(graph, node)
                yield reader.finding(text, at=f".sources.{role}", remedy=remedy)


def shared_names(graph: Lineage) -> Iterator[Finding]:
    """What works lots keeps its state under its name, whatever kind it is of."""
    for part in graph.parts:
        first: dict[str, str] = {}
        for each in part.deployable.consumers:
            path = first.setdefault(each.element.name, each.path)
            if path.partition("[")[0] != each.path.partition("[")[0]:  # within a kind, the reader has said so
                text = f"{each.element.name!r} is also the name of {part.at}{path}"
                remedy = "rename one of them: each keeps the state of its lots under its name"
                yield Finding(file=part.file, path=f"{part.at}{each.path}.name", text=text, remedy=remedy)


def overlaps(graph: Lineage) -> Iterator[Finding]:
    """Objects that would be taken for another's; what writes no objects has none."""
    writers = [each for each in graph.active if each.writes_objects]
    for first, second in overlapping([each.dataset.path_uri for each in writers]):
        one, other = writers[first], writers[second]
        if one.node == other.node:
            continue
        if one.arc and other.arc:
            text = f"{other.label} writes to {other.dataset.path_uri}, and {one.label} to {one.dataset.path_uri}"
            yield other.finding(f"sinks overlap: {text}", "give each sink a location of its own")
        elif one.arc or other.arc:
            arc, boundary = (one, other) if one.arc else (other, one)
            text = f"{arc.label} writes to {arc.dataset.path_uri}, where {boundary.label} takes arrivals from"
            remedy = f"write outside {boundary.dataset.path_uri}, and outside what contains it"
            yield arc.finding(f"what is written would arrive again: {text}", remedy)
        elif one.part.project == other.part.project and not _are_told_apart(one, other):
            text = f"{other.label} takes arrivals from {other.dataset.path_uri}, as {one.label} does"
            remedy = "give one of them another location, or each a filter; versions of a project may share one"
            yield other.finding(f"arrivals are booked twice: {text}", remedy, severity=Severity.WARNING)


def outlets(graph: Lineage) -> Iterator[Finding]:
    """What goes out must not come in again, nor lie where a dataset or another outlet writes."""
    out = [reader for reader in graph.readers if reader.outside]
    for reader in out:
        path_uri = reader.outside
        sources = [reader.part.source(source) for source in reader.arc.sources.values()]
        for writer in {each.label: each for node in sources for each in graph.origins(node)}.values():
            if overlap(path_uri, writer.dataset.path_uri):
                text = f"what goes out to {path_uri} would arrive again: {writer.label} takes arrivals from there"
                yield reader.finding(text, at=".pathURI", remedy=f"go out to outside {writer.dataset.path_uri}")
    writers = [each for each in graph.active if each.arc and each.writes_objects]
    places = [(each.label, each.outside, "goes out") for each in out]
    places += [(each.label, each.dataset.path_uri, "writes") for each in writers]
    for first, second in overlapping([path_uri for _, path_uri, _ in places]):
        if first < len(out):
            # Of two outlets it is the later that is told; a writer was there before.
            reader, other = (out[second], first) if second < len(out) else (out[first], second)
            label, path_uri, does = places[other]
            text = f"it goes out to {reader.outside}, and {label} {does} to {path_uri}"
            yield reader.finding(text, at=".pathURI", remedy="go out to a location of its own")


def _are_told_apart(one: Writer, other: Writer) -> bool:
    """Whether each of two boundaries has chosen what it takes; whether both choose the same is not looked at."""
    filters = [each.element.filter for each in (one, other) if isinstance(each.element, IngressBoundary)]
    return len(set(filters)) == 2 and PathFilter() not in filters


def _say_which(reader: Reader, elsewhere: Iterable[Placement]) -> str:
    """What to type of a dataset that is in these placements, or below another root folder of the reader's own."""
    own = reader.part.deployable.placement
    spelled = [_spelled(each) for each in elsewhere if each != own]
    if not spelled:
        return "it is kept below another root folder"
    return f"name its placement in the source: {' or '.join(dict.fromkeys(spelled))}"


def _spelled(placement: Placement) -> str:
    parts = ("provider", "stage", "account", "region")
    keys = ", ".join(f'"{key}": "{value}"' for key in parts if (value := getattr(placement, key)))
    return f'"placement": {{{keys}}}'


def _where_else(graph: Lineage, node: Node) -> str:
    names = {str(each): each for each in graph.by_node}
    same = sorted(each.version for each in names.values() if each.name == node.name)
    if same:
        return f"there is version {', '.join(same)}"
    return "give the file of the project that owns it too, or run that project first, on the same stores"


def _hands_over(one: Writer, other: Writer) -> bool:
    """Whether one project takes the dataset over from the other."""
    named = one.dataset.take_over is not None or other.dataset.take_over is not None
    return named and one.part.project != other.part.project
