"""What may send to a queue: the statements that are ours among those that others have written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

_VERSION = "2012-10-17"


def sending(service: str, queue: str, sender: str) -> dict[str, Any]:
    """A statement that lets a *service* of AWS send to the *queue*, for what has the ARN *sender*.

    Its id tells it apart from those of others, and from ours for another sender.
    """
    return {
        "Sid": f"clusterless{hashlib.sha256(sender.encode()).hexdigest()[:16]}",  # letters and digits only
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": sender}},
    }


@frozen
class Policy:
    """A policy as it ought to be: JSON *text*; *edited* says that ours was there, and was not as we write it."""

    text: str
    edited: bool


def completed(found: str | None, wanted: Sequence[Mapping[str, Any]]) -> Policy | None:
    """The policy *found* on a queue with every statement that is *wanted*; None where it has them all.

    Statements of others are kept as they are.
    """
    policy = json.loads(found) if found else {}
    statements = policy.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else list(statements)
    ours = {each["Sid"]: each for each in wanted}
    there = {each.get("Sid"): each for each in statements if each.get("Sid") in ours}
    if all(_same(there.get(sid), each) for sid, each in ours.items()):
        return None
    kept = [each for each in statements if each.get("Sid") not in ours]
    text = json.dumps({**policy, "Version": policy.get("Version", _VERSION), "Statement": [*kept, *wanted]})
    edited = bool(found) and bool(statements)
    return Policy(text, edited)


def _same(found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    return found is not None and _lists(found) == _lists(wanted)


def _lists(value: Any) -> Any:
    """*value* with each text as a list of one: the service gives back either."""
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return value if isinstance(value, list) else [value]
