"""SQS queues: made if they are not there, open to who is to send, and with a place for what nobody can read."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from cls_aws.errors import asking, code
from cls_aws.queue_policy import completed

_log = logging.getLogger(__name__)

RETENTION = 14 * 24 * 3600  # seconds: as long as SQS keeps a message
VISIBILITY = 60  # seconds that what was received is hidden from others
RECEIVES = 1000
"""How often a message is received before SQS puts it aside: the most there is, since to defer one counts as well."""

MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
"""What SQS answers of a queue that is not there."""

DEAD = "-dead"
"""What the name of the queue for the dead ends with, beside another."""


@frozen
class Queue:
    name: str
    url: str
    arn: str


def find_queue(sqs: Any, name: str, account: str | None = None) -> Queue | None:
    """The queue of that name, of another *account* where one is given; None where there is none."""
    from botocore.exceptions import ClientError

    owner = {"QueueOwnerAWSAccountId": account} if account else {}
    with asking(f"the queue {name}"):
        try:
            url = sqs.get_queue_url(QueueName=name, **owner)["QueueUrl"]
            arn = attributes(sqs, url, "QueueArn")["QueueArn"]
        except ClientError as error:
            if code(error.response) in MISSING:
                return None
            raise
    return Queue(name, url, arn)


def make_queue(sqs: Any, name: str, settings: Mapping[str, str], tags: Mapping[str, str]) -> Queue:
    """The queue of that name, made with *settings* (SQS's attributes) and *tags* if it is not there."""
    found = find_queue(sqs, name)
    if found:
        return found
    with asking(f"the queue {name}"):
        url = sqs.create_queue(QueueName=name, Attributes={"SqsManagedSseEnabled": "true", **settings}, tags=dict(tags))
        arn = attributes(sqs, url["QueueUrl"], "QueueArn")["QueueArn"]
    return Queue(name, url["QueueUrl"], arn)


def make_with_dead(sqs: Any, name: str, tags: Mapping[str, str]) -> tuple[Queue, Queue]:
    """A queue for notices, and the one beside it for those that nobody can read; each kept for 14 days."""
    kept = {"MessageRetentionPeriod": str(RETENTION)}
    dead = make_queue(sqs, name + DEAD, kept, tags)
    redrive = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": RECEIVES})
    visible = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": redrive}
    return make_queue(sqs, name, {**kept, **visible}, tags), dead


def allow(sqs: Any, queue: Queue, wanted: Sequence[Mapping[str, Any]]) -> None:
    """See to it that the queue's policy has the statements *wanted*; what others wrote there stays.

    Raises:
        StoreRefusedError: it may not be changed.
    """
    with asking(f"the policy of the queue {queue.name}"):
        found = attributes(sqs, queue.url, "Policy").get("Policy")
        policy = completed(found, wanted)
        if policy is None:
            return
        sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy.text})
    if policy.edited:
        _log.warning("the policy of the queue %s did not let in what is sent to it, and was put right", queue.name)


def attributes(sqs: Any, url: str, *names: str) -> Mapping[str, str]:
    found: Mapping[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names)).get("Attributes", {})
    return found
