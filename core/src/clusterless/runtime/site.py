"""A project as it is run: declared, placed, its sources found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import Factory, field, frozen

from clusterless.errors import StoreUnavailableError
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.provider import StoreRoots


@frozen(kw_only=True)
class ResolvedSource:
    """A source dataset as its owner declares it; *unit* where it is known.

    Its objects lie below *roots*; *stores* are those of the *placement* that it lives in.
    """

    dataset: LocatedDataset
    roots: tuple[str, ...]
    placement: Placement
    stores: StoreRoots
    unit: LotUnit | None = None


@frozen(kw_only=True)
class Audible:
    """The *datasets* that an arc is to hear of in a placement, or by what is put in an *inbox* (a location).

    *stores* are the placement's.
    """

    placement: Placement
    stores: StoreRoots
    datasets: tuple[Dataset, ...]
    inbox: str = ""


@frozen(kw_only=True)
class Site:
    """*deployable*, at the JSON path *at* of its *file*, has its placement completed; *base* is the file's folder.

    A source in a placement that could not be reached is not among the *sources*: *again* looks anew, for an arc.
    """

    deployable: Deployable
    file: str
    at: str = "$"
    base: Path
    roots: StoreRoots
    sources: Mapping[tuple[str, str], ResolvedSource] = Factory(dict)  # by arc and role
    again: Callable[[str], Site] | None = field(default=None, eq=False, repr=False)

    def is_distant(self, arc: Arc) -> bool:
        """Whether a source of *arc* is in another placement, or has an inbox."""
        own = self.deployable.placement
        return any(source.inbox or source.placement not in {None, own} for source in arc.sources.values())

    def elsewhere(self, arc: str) -> frozenset[str]:
        """The placements that the sources of that arc are in, other than its own."""
        declared = next(each.arc for each in self.deployable.consumers if each.arc.name == arc)
        places = {source.placement for source in declared.sources.values()} - {None, self.deployable.placement}
        return frozenset(place.id for place in places if place)

    def found(self, arc: str) -> Site:
        """The site with all sources of that arc.

        Raises:
            ClsError: a placement cannot be reached.
        """
        return self if self.again is None or self.knows(arc) else self.again(arc)

    def knows(self, arc: str) -> bool:
        """Whether all sources of that arc were found."""
        declared = next(each.arc for each in self.deployable.consumers if each.arc.name == arc)
        return all((arc, role) in self.sources for role in declared.sources)

    def audible(self, arc: Arc) -> tuple[Audible, ...]:
        """Where *arc* hears of what it subscribes to: in its own placement first, then where the datasets live.

        In its own it hears of all: whoever wants a lot worked again announces it there, and nowhere else.
        """
        own = self.deployable.placement
        subscribed = {role: source for role, source in arc.sources.items() if source.subscribe}
        found = {(own, ""): (self.roots, {source.id: source.plain for source in subscribed.values()})}
        for role, source in subscribed.items():
            resolved = self.sources.get((arc.name, role))
            if source.inbox:
                found.setdefault((own, source.inbox), (self.roots, {}))[1][source.id] = source.plain
            elif resolved and resolved.placement != own:
                found.setdefault((resolved.placement, ""), (resolved.stores, {}))[1][source.id] = source.plain
        return tuple(
            Audible(placement=placement, stores=stores, datasets=tuple(datasets.values()), inbox=inbox)
            for (placement, inbox), (stores, datasets) in found.items()
        )


@frozen(kw_only=True)
class Awaited:
    """A project called *name* that cannot be run yet, and *why*; *again* looks anew, and raises while it cannot."""

    name: str
    why: StoreUnavailableError
    again: Callable[[], Site] = field(repr=False)


def subscriber(project: Project, arc: Arc, home: Placement | None = None) -> str:
    """What an arc's queue of events is asked for by; of another placement's, with that which it is at *home* in."""
    parts = (home.provider, home.stage, home.account, home.region) if home else ()
    return "-".join(part for part in (project.name, project.version, arc.name, *parts) if part)


def inbox_element(arc: Arc, inbox: str) -> str:
    """What is made for an inbox of the *arc*'s is called after that: the first of the sources that have it."""
    role = next(role for role, source in arc.sources.items() if source.inbox == inbox)
    return f"{arc.name}-{role}-inbox"


def labels(sites: Sequence[Site]) -> list[str]:
    """What people are told of each site by: its project's name, with version and stage where that is not enough."""
    spellings = [_spellings(site.deployable) for site in sites]
    used = Counter(word for each in spellings for word in set(each))
    return [next((word for word in each if used[word] == 1), each[-1]) for each in spellings]


def _spellings(deployable: Deployable) -> tuple[str, str, str, str]:
    project, placement = deployable.project, deployable.placement
    versioned = project.versioned
    return project.name, versioned, f"{versioned}@{placement.stage or ''}".rstrip("@"), f"{versioned}@{placement.id}"
