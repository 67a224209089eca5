"""What retention goes by: how old is too old, who reads a dataset, and whose its objects are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from attrs import frozen

from clusterless.engine.adjusters import adjusted
from clusterless.engine.locations import overlap
from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset, SourceDataset
from clusterless.model.placement import Placement
from clusterless.model.project import Project

_AGE = re.compile(r"0*[1-9][0-9]*[a-z]+")


def check_age(age: str) -> None:
    """Refuse what is no age.

    Raises:
        InvalidValueError: it is none.
    """
    expired_by(age, datetime(9999, 1, 1, tzinfo=UTC))


def expired_by(age: str, now: datetime) -> datetime:
    """What ended by then is older than *age*, seen from *now* (UTC).

    Raises:
        InvalidValueError: *age* is none: a number and a unit, such as ``90d``.
    """
    try:
        moment = adjusted(age, now) if _AGE.fullmatch(age) else None
    except (InvalidValueError, OverflowError):
        moment = None
    if moment is None:
        msg = f"{age[:40]!r} is not an age: use a number above 0 and s, m, h, d, w, mon or y"
        raise InvalidValueError(msg, hint="such as '12h', '90d' or '2y'")
    return moment


# ---- who there is ----------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Party:
    """An arc, or what is worked as one, as its placement's metadata knows it."""

    project: Project
    arc: Arc

    def __str__(self) -> str:
        return f"'{self.arc.name}' of project {self.project.id}"

    def roles(self, dataset: Dataset, placement: Placement) -> list[SourceDataset]:
        """The sources that are *dataset* of *placement*, which is the party's own."""
        return [source for source in self.sources(placement) if source.id == dataset.id]

    def sources(self, placement: Placement) -> Iterator[SourceDataset]:
        """Those in *placement*, which is the party's own."""
        for source in self.arc.sources.values():
            if source.placement is None or _is_same(source.placement, placement):
                yield source


@frozen(kw_only=True)
class Neighbourhood:
    """All parties of a *placement*, and the locations where each dataset's objects lie, by its id."""

    placement: Placement
    parties: tuple[Party, ...]
    locations: Mapping[str, tuple[str, ...]]

    def readers(self, dataset: Dataset) -> Iterator[Party]:
        return (party for party in self.parties if party.roles(dataset, self.placement))

    def writers(self, dataset: Dataset) -> Iterator[Party]:
        return (party for party in self.parties if any(sink.id == dataset.id for sink in party.arc.sinks.values()))

    def passed_to(self, party: Party, dataset: Dataset) -> list[Dataset]:
        """The datasets of *party*, a reader of *dataset*, that list the same objects as it does."""
        return [sink for sink in party.arc.sinks.values() if self._share(sink.id, dataset.id)]

    def is_made_of_others(self, dataset: Dataset) -> bool:
        """Whether the objects that *dataset* lists are those of what it is made from, in this placement."""
        return any(
            self._share(source.id, dataset.id)
            for party in self.writers(dataset)
            for source in party.sources(self.placement)
        )

    def strangers(self, dataset: Dataset) -> list[str]:
        """The datasets whose objects lie where *dataset* has its own, though none is made from the other."""
        if self.is_made_of_others(dataset):
            return []
        known = set(self._made_from(dataset))
        return sorted(other for other in self.locations if other not in known and self._share(other, dataset.id))

    def _made_from(self, dataset: Dataset) -> Iterable[str]:
        found = {dataset.id: dataset}
        pending = [dataset]
        while pending:
            one = pending.pop()
            for party in self.readers(one):
                new = [sink for sink in self.passed_to(party, one) if sink.id not in found]
                found |= {sink.id: sink for sink in new}
                pending += new
        return found

    def _share(self, one: str, other: str) -> bool:
        return any(overlap(a, b) for a in self.locations.get(one, ()) for b in self.locations.get(other, ()))


def _is_same(named: Placement, own: Placement) -> bool:
    """Whether what a source names, perhaps not in full, is the placement *own*."""
    if (named.provider, named.stage) != (own.provider, own.stage):
        return False
    return named.account in {None, own.account} and named.region in {None, own.region}
