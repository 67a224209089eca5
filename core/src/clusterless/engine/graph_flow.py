"""What is wrong with how lots flow: cycles, units, and lots that never come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph_parts import Node, Reader
from clusterless.engine.lineage import Lineage
from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot, LotUnit

# ---- cycles ----------------------------------------------------------------------------------------------------


def cycles(graph: Lineage) -> Iterator[Finding]:
    before = _upstream(graph)
    while True:
        try:
            TopologicalSorter(before).prepare()
        except CycleError as error:
            cycle: list[int] = error.args[1]
            yield _cycle([graph.readers[number] for number in cycle])
            # Look on without the edge that closes it: there may be others.
            before[cycle[1]].discard(cycle[0])
        else:
            return


def _upstream(graph: Lineage) -> dict[int, set[int]]:
    """For each reader, the readers whose sinks it subscribes to, by their number."""
    makes = {
        reader.part.sink(sink): number
        for number, reader in enumerate(graph.readers)
        for sink in reader.arc.sinks.values()
    }
    sources = ([reader.part.source(source) for _, source in reader.subscribed] for reader in graph.readers)
    return {number: {makes[node] for node in nodes if node in makes} for number, nodes in enumerate(sources)}


def _cycle(cycle: Sequence[Reader]) -> Finding:
    path = " → ".join(reader.arc.name for reader in cycle)
    remedy = "take one of these sources out, or set its 'subscribe' false"
    return cycle[0].finding(f"arcs feed themselves: {path}", remedy=remedy)


# ---- units -----------------------------------------------------------------------------------------------------


def units(graph: Lineage) -> Iterator[Finding]:
    for reader in graph.readers:
        known = _units(graph, reader)
        if len(set(known.values())) > 1:
            listed = ", ".join(f"{role}: {unit.label}" for role, unit in known.items())
            remedy = "sources must have lots of one unit: change a boundary's 'lotUnit', or split the arc"
            yield reader.finding(f"its sources have lots of different units ({listed})", at=".sources", remedy=remedy)


def rollups(graph: Lineage) -> Iterator[Finding]:
    """A lot that is made of smaller ones must be larger, and begin and end where some of these do."""
    for reader in graph.readers:
        larger = reader.arc.lot_unit
        for role, unit in _units(graph, reader).items() if larger else ():
            assert larger is not None
            if larger.minutes <= unit.minutes or larger.minutes % unit.minutes:
                text = f"lots of {larger.label} cannot be made of those of source '{role}', which are {unit.label}"
                fit = [
                    each.label for each in LotUnit if each.minutes > unit.minutes and not each.minutes % unit.minutes
                ]
                remedy = f"use {' or '.join(fit)}" if fit else "use a source of smaller lots"
                yield reader.finding(text, at=".lotUnit", remedy=remedy)


def _units(graph: Lineage, reader: Reader) -> dict[str, LotUnit]:
    found = {role: graph.unit(reader.part.source(source)) for role, source in reader.arc.sources.items()}
    return {role: unit for role, unit in found.items() if unit}


# ---- lots that never come --------------------------------------------------------------------------------------


def counts(graph: Lineage) -> Iterator[Finding]:
    for reader in graph.readers:
        count, there = reader.arc.wait.count, len(reader.subscribed)
        if count is not None and count > there > 0:
            text = f"it waits for {count} sources, and subscribes to {there}"
            yield reader.finding(text, at=".wait.count", remedy=f"use at most {there}")


def joins(graph: Lineage) -> Iterator[Finding]:
    """Lots that some sources have and others leave out are never worked, where nothing ends the waiting."""
    for reader in graph.readers:
        left_out = [graph.infrequent(reader.part.source(source)) for _, source in reader.subscribed]
        if not any(left_out) or not _may_wait_forever(reader, left_out):
            continue
        names = ", ".join(dict.fromkeys(name for each in left_out for name in sorted(each)))
        whom = "for every lot of its sources" if reader.arc.lot_unit else _whom(reader)
        text = f"it waits {whom}, and these leave out lots without arrivals: {names}"
        remedy = "set their 'eventArrival' to 'frequent', or the arc's 'wait.deadlineSec'"
        yield reader.finding(text, severity=reader.if_never, remedy=remedy.replace("the arc's", _whose(reader)))


def _may_wait_forever(reader: Reader, left_out: Sequence[frozenset[str]]) -> bool:
    if reader.arc.lot_unit:
        return reader.arc.wait.deadline_sec is None
    always = sum(not each for each in left_out)
    # What leaves out the same lots does not keep one another waiting.
    return reader.least > max(always, 1) and len(set(left_out)) > 1


def _whom(reader: Reader) -> str:
    return "for all its sources" if reader.least == len(reader.subscribed) else f"for {reader.least} of its sources"


def _whose(reader: Reader) -> str:
    return "the arc's" if reader.if_never is Severity.WARNING else "its"


def deaf(graph: Lineage) -> Iterator[Finding]:
    for reader in graph.readers:
        if not reader.subscribed:
            text = "it subscribes to none of its sources, so nothing starts it"
            remedy = "set 'subscribe' to true for one of them"
            yield reader.finding(text, at=".sources", severity=reader.if_never, remedy=remedy)


def lots(graph: Lineage) -> Iterator[Finding]:
    for writer in graph.active:
        if writer.dataset.take_over is not None and (text := _not_its(graph, writer.node, writer.dataset.take_over)):
            yield writer.finding(text, at=".takeOver")
    for reader in graph.readers:
        for role, source in reader.arc.sources.items():
            if source.start not in {"now", "all"} and (text := _not_a_start(graph, reader, role)):
                yield reader.finding(text, at=f".sources.{role}.start")


def _not_a_start(graph: Lineage, reader: Reader, role: str) -> str:
    """A lot of either unit will do where smaller ones make a larger."""
    source = reader.arc.sources[role]
    text = _not_its(graph, reader.part.source(source), source.start)
    if text and reader.arc.lot_unit and source.start == _as(reader.arc.lot_unit, source.start):
        return ""
    return text


def _as(unit: LotUnit, text: str) -> str:
    """*text*, if it is a lot of that *unit*."""
    try:
        return text if Lot.parse(text).unit is unit else ""
    except InvalidValueError:
        return ""


def _not_its(graph: Lineage, node: Node, text: str) -> str:
    """Why *text* is no lot of the dataset, if it is none."""
    try:
        lot = Lot.parse(text)
    except InvalidValueError as error:
        return error.problem
    unit = graph.unit(node)
    return f"dataset {node} has lots of {unit.label}, and {lot} is none" if unit and lot.unit is not unit else ""
