"""What is declared with the local provider's component types."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, le

from clusterless.model.boundary import Booking, IngressBoundary, LotSource
from clusterless.model.element import Resource
from clusterless.model.naming import LONGEST, check_path
from clusterless.runtime.key_time import check_booked_by


@frozen(kw_only=True)
class FolderResource(Resource):
    """A folder; a relative *path* is meant from the project file's folder."""

    path: str = field()

    @path.validator
    def _is_a_path(self, _: object, path: str) -> None:
        check_path(path)


@frozen(kw_only=True)
class PutListenerBoundary(IngressBoundary):
    """Books the files that are put below its dataset's folder, at any depth.

    A file has arrived when it has not changed for ``settle_sec`` seconds; changed later, it
    arrives again. Hidden names (``.x``), ``*.tmp`` and ``*.part`` are passed over, as are whole folders
    so named; links are not followed.

    Files are booked by ``lot_source``: their modification time, the time they were noticed (``eventTime``), or
    the time that ``key_regex`` finds in their keys (`clusterless.runtime.key_time`).

    Raises:
        InvalidValueError: ``keyTimestampRegex`` without a usable ``keyRegex``, or the other way round.
    """

    grace_sec: float = field(default=0, validator=[ge(0), le(LONGEST)])
    lot_source: LotSource = LotSource.OBJECT_MODIFIED_TIME
    key_regex: str | None = None

    def __attrs_post_init__(self) -> None:
        check_booked_by(self.lot_source, self.key_regex)

    @property
    def booking(self) -> Booking:
        return Booking(
            unit=self.lot_unit,
            arrival=self.event_arrival,
            lot_source=self.lot_source,
            key_regex=self.key_regex,
            grace=self.grace_sec,
            settle=self.settle_sec,
        )
