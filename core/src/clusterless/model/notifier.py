"""Notifiers: who else is told of committed lots, and how hard it is tried."""

from __future__ import annotations

from attrs import Factory, field, frozen
from attrs.validators import ge, gt, instance_of, le

from clusterless.model.dataset import Dataset
from clusterless.model.element import Element
from clusterless.model.event import Event
from clusterless.model.naming import LONGEST
from clusterless.model.placement import Placement

_LONGEST_PAUSE = 600.0


@frozen(kw_only=True)
class PublishRetry:
    """``attempts`` at once, ``backoffSec`` after the first, doubling; then the event is kept, and tried later."""

    attempts: int = field(default=3, validator=[instance_of(int), ge(1), le(10)])
    backoff_sec: float = field(default=1, validator=[gt(0), le(60)])

    def pause(self, failures: int) -> float:
        """Seconds to wait after that many *failures* (from 1), ten minutes at most."""
        return float(min(self.backoff_sec * 2 ** min(failures - 1, 16), _LONGEST_PAUSE))


@frozen(kw_only=True)
class Notifier(Element):
    """Announces the project's committed lots to the outside, beside the placement's own events.

    What cannot be announced is kept, and tried again while the project runs, for ``giveUpSec``.
    """

    datasets: tuple[Dataset, ...] = ()
    retry: PublishRetry = Factory(PublishRetry)
    give_up_sec: float = field(default=24 * 3600, validator=[gt(0), le(LONGEST)])

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that it cannot do without; components that have some override it."""
        return ()

    def check_variable(self, name: str, value: str) -> None:
        """Refuse the *value* of one of its ``variables`` with which it cannot work.

        Raises:
            InvalidValueError: the value is not what the variable is to hold.
        """

    def hears(self, event: Event) -> bool:
        """Whether *event* is of its ``datasets``; of none given, all are."""
        return not self.datasets or any(event.dataset.id == dataset.id for dataset in self.datasets)


@frozen(kw_only=True)
class LocatedNotifier(Notifier):
    """Announces to the location ``pathURI``, reached as ``placement`` is; without one, as what belongs to none."""

    path_uri: str
    placement: Placement | None = None
