"""What makes Event Grid put events into a queue: its event subscriptions, made if they are not there, or are otherwise.

That takes rights which a project can do without: who lacks them, or names no ``subscription``, has somebody else make
them, or hears of nothing; and what is not heard of is found by looking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cls_azure.management import Management
from cls_azure.notices import CREATED
from cls_azure.settings import Reach
from clusterless.errors import ClsError, ObjectMissingError, StoreRefusedError
from clusterless.model.dataset import Dataset
from clusterless.runtime.noticed import Location

_log = logging.getLogger(__name__)

_STORAGE_VERSION = "2023-01-01"
_VERSION = "2022-06-15"
_FOR_EVER = -1
_MOST = 25  # values that one filter takes

Values = Mapping[str, Any]


def tell_of_blobs(found: Reach, queue: str, location: Location) -> bool:
    """Have the storage account tell *queue* of what is put at *location*, as far as we may: whether it does now."""

    def tell() -> None:
        account = _account(found)
        begins = f"/blobServices/default/containers/{location.bucket}/blobs/{location.prefix}"
        wanted = {"subjectBeginsWith": begins, "includedEventTypes": [CREATED], "isSubjectCaseSensitive": True}
        _subscribe(found, account, queue, account, wanted)

    otherwise = f"{queue} may hear of nothing that is put in {location.bucket}, which is listed now and then"
    return _if_we_may(found, tell, otherwise)


def tell_of_lots(found: Reach, queue: str, datasets: Sequence[Dataset]) -> None:
    """Have the topic that the settings name tell *queue* of the events of *datasets*, as far as we may."""

    def tell() -> None:
        topic = _id(
            Management(found, _VERSION),
            f"/subscriptions/{found.subscription}/providers/Microsoft.EventGrid/topics",
            lambda each: each.get("properties", {}).get("endpoint", "").rstrip("/") == (found.event_grid or ""),
            f"the topic {found.event_grid}",
        )
        _subscribe(found, topic, queue, _account(found), _wanting(datasets))

    _if_we_may(found, tell, f"{queue} may hear of no lots, which are looked for")


def _wanting(datasets: Sequence[Dataset]) -> Values:
    """The filter for events of *datasets*; with more than it has room for, those of all come, and are dropped."""
    ids = sorted({each.id for each in datasets})
    if len(ids) > _MOST:
        return {}
    return {"advancedFilters": [{"operatorType": "StringIn", "key": "data.datasetId", "values": ids}]}


def _if_we_may(found: Reach, tell: Callable[[], None], otherwise: str) -> bool:
    if not found.subscription:
        _log.info("%s, unless somebody has told Event Grid to: no 'subscription' is set", otherwise)
        return False
    try:
        tell()
    except ClsError as error:
        _log.warning("%s: %s", otherwise, error)
        return False
    return True


def _account(found: Reach) -> str:
    """The id of the storage account."""
    listed = f"/subscriptions/{found.subscription}/providers/Microsoft.Storage/storageAccounts"
    management, what = Management(found, _STORAGE_VERSION), f"the storage account {found.account}"
    return _id(management, listed, lambda each: each["name"] == found.account, what)


def _id(management: Management, path: str, fits: Callable[[Values], bool], what: str) -> str:
    for each in _listed(management, path):
        if fits(each):
            return str(each["id"])
    msg = f"{what} is not seen in {path}"
    raise StoreRefusedError(msg, hint="check 'subscription' in .clsconfig-azure, and the role of this identity there")


def _listed(management: Management, path: str) -> Iterator[Values]:
    more: str | None = path
    while more:
        page = management.get(more)
        yield from page.get("value", ())
        more = page.get("nextLink")


def _subscribe(found: Reach, source: str, queue: str, account: str, filter: Values) -> None:
    """See to it that events of *source* which *filter* takes up come to the *queue* of *account*; both are ids."""
    management = Management(found, _VERSION)
    path = f"{source}/providers/Microsoft.EventGrid/eventSubscriptions/{queue}"
    place = {"resourceId": account, "queueName": queue, "queueMessageTimeToLiveInSeconds": _FOR_EVER}
    wanted = {
        "destination": {"endpointType": "StorageQueue", "properties": place},
        "filter": filter,
        "eventDeliverySchema": "CloudEventSchemaV1_0",
    }
    try:
        there = management.get(path)
    except ObjectMissingError:
        there = {}
    if not _has(there.get("properties"), wanted):
        management.put(path, {"properties": wanted})
        _log.info("Event Grid was told to put events of %s into %s", source, queue)


def _has(found: Any, wanted: Any) -> bool:
    """Whether *found* says all that is *wanted*, whatever it says besides; ids are spelled in any case."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_has(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_has, found, wanted))
    if isinstance(wanted, str) and wanted.startswith("/subscriptions/"):
        return isinstance(found, str) and found.lower() == wanted.lower()
    return bool(found == wanted)
