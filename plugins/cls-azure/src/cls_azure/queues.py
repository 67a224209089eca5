"""Storage Queues: made if they are not there, sent to, and polled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from cls_azure.errors import asking
from cls_azure.messages import written
from clusterless.errors import StoreUnavailableError

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

VISIBILITY = 60  # seconds that what was received is hidden from others

_BATCH = 32  # messages that the service hands out at a time
_LONGEST = 7 * 24 * 3600  # seconds that it can hide one
_FOR_EVER = -1
_GONE = ("MessageNotFound", "PopReceiptMismatch", "QueueNotFound")


@frozen
class Queue:
    """One that any number of processes send to and receive from."""

    client: Any = field(repr=False)  # a QueueClient

    def __str__(self) -> str:
        return f"the queue {self.client.queue_name}"

    def receive(self, most: int) -> Sequence[QueueMessage]:
        """Up to *most* messages, without waiting; each is hidden from others for a minute.

        Raises:
            ObjectMissingError: the queue was removed.
        """
        with asking(str(self)):
            found = self.client.receive_messages(messages_per_page=min(most, _BATCH), visibility_timeout=VISIBILITY)
            return list(next(found.by_page(), ()))

    def send(self, content: bytes) -> None:
        """Put a message there, which stays until it is deleted.

        Raises:
            ObjectMissingError: the queue was removed.
        """
        self.put(written(content))

    def put(self, message: str) -> None:
        """As `send`, for what was a message before."""
        with asking(str(self)):
            self.client.send_message(message, time_to_live=_FOR_EVER)

    def delete(self, message: str, receipt: str | None) -> None:
        """Never hand out the *message* of that id again; if its time ran out, another has it, or has deleted it."""
        with asking(str(self)), _unless_gone():
            self.client.delete_message(message, receipt)

    def hide(self, message: QueueMessage, seconds: float) -> None:
        """Hand it out again after *seconds*, or as long as the service hides one at most; as `delete`."""
        hidden = min(max(round(seconds), 0), _LONGEST)
        with asking(str(self)), _unless_gone():
            self.client.update_message(message, visibility_timeout=hidden)

    def count(self) -> int:
        """About how many messages there are, those included that somebody holds."""
        with asking(str(self)):
            return int(self.client.get_queue_properties().approximate_message_count or 0)


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Passes over the answer that a message is not there any more, or is another's."""
    from azure.core.exceptions import HttpResponseError

    try:
        yield
    except HttpResponseError as error:
        if getattr(error, "error_code", None) not in _GONE:
            raise


def make(service: QueueServiceClient, name: str, marks: Mapping[str, str]) -> Queue:
    """The queue *name*, made if it is not there, with *marks* as its metadata; what else is there stays.

    Raises:
        StoreRefusedError: it may not be made.
        StoreUnavailableError: one of that name is just being removed.
    """
    from azure.core.exceptions import ResourceExistsError

    queue = Queue(service.get_queue_client(name))
    with asking(str(queue)):
        try:
            queue.client.create_queue(metadata=dict(marks))
        except ResourceExistsError as error:
            if getattr(error, "error_code", None) == "QueueBeingDeleted":
                msg = f"{queue} is just being removed"
                raise StoreUnavailableError(msg, hint="the same again, in a minute") from error
            _mark(queue.client, marks)
    return queue


def _mark(client: QueueClient, marks: Mapping[str, str]) -> None:
    found = client.get_queue_properties().metadata or {}
    if not marks.items() <= found.items():
        client.set_queue_metadata({**found, **marks})
