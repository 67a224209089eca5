"""What lots are looked for of: datasets, and egress boundaries that make none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from attrs import field, frozen

from clusterless.engine.graph_parts import Node
from clusterless.errors import InvalidValueError, did_you_mean
from clusterless.model.lot import Lot, LotUnit
from clusterless.operate.landscape import ArcView, BoundaryView, DatasetView, Landscape
from clusterless.operate.listing import unit_of
from clusterless.store.api import ObjectStore


@frozen(kw_only=True, eq=False)
class Thing:
    """A dataset (*view*) and its *maker*, where that is known; or an egress boundary alone.

    Its lots are listed below *path* of *store*.
    """

    name: str
    unit: LotUnit | None
    maker: ArcView | BoundaryView | None
    node: Node | None = None
    view: DatasetView | None = None
    is_excluded: bool = False
    path: str
    store: ObjectStore = field(repr=False)

    @property
    def is_dataset(self) -> bool:
        return self.view is not None

    @property
    def element(self) -> str:
        """Whoever makes it, or where nobody knows, itself."""
        return self.maker.name if self.maker else self.name


@frozen
class Things:
    """All that a landscape has."""

    landscape: Landscape

    @cached_property
    def all(self) -> Sequence[Thing]:
        """Upstream first, as far as they do not go round."""
        return [*self._ordered(), *self._outlets()]

    def chosen(self, names: Sequence[str]) -> list[Thing]:
        """Those that the *names* say: ``orders``, ``orders/1``, or what makes it: ``shop/copy``, ``copy``; else all.

        Raises:
            InvalidValueError: there is none of that name.
        """
        for name in names:
            if not any(name in _names(each) for each in self.all):
                known = ", ".join(dict.fromkeys(each.name for each in self.all)) or "none"
                msg = f"there is no dataset {name[:60]!r}: there is {known}"
                otherwise = "name one of these, or the project file that declares it: -p FILE"
                raise InvalidValueError(msg, hint=did_you_mean(name, self._alike(name), otherwise))
        return [each for each in self.all if not names or not _names(each).isdisjoint(names)]

    def _alike(self, name: str) -> list[str]:
        """What there is that is spelled as *name* is: with a version, or a project, where it has one."""
        names = {spelled for each in self.all for spelled in _names(each)}
        return sorted(each for each in names if ("/" in each) == ("/" in name))

    def needed_by(self, thing: Thing) -> dict[str, Thing]:
        """What a thing's maker hears of, by role."""
        if not isinstance(thing.maker, ArcView):
            return {}
        roles = (role for role, _ in thing.maker.reader.subscribed)
        found = {role: self._by_node.get(thing.maker.sources[role]) for role in roles}
        return {role: source for role, source in found.items() if source}

    @cached_property
    def _by_node(self) -> dict[Node, Thing]:
        return {node: self._dataset(node, view) for node, view in self.landscape.datasets.items()}

    @cached_property
    def _spelled(self) -> Counter[str]:
        """How many datasets are called the same: in two placements they may be."""
        return Counter(map(str, self.landscape.datasets))

    def _dataset(self, node: Node, view: DatasetView) -> Thing:
        owner = self.landscape.surveyed.graph.owner(node)
        is_one = self._spelled[str(node)] == 1
        return Thing(
            name=str(node) if is_one else f"{node} ({view.placement.title})",
            unit=view.unit or unit_of(view.manifests.store, view.path),
            maker=self.landscape.maker_of(node),
            node=node,
            view=view,
            is_excluded=bool(owner and owner.element.exclude),
            path=view.path,
            store=view.manifests.store,
        )

    def _outlets(self) -> Iterator[Thing]:
        for arc in self.landscape.arcs:
            if not arc.sinks:
                yield Thing(
                    name=arc.name,
                    unit=arc.unit or unit_of(arc.state, arc.keys.path),
                    maker=arc,
                    path=arc.keys.path,
                    store=arc.state,
                )

    def _ordered(self) -> Iterator[Thing]:
        """Without recursion: pipelines may be long."""
        done: set[Thing] = set()
        entered: set[Thing] = set()
        for one in self._by_node.values():
            waiting = [one]
            while waiting:
                each = waiting[-1]
                ahead = [] if each in entered else [a for a in self.needed_by(each).values() if a not in entered]
                entered.add(each)
                waiting += ahead
                if waiting[-1] is each:
                    waiting.pop()
                    if each not in done:
                        done.add(each)
                        yield each


def parts_of(roles: Iterable[tuple[str, Thing]], lot: Lot, larger: LotUnit | None) -> Iterator[tuple[str, Thing, Lot]]:
    """The parts that an arc's *lot* is made of: name, source, and its lot; *larger* as `Arc.lot_unit`."""
    for role, source in roles:
        if larger is None:
            yield role, source, lot
            continue
        each = Lot.containing(lot.start, source.unit) if source.unit else lot
        while each.start < lot.end:
            yield f"{role}/{each}", source, each
            each = each.next


def _names(thing: Thing) -> set[str]:
    names = {thing.name, thing.element, thing.element.rpartition("/")[2]}
    return names | {thing.view.dataset.name, thing.view.dataset.id} if thing.view else names
