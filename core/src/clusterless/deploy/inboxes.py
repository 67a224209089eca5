"""What is wrong with inboxes: each is one reader's, and nothing else may write, book or read below it."""

from __future__ import annotations

from collections.abc import Iterator

from clusterless.engine.findings import Finding
from clusterless.engine.graph import Graph
from clusterless.engine.graph_parts import Reader
from clusterless.engine.locations import overlap, overlapping


def inboxes(graph: Graph) -> Iterator[Finding]:
    """Findings about the inboxes of all sources."""
    declared = [
        (reader, role, source.inbox)
        for reader in graph.readers
        for role, source in reader.arc.sources.items()
        if source.inbox
    ]
    for first, second in overlapping([inbox for _, _, inbox in declared]):
        (one, _, _), (other, role, inbox) = declared[first], declared[second]
        if one is not other:
            text = f"{one.label} takes events from {inbox} too: what one of them acts on, the other never hears of"
            yield _finding(other, role, text, "give each an inbox of its own, and a notifier that writes to it")
    for reader, role, inbox in declared:
        for writer in graph.active:
            if writer.writes_objects and overlap(inbox, writer.dataset.path_uri):
                text = f"events would lie among the objects of {writer.node}, at {writer.dataset.path_uri}"
                yield _finding(reader, role, text, "use a location of its own")
                break


def _finding(reader: Reader, role: str, text: str, remedy: str) -> Finding:
    return reader.finding(text, at=f".sources.{role}.inbox", remedy=remedy)
