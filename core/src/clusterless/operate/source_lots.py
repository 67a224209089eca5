"""The lots that are committed to datasets, by listings that are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from attrs import define, field

from clusterless.engine.plan import in_unit
from clusterless.engine.ranges import LotRange, ordinal
from clusterless.model.lot import Lot
from clusterless.operate.landscape import DatasetView
from clusterless.operate.listing import list_texts, lot_named
from clusterless.operate.recorded import readable_of


@define
class SourceLots:
    """What is committed to datasets: listed once, however many arcs are asked about.

    What is remembered are stretches of lots next to each other that have the same revision: few, as a rule.
    """

    _known: dict[tuple[str, str, LotRange], list[tuple[LotRange, int]]] = field(factory=dict, init=False)

    def committed(self, view: DatasetView, wanted: LotRange) -> Iterator[tuple[str, int]]:
        """Those of the *wanted* lots that are readable, by their texts and in order, with their newest revisions."""
        asked = (view.manifests.store.root, view.path, in_unit(wanted, view.unit or wanted.first.unit))
        if asked not in self._known:
            return self._listed(view, asked)
        return ((str(lot), revision) for lots, revision in self._known[asked] for lot in lots)

    def _listed(self, view: DatasetView, asked: tuple[str, str, LotRange]) -> Iterator[tuple[str, int]]:
        texts = list_texts(view.manifests.store, view.path, asked[2])
        found = ((text, readable_of(names)) for text, names in texts)
        numbered = ((lot_named(text), shown.revision, text) for text, shown in found if shown)
        known = []
        for (_, revision), alike in groupby(enumerate(numbered), _neighbours):
            first = last = None
            for _, (last, _, text) in alike:
                first = first or last
                yield text, revision
            assert first
            assert last
            known.append((LotRange(first, last), revision))
        self._known[asked] = known


def _neighbours(numbered: tuple[int, tuple[Lot, int, str]]) -> tuple[int, int]:
    """The same for lots that follow each other with the same revision, each numbered."""
    number, (lot, revision, _) = numbered
    return ordinal(lot) - number, revision
