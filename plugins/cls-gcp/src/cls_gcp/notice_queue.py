"""The subscription that Cloud Storage's notices come to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cls_gcp.notices import read
from cls_gcp.subscriptions import Pulled
from clusterless.errors import InvalidValueError, ObjectMissingError
from clusterless.runtime.noticed import Messages, Notice, QueueMissingError

_log = logging.getLogger(__name__)


class PubSubNotices:
    """Any number of processes may share the *queue*; what one has received, the others do not see for a minute."""

    def __init__(self, queue: Pulled) -> None:
        self._queue = queue

    def receive(self, limit: int, wait: int) -> Messages:
        """See `clusterless.runtime.noticed.NoticeQueue`."""
        notices: list[Notice] = []
        receipts: list[str] = []
        while len(receipts) < limit:
            found = self._pull(limit - len(receipts), 0 if receipts else wait)
            if not found:
                return Messages(notices, receipts, drained=True)
            receipts += [message.ack_id for message in found]
            notices += filter(None, map(self._read, found))
        return Messages(notices, receipts, drained=False)

    def acknowledge(self, messages: Messages) -> None:
        self._queue.acknowledge(messages.receipts)

    def has_more(self) -> bool:
        """Pub/Sub does not tell: whoever holds a notice books it, and what a killed one held is listed."""
        return False

    def _pull(self, most: int, wait: int) -> Sequence[Any]:
        try:
            return self._queue.pull(most, wait)
        except ObjectMissingError as error:
            msg = f"{self._queue} was removed"
            raise QueueMissingError(msg) from error

    def _read(self, received: Any) -> Notice | None:
        try:
            return read(received.message.attributes)
        except InvalidValueError as error:
            # If it was about an object, a listing finds that.
            _log.error("a message in %s is passed over: %s", self._queue, error)
            return None
