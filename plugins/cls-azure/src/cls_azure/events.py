"""The placement's own events: put into the queues of those who subscribe, as they are marked, or posted to Event Grid.

Of a queue, its metadata says which placement it is of, and which datasets are wanted there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from cls_azure.errors import asking
from cls_azure.messages import grid_events, plain
from cls_azure.queues import Queue
from clusterless import codec
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.event import Event
from clusterless.model.placement import Placement

if TYPE_CHECKING:
    from azure.storage.queue import QueueServiceClient

PLACEMENT = "clsplacement"  # metadata is named as identifiers of C# are
_DATASETS = "clsdatasets"
_ALL = "*"
_LONGEST = 4000  # characters: all of a queue's metadata are 8 KiB at most


def marks(placement: Placement, datasets: Iterable[Dataset]) -> dict[str, str]:
    """The metadata of a queue for events of *datasets*; of more than it has room for, those of all come."""
    wanted = ",".join(sorted({each.id for each in datasets}))
    return {PLACEMENT: placement.id, _DATASETS: wanted if len(wanted) <= _LONGEST else _ALL}


def hears(metadata: Mapping[str, str], placement: Placement, event: Event) -> bool:
    """Whether a queue with that *metadata* is to be told of the placement's *event*."""
    found = {name.lower(): value for name, value in metadata.items()}
    wanted = found.get(_DATASETS, "")
    return found.get(PLACEMENT) == placement.id and (wanted == _ALL or event.dataset.id in wanted.split(","))


def read_event(message: str, source: str) -> Event:
    """The event in a *message*, as it stands, or as the data of one of Event Grid's.

    Raises:
        MalformedError: it is none; *source* says where it was.
    """
    try:
        (told,) = grid_events(message)
        content = json.dumps(told.data).encode()
    except (InvalidValueError, ValueError):
        content = plain(message)
    try:
        return codec.read_record(content, Event, source=source)
    except UnicodeDecodeError as error:
        raise MalformedError(source, [f"not text: {error}"]) from error


class QueuesPublisher:
    """Puts each event into the queues of those who subscribe to its dataset; threads may share it."""

    def __init__(self, service: QueueServiceClient, placement: Placement) -> None:
        self._service = service
        self._placement = placement

    def publish(self, event: Event) -> None:
        """Announce durably, to all who subscribe now.

        Raises:
            StoreUnavailableError: the service did not take it.
            StoreRefusedError: it says no.
        """
        content = codec.record_bytes(event)
        for name in self._subscribers(event):
            with suppress(ObjectMissingError):  # removed at this moment
                Queue(self._service.get_queue_client(name)).send(content)

    def _subscribers(self, event: Event) -> list[str]:
        with asking(f"the queues of {self._placement.account}"):
            found = self._service.list_queues(include_metadata=True)
            return [str(each.name) for each in found if hears(each.metadata or {}, self._placement, event)]
