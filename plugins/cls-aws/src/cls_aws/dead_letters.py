"""The messages beside a queue: what nobody could read, or EventBridge could not deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import field, frozen

from cls_aws.errors import asking
from cls_aws.queues import VISIBILITY, Queue
from clusterless.errors import ClsError
from clusterless.model.event import Event
from clusterless.provider import SetAside

_BATCH = 10  # messages that SQS hands out at a time
_UNDELIVERED = "it was not delivered, or deferred too often"


@frozen
class DeadLetters:
    """The queue *dead* beside *queue*; what it is asked for is seen by nobody else for a moment.

    *read* gives the event in a message's body, or what else it tells of, in words; it raises what it cannot read.
    """

    sqs: Any = field(repr=False)
    queue: Queue
    dead: Queue
    read: Callable[[str], Event | str] = field(repr=False)

    def set_aside(self) -> list[SetAside]:
        messages = list(self._messages())
        for message in messages:
            self._release(message)
        return [self._told(message) for message in messages]

    def redrive(self) -> int:
        """How many of them were put in the queue again: those that can be read."""
        moved = 0
        for message in list(self._messages()):
            if not self._can_be_read(message):
                self._release(message)
                continue
            with asking(f"the queue {self.queue.name}"):
                self.sqs.send_message(QueueUrl=self.queue.url, MessageBody=message["Body"])
                self.sqs.delete_message(QueueUrl=self.dead.url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        return moved

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            with asking(f"the queue {self.dead.name}"):
                answer = self.sqs.receive_message(
                    QueueUrl=self.dead.url, MaxNumberOfMessages=_BATCH, VisibilityTimeout=VISIBILITY
                )
            if not answer.get("Messages"):
                return
            yield from answer["Messages"]

    def _release(self, message: dict[str, Any]) -> None:
        with asking(f"the queue {self.dead.name}"):
            self.sqs.change_message_visibility(
                QueueUrl=self.dead.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    def _told(self, message: dict[str, Any]) -> SetAside:
        try:
            read = self.read(message["Body"])
        except ClsError as error:
            return SetAside(event=None, why=error.problem)
        if isinstance(read, Event):
            return SetAside(event=read, why=_UNDELIVERED)
        return SetAside(event=None, why=f"{read}: {_UNDELIVERED}")

    def _can_be_read(self, message: dict[str, Any]) -> bool:
        try:
            self.read(message["Body"])
        except ClsError:
            return False
        return True
