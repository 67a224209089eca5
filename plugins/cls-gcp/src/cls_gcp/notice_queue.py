"""The subscription that Cloud Storage's notices come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cls_gcp.notices import read
from cls_gcp.subscriptions import Pulled
from clusterless.errors import ObjectMissingError
from clusterless.runtime.noticed import Messages, Notice, QueueMissingError
from clusterless.runtime.polling import PolledNotices


class PubSubNotices(PolledNotices[Any]):
    """Those of the *queue*. How many are left is not told: whoever holds one books it, and what a killed one held is
    listed.
    """

    def __init__(self, queue: Pulled) -> None:
        super().__init__(str(queue))
        self._queue = queue

    def acknowledge(self, messages: Messages) -> None:
        self._queue.acknowledge(messages.receipts)

    def ask(self, most: int, wait: int) -> Sequence[Any]:
        try:
            return self._queue.pull(most, wait)
        except ObjectMissingError as error:
            msg = f"{self._queue} was removed"
            raise QueueMissingError(msg) from error

    def receipt(self, message: Any) -> str:
        return str(message.ack_id)

    def read(self, message: Any) -> Sequence[Notice]:
        notice = read(message.message.attributes)
        return [notice] if notice else []
