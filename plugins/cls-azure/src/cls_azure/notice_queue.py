"""The queue that the events of a storage account come to."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cls_azure.notices import read
from cls_azure.queues import Queue
from clusterless.errors import ObjectMissingError
from clusterless.provider import Clock
from clusterless.runtime.noticed import Messages, Notice, QueueMissingError
from clusterless.runtime.polling import PolledNotices

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

_DELETIONS = 16  # at a time, since each message is deleted by a request of its own, and soon comes again
_EVERY = 1.0  # seconds between looks


class StorageNotices(PolledNotices["QueueMessage"]):
    """Those of the *queue*."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        super().__init__(str(queue))
        self._queue = queue
        self._clock = clock

    def acknowledge(self, messages: Messages) -> None:
        with ThreadPoolExecutor(_DELETIONS, thread_name_prefix="acknowledge") as threads:
            list(threads.map(self._delete, messages.receipts))

    def ask(self, most: int, wait: int) -> Sequence[QueueMessage]:
        """What there is, looked for again until *wait* seconds are over: the service itself does not wait."""
        try:
            found = self._queue.receive(most)
            for _ in range(wait):
                if found:
                    break
                self._clock.sleep(_EVERY)
                found = self._queue.receive(most)
        except ObjectMissingError as error:
            msg = f"{self._queue} was removed"
            raise QueueMissingError(msg) from error
        return found

    def receipt(self, message: QueueMessage) -> str:
        return f"{message.id}/{message.pop_receipt}"

    def read(self, message: QueueMessage) -> Sequence[Notice]:
        return read(message.content)

    def is_any_left(self) -> bool:
        return self._queue.count() > 0

    def _delete(self, receipt: str) -> None:
        message, _, own = receipt.partition("/")
        self._queue.delete(message, own)
