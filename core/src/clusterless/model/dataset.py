"""Datasets: named, versioned, owned by one project, read by any."""

from __future__ import annotations

import enum

from attrs import field, frozen

from clusterless.errors import InvalidValueError
from clusterless.model.lot import Lot
from clusterless.model.naming import check_name
from clusterless.model.placement import Placement


@frozen(kw_only=True)
class Dataset:
    name: str = field(validator=check_name)
    version: str = field(validator=check_name)

    @property
    def id(self) -> str:
        return f"{self.name}/{self.version}"


@frozen(kw_only=True)
class LocatedDataset(Dataset):
    """A dataset and where its objects lie: *path_uri* ends with a slash."""

    path_uri: str


class OnRevision(enum.Enum):
    """What an arc does when a source lot it has consumed gets a newer revision."""

    REPORT = "report"  # the lot is shown as stale
    RERUN = "rerun"  # the lot is worked again, as a new revision


@frozen(kw_only=True)
class SourceDataset(Dataset):
    """What an arc reads, by role.

    ``start`` says from where on lots are owed: ``now`` (after the newest lot
    committed when the arc is first seen), ``all``, or a lot. ``inbox`` is a location that an
    inbox notifier of whoever writes the dataset announces its lots to, for this reader alone.
    """

    subscribe: bool = True
    start: str = field(default="now")
    on_revision: OnRevision = OnRevision.REPORT
    placement: Placement | None = None
    inbox: str | None = None

    @property
    def plain(self) -> Dataset:
        return Dataset(name=self.name, version=self.version)

    @start.validator
    def _is_a_start(self, _: object, start: str) -> None:
        if start in {"now", "all"}:
            return
        try:
            Lot.parse(start)
        except InvalidValueError as error:
            msg = f"{start!r} is not a start: use 'now', 'all' or a lot; {error.problem}"
            raise InvalidValueError(msg) from None


@frozen(kw_only=True)
class SinkDataset(LocatedDataset):
    """What a boundary or an arc writes and thereby owns; ``publish`` false announces nothing."""

    publish: bool = True
    take_over: str | None = None  # a lot that lies ahead: from it on this project owns the dataset

    @property
    def located(self) -> LocatedDataset:
        return LocatedDataset(name=self.name, version=self.version, path_uri=self.path_uri)

    @property
    def roots(self) -> tuple[str, ...]:
        """The locations that its objects lie below: its own, unless it lists what others hold."""
        return (self.path_uri,)


@frozen(kw_only=True)
class JoinedDataset(SinkDataset):
    """What a barrier makes: its lots list the objects of other datasets, where these lie.

    Without a ``pathURI`` its location is the deepest that those datasets share, or else that of the first.
    """

    path_uri: str = ""


@frozen(kw_only=True)
class ClockDataset(SinkDataset):
    """What a clock makes: its lots have no objects, so that it need not have a ``pathURI``."""

    path_uri: str = ""


@frozen(kw_only=True)
class GatheredDataset(JoinedDataset):
    """A joined dataset whose sources were looked up: *roots* are the locations that its objects lie below."""

    roots: tuple[str, ...]


@frozen(kw_only=True)
class Owner:
    """The project that writes a dataset version."""

    name: str
    version: str


@frozen(kw_only=True)
class OwnedDataset:
    """``dataset.json``: who owns a dataset version."""

    owner: Owner
    dataset: LocatedDataset


@frozen(kw_only=True)
class HandedOver(OwnedDataset):
    """``dataset.json`` with what only some datasets need.

    After another project took over, the *owner* writes from lot *since* on, and *before* until
    then. A joined dataset's objects lie below its *roots*; none are named where its location is the only one.
    """

    since: Lot | None = None
    before: Owner | None = None
    roots: tuple[str, ...] = ()

    @property
    def all_roots(self) -> tuple[str, ...]:
        return self.roots or (self.dataset.path_uri,)


@frozen(kw_only=True)
class Tenure:
    """The lots of a dataset that a project may write: from *first* to *last*, None where there is no end."""

    first: Lot | None = None
    last: Lot | None = None
    ever: bool = True

    def holds(self, lot: Lot) -> bool:
        if not self.ever or (self.first and lot < self.first):
            return False
        return self.last is None or lot <= self.last
