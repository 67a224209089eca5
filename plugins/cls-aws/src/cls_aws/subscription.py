"""A subscriber's queue behind a rule on the placement's bus."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from attrs import field, frozen

from cls_aws.bus import read_event
from cls_aws.dead_letters import DeadLetters
from cls_aws.errors import asking, code
from cls_aws.queue_policy import sending
from cls_aws.queues import MISSING, VISIBILITY, Queue, allow, make_with_dead
from cls_aws.tags import listed
from clusterless.errors import MalformedError, StoreRefusedError
from clusterless.model.event import Event
from clusterless.provider import Clock, SetAside
from clusterless.runtime.polling import Polled

_log = logging.getLogger(__name__)

_BATCH = 10  # messages that SQS hands out at a time
_LOOK = timedelta(hours=1)  # until rule and queues are looked at again, which somebody may have removed or changed
_LONGEST = 12 * 3600 - VISIBILITY  # seconds that SQS can hide a message, counted from when it was received
_GONE = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}


# ---- made ------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Subscriber:
    """What a subscriber has of its own: a *queue*, a queue for the *dead*, and a *rule* on the *bus*.

    *is_fed*: the rule fed the queue already.
    """

    bus: str
    rule: str
    queue: Queue
    dead: Queue
    is_fed: bool


def subscribe(events: Any, sqs: Any, bus: str, name: str, wanted: str, tags: dict[str, str]) -> Subscriber:
    """Make what is missing for events on *bus* that the pattern *wanted* takes up to come to the queue *name*.

    Raises:
        StoreRefusedError: something of it may not be made.
    """
    queue, dead = make_with_dead(sqs, name, tags)
    rule = _rule(events, bus, name, wanted, tags)
    for each in (queue, dead):
        allow(sqs, each, [sending("events.amazonaws.com", each.arn, rule)])
    is_fed = _feeds(events, bus, name, queue, dead)
    return Subscriber(bus=bus, rule=name, queue=queue, dead=dead, is_fed=is_fed)


def _rule(events: Any, bus: str, name: str, wanted: str, tags: dict[str, str]) -> str:
    """The ARN of the rule *name*, which takes up what *wanted* says."""
    from botocore.exceptions import ClientError

    with asking(f"the rule {name} on {bus}"):
        try:
            found = events.describe_rule(Name=name, EventBusName=bus)
        except ClientError as error:
            if code(error.response) != "ResourceNotFoundException":
                raise
            made = events.put_rule(Name=name, EventBusName=bus, EventPattern=wanted, State="ENABLED", Tags=listed(tags))
            return str(made["RuleArn"])
        if found.get("State") == "DISABLED":
            _log.warning("the rule %s is disabled: events are not heard of, and lots are found later", name)
        if found.get("EventPattern") != wanted:
            events.put_rule(Name=name, EventBusName=bus, EventPattern=wanted, State=found.get("State", "ENABLED"))
        return str(found["Arn"])


def _feeds(events: Any, bus: str, rule: str, queue: Queue, dead: Queue) -> bool:
    """Whether the *rule* did; from now on it does."""
    wanted = {"Id": "queue", "Arn": queue.arn, "DeadLetterConfig": {"Arn": dead.arn}}
    with asking(f"the rule {rule} on {bus}"):
        if wanted in events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]:
            return True
        answer = events.put_targets(Rule=rule, EventBusName=bus, Targets=[wanted])
    if answer.get("FailedEntryCount"):
        msg = f"the rule {rule} on {bus} did not take the queue {queue.name}: {answer['FailedEntries']}"
        raise StoreRefusedError(msg)
    return False


# ---- received --------------------------------------------------------------------------------------------------


@frozen
class QueuedDelivery:
    event: Event
    _sqs: Any = field(repr=False)
    _queue: Queue = field(repr=False)
    _receipt: str = field(repr=False)

    def acknowledge(self) -> None:
        _unless_gone(
            f"the queue {self._queue.name}",
            lambda: self._sqs.delete_message(QueueUrl=self._queue.url, ReceiptHandle=self._receipt),
        )

    def defer(self, seconds: float) -> None:
        hidden = min(max(round(seconds), 0), _LONGEST)
        _unless_gone(
            f"the queue {self._queue.name}",
            lambda: self._sqs.change_message_visibility(
                QueueUrl=self._queue.url, ReceiptHandle=self._receipt, VisibilityTimeout=hidden
            ),
        )


class QueueSubscription:
    """Hands out what is in a subscriber's queue; any number of processes may do so.

    What nobody can read is put in the queue for the dead at once: to read it again would not help. What somebody has
    removed is made again: a queue when it is asked, a rule within the hour.
    """

    def __init__(self, sqs: Any, wire: Callable[[], Subscriber], clock: Clock) -> None:
        self._sqs = sqs
        self._wire = wire
        self._clock = clock
        self._polled = Polled(self._messages, self._delivery, clock)
        self._looks_at = clock.now() + _LOOK
        self._subscriber = wire()

    def receive(self, limit: int) -> Sequence[QueuedDelivery]:
        self._look()
        return self._polled.receive(limit)

    def set_aside(self) -> Sequence[SetAside]:
        return self._dead().set_aside()

    def redrive(self) -> int:
        return self._dead().redrive()

    def close(self) -> None:
        """Nothing is held."""

    def _dead(self) -> DeadLetters:
        dead = self._subscriber.dead
        return DeadLetters(self._sqs, self._subscriber.queue, dead, partial(read_event, source=dead.name))

    def _look(self) -> None:
        now = self._clock.now()
        if now >= self._looks_at:
            self._looks_at = now + _LOOK  # whatever comes of it: events are heard meanwhile
            self._subscriber = made = self._wire()
            if not made.is_fed:
                what = "the rule %s was removed or changed, and is put right: what it missed is found by looking"
                _log.warning(what, made.rule)

    def _messages(self, most: int) -> Sequence[dict[str, Any]]:
        from botocore.exceptions import ClientError

        queue = self._subscriber.queue
        with asking(f"the queue {queue.name}"):
            try:
                answer = self._sqs.receive_message(
                    QueueUrl=queue.url,
                    MaxNumberOfMessages=min(most, _BATCH),
                    VisibilityTimeout=VISIBILITY,
                    WaitTimeSeconds=0,
                )
            except ClientError as error:
                if code(error.response) not in MISSING:
                    raise
                self._make_again(queue)
                return []
        found: Sequence[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _make_again(self, queue: Queue) -> None:
        self._subscriber = self._wire()
        _log.warning("the queue %s was removed, and is made again: lots that it told of are found later", queue.name)

    def _delivery(self, message: dict[str, Any]) -> QueuedDelivery | None:
        queue = self._subscriber.queue
        try:
            event = read_event(message["Body"], f"message {message['MessageId']} of {queue.name}")
        except MalformedError as error:
            self._set_aside(message, error)
            return None
        return QueuedDelivery(event, self._sqs, queue, message["ReceiptHandle"])

    def _set_aside(self, message: dict[str, Any], error: MalformedError) -> None:
        queue, dead = self._subscriber.queue, self._subscriber.dead
        self._send_to_the_dead(message["Body"])
        with asking(f"the queue {queue.name}"):
            self._sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
        _log.error("an event that cannot be read was set aside in %s: %s", dead.name, error)

    def _send_to_the_dead(self, body: str) -> None:
        from botocore.exceptions import ClientError

        dead = self._subscriber.dead
        with asking(f"the queue {dead.name}"):
            try:
                self._sqs.send_message(QueueUrl=dead.url, MessageBody=body)
            except ClientError as error:
                if code(error.response) not in MISSING:
                    raise
                self._make_again(dead)
                self._sqs.send_message(QueueUrl=self._subscriber.dead.url, MessageBody=body)


def _unless_gone(what: str, ask: Any) -> None:
    """Do it, unless the message's time ran out: another has it then, or has acknowledged it."""
    from botocore.exceptions import ClientError

    with asking(what):
        try:
            ask()
        except ClientError as error:
            if code(error.response).rpartition(".")[2] not in _GONE:
                raise
