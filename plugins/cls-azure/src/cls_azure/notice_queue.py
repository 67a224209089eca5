"""The queue that the events of a storage account come to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

from cls_azure.notices import read
from cls_azure.queues import Queue
from clusterless.errors import InvalidValueError, ObjectMissingError
from clusterless.provider import Clock
from clusterless.runtime.noticed import Messages, Notice, QueueMissingError

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

_log = logging.getLogger(__name__)

_RESTLESS = 120.0  # seconds without a message after which nobody is taken to hold one
_DELETIONS = 16  # at a time, since each message is deleted by a request of its own, and soon comes again
_EVERY = 1.0  # seconds between looks, at messages and at how many there are


class StorageNotices:
    """Any number of processes may share the *queue*; what one has received, the others do not see for a minute."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._stirred = monotonic()
        self._counted: tuple[float, bool] | None = None

    def receive(self, limit: int, wait: int) -> Messages:
        """See `clusterless.runtime.noticed.NoticeQueue`."""
        notices: list[Notice] = []
        receipts: list[str] = []
        while len(receipts) < limit:
            found = self._ask(limit - len(receipts), 0 if receipts else wait)
            if not found:
                return Messages(notices, receipts, drained=True)
            self._stirred = monotonic()
            receipts += [f"{message.id}/{message.pop_receipt}" for message in found]
            for message in found:
                notices += self._read(message)
        return Messages(notices, receipts, drained=False)

    def acknowledge(self, messages: Messages) -> None:
        with ThreadPoolExecutor(_DELETIONS, thread_name_prefix="acknowledge") as threads:
            list(threads.map(self._delete, messages.receipts))

    def has_more(self) -> bool:
        """Whether there were messages lately and some are left, which another holds or has not acknowledged."""
        now = monotonic()
        if now - self._stirred > _RESTLESS:
            return False
        if self._counted is None or now - self._counted[0] >= _EVERY:
            self._counted = now, self._queue.count() > 0
        return self._counted[1]

    def _delete(self, receipt: str) -> None:
        message, _, own = receipt.partition("/")
        self._queue.delete(message, own)

    def _ask(self, most: int, wait: int) -> Sequence[QueueMessage]:
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

    def _read(self, message: QueueMessage) -> Sequence[Notice]:
        try:
            return read(message.content)
        except InvalidValueError as error:
            # If it was about a blob, a listing finds that.
            _log.error("a message in %s is passed over: %s", self._queue, error)
            return ()
