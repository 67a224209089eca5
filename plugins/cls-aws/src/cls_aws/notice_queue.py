"""The queue that S3's notices come to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from cls_aws.errors import asking, code
from cls_aws.notices import read
from cls_aws.queues import MISSING, Queue, attributes
from clusterless.errors import InvalidValueError
from clusterless.runtime.noticed import Messages, Notice, QueueMissingError

_log = logging.getLogger(__name__)

_BATCH = 10  # messages that SQS hands out, or deletes, at a time
_RESTLESS = 120.0  # seconds without a message after which nobody is taken to hold one
_EVERY = 1.0  # seconds between looks at how many messages there are
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsNotices:
    """Any number of processes may share the *queue*; what one has received, the others do not see for a minute."""

    def __init__(self, sqs: Any, queue: Queue) -> None:
        self._sqs = sqs
        self._queue = queue
        self._stirred = monotonic()
        self._counted: tuple[float, bool] | None = None

    def receive(self, limit: int, wait: int) -> Messages:
        """At least *limit* messages if there are so many, waiting up to *wait* seconds for the first.

        Raises:
            QueueMissingError: the queue was removed.
            StoreUnavailableError: SQS did not answer.
        """
        notices: list[Notice] = []
        receipts: list[str] = []
        while len(receipts) < limit:
            found = self._ask(0 if receipts else wait)
            if not found:
                return Messages(notices, receipts, drained=True)
            self._stirred = monotonic()
            receipts += [message["ReceiptHandle"] for message in found]
            for message in found:
                notices += self._read(message)
        return Messages(notices, receipts, drained=False)

    def acknowledge(self, messages: Messages) -> None:
        """Never hand them out again; those that cannot be removed now come again, and do no harm."""
        for receipts in _batches(messages.receipts):
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)]
            with self._asking():
                answer = self._sqs.delete_message_batch(QueueUrl=self._queue.url, Entries=entries)
            for failed in answer.get("Failed", []):
                _log.warning("a notice in %s will come again: %s", self._queue.name, failed.get("Message", failed))

    def has_more(self) -> bool:
        """Whether there were messages lately and some are left, which another holds or has not acknowledged."""
        now = monotonic()
        if now - self._stirred > _RESTLESS:
            return False
        if self._counted is None or now - self._counted[0] >= _EVERY:
            with self._asking():
                counts = attributes(self._sqs, self._queue.url, *_COUNTS)
            self._counted = now, any(int(count) for count in counts.values())
        return self._counted[1]

    def _ask(self, wait: int) -> Sequence[dict[str, Any]]:
        with self._asking():
            answer = self._sqs.receive_message(
                QueueUrl=self._queue.url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=wait
            )
        found: Sequence[dict[str, Any]] = answer.get("Messages", [])
        return found

    @contextmanager
    def _asking(self) -> Iterator[None]:
        from botocore.exceptions import ClientError

        with asking(f"the queue {self._queue.name}"):
            try:
                yield
            except ClientError as error:
                if code(error.response) not in MISSING:
                    raise
                msg = f"the queue {self._queue.name} was removed"
                raise QueueMissingError(msg) from error

    def _read(self, message: dict[str, Any]) -> Sequence[Notice]:
        try:
            return read(message["Body"])
        except InvalidValueError as error:
            # If it was about an object, a listing finds that.
            _log.error("a message in %s is passed over: %s", self._queue.name, error)
            return ()


def _batches(receipts: Sequence[str]) -> list[Sequence[str]]:
    return [receipts[start : start + _BATCH] for start in range(0, len(receipts), _BATCH)]
