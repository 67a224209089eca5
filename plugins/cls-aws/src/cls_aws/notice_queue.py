"""The queue that S3's notices come to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cls_aws.errors import asking, code
from cls_aws.notices import read
from cls_aws.queues import MISSING, Queue, attributes
from clusterless.runtime.noticed import Messages, Notice, QueueMissingError
from clusterless.runtime.polling import PolledNotices

_log = logging.getLogger(__name__)

_BATCH = 10  # messages that SQS hands out, or deletes, at a time
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsNotices(PolledNotices[dict[str, Any]]):
    """Those of the *queue*."""

    def __init__(self, sqs: Any, queue: Queue) -> None:
        super().__init__(queue.name)
        self._sqs = sqs
        self._queue = queue

    def acknowledge(self, messages: Messages) -> None:
        for receipts in _batches(messages.receipts):
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)]
            with self._asking():
                answer = self._sqs.delete_message_batch(QueueUrl=self._queue.url, Entries=entries)
            for failed in answer.get("Failed", []):
                _log.warning("a notice in %s will come again: %s", self._queue.name, failed.get("Message", failed))

    def ask(self, most: int, wait: int) -> Sequence[dict[str, Any]]:
        with self._asking():
            answer = self._sqs.receive_message(
                QueueUrl=self._queue.url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=wait
            )
        found: Sequence[dict[str, Any]] = answer.get("Messages", [])
        return found

    def receipt(self, message: dict[str, Any]) -> str:
        return str(message["ReceiptHandle"])

    def read(self, message: dict[str, Any]) -> Sequence[Notice]:
        return read(message["Body"])

    def is_any_left(self) -> bool:
        with self._asking():
            counts = attributes(self._sqs, self._queue.url, *_COUNTS)
        return any(int(count) for count in counts.values())

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


def _batches(receipts: Sequence[str]) -> list[Sequence[str]]:
    return [receipts[start : start + _BATCH] for start in range(0, len(receipts), _BATCH)]
