"""Arcs: source datasets → workload → sink datasets, lot by lot."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from attrs import Factory, field, frozen
from attrs.validators import ge, gt, instance_of, le, optional

from clusterless.errors import InvalidValueError
from clusterless.model.dataset import SinkDataset, SourceDataset
from clusterless.model.element import Element
from clusterless.model.lot import LotUnit
from clusterless.model.naming import LONGEST


class WaitFor(enum.Enum):
    ALL = "all"
    AT_LEAST = "atLeast"


@frozen(kw_only=True)
class Wait:
    """Which sources must be there before a lot is worked.

    ``all`` of them, or as soon as ``count`` are (``atLeast``); ``deadlineSec``
    after the first of them was committed, the lot is worked with what there is.
    """

    for_: WaitFor = WaitFor.ALL
    count: int | None = field(default=None, validator=optional(ge(1)))
    deadline_sec: float | None = field(default=None, validator=optional([gt(0), le(LONGEST)]))

    def __attrs_post_init__(self) -> None:
        if (self.for_ is WaitFor.AT_LEAST) != (self.count is not None):
            msg = "'count' goes with 'for': 'atLeast', and only with it"
            raise InvalidValueError(msg)

    def needed(self, sources: int) -> int:
        return min(self.count, sources) if self.count else sources


@frozen(kw_only=True)
class Retry:
    """``attempts`` claims before a lot rests as missing, ``backoffSec`` after the first, doubling."""

    attempts: int = field(default=3, validator=[instance_of(int), ge(1), le(10_000)])
    backoff_sec: float = field(default=30, validator=[ge(0), le(LONGEST)])

    def delay(self, attempt: int) -> float:
        """Seconds to wait after attempt number *attempt* (from 1) has failed."""
        return float(min(self.backoff_sec * 2 ** min(attempt - 1, 16), LONGEST))


class OnEmpty(enum.Enum):
    """What happens where every source lot is empty."""

    SKIP = "skip"  # no workload runs, the sinks are empty too
    RUN = "run"


@frozen(kw_only=True)
class WorkloadSettings:
    """What a component is told about its work; components add to it."""

    workload_props: Mapping[str, Any] = Factory(dict)


def check_sources(_element: object, _: object, sources: Mapping[str, SourceDataset]) -> None:
    """Refuse an element that reads nothing.

    Raises:
        InvalidValueError: there is no source.
    """
    if not sources:
        msg = "at least one source is needed"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class Arc(Element):
    """``leaseSec`` is how long a claim lasts before it must be renewed."""

    sources: Mapping[str, SourceDataset] = field(validator=check_sources)
    sinks: Mapping[str, SinkDataset] = Factory(dict)
    workload: WorkloadSettings = Factory(WorkloadSettings)
    retry: Retry = Factory(Retry)
    lease_sec: float = field(default=300, validator=[gt(0), le(LONGEST)])
    wait: Wait = Factory(Wait)
    on_empty: OnEmpty = OnEmpty.SKIP

    @property
    def lot_unit(self) -> LotUnit | None:
        """The unit of the arc's lots where it is larger than its sources' (a rollup); None: it is theirs."""
        return None
