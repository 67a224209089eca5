"""The rules and queues that runs have made in a placement: found again by what they are marked with, and removed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from attrs import frozen

from cls_aws.clients import client
from cls_aws.errors import asking, code
from cls_aws.queues import DEAD, MISSING, RECEIVES, attributes, find_queue
from cls_aws.tags import PLACEMENT
from clusterless.bootstrap import Action, Step
from clusterless.model.placement import Placement


@frozen(kw_only=True)
class Wire:
    """A *rule* on a *bus*, and the ARNs of the *queues* that it feeds; is it *ours*, or has another tool made it?"""

    bus: str
    rule: str
    targets: tuple[str, ...]
    queues: tuple[str, ...]
    ours: bool

    @property
    def step(self) -> Step:
        return Step(action=Action.REMOVE, what=f"rule {self.rule}", note="and the queues that it feeds")


def wires(placement: Placement, bus: str) -> list[Wire]:
    """All the rules on the *bus*, which is there."""
    events = client("events", placement)
    with asking(f"the event bus {bus}"):
        return [_wire(events, bus, rule, placement) for rule in _rules(events, bus)]


def remove_wires(placement: Placement, found: Sequence[Wire]) -> None:
    """Remove rules, and their queues with what is in them: events and notices, which are found by listing too."""
    events, sqs = client("events", placement), client("sqs", placement)
    for wire in found:
        with asking(f"the rule {wire.rule}"):
            if wire.targets:
                events.remove_targets(Rule=wire.rule, EventBusName=wire.bus, Ids=list(wire.targets))
            events.delete_rule(Name=wire.rule, EventBusName=wire.bus)
        for arn in wire.queues:
            _remove_queue(sqs, arn.rpartition(":")[2])


@frozen
class Stray:
    """A queue of a run that no rule feeds: a bucket tells it of its objects, or somebody removed its rule.

    *name* is that of the queue; beside it is the one for its dead.
    """

    name: str

    @property
    def step(self) -> Step:
        return Step(action=Action.REMOVE, what=f"queue {self.name}", note="and the one for what it could not hand out")


def strays(placement: Placement, fed: Collection[str]) -> list[Stray]:
    """The queues that runs have made, but for those of the ARNs *fed*."""
    sqs, known = client("sqs", placement), {arn.rpartition(":")[2] for arn in fed}
    named = {url.rpartition("/")[2]: url for url in _queues(sqs, placement)}
    pairs = [name for name in sorted(named) if name + DEAD in named and name not in known]
    return [Stray(name) for name in pairs if _is_ours(sqs, named[name], placement)]


def remove_strays(placement: Placement, found: Sequence[Stray]) -> None:
    """Remove queues with what is in them: notices and events, which are found by listing too."""
    sqs = client("sqs", placement)
    for stray in found:
        for name in (stray.name, stray.name + DEAD):
            _remove_queue(sqs, name)


def _queues(sqs: Any, placement: Placement) -> Iterator[str]:
    """The URLs of the queues whose names begin as those of the placement do."""
    prefix = f"{placement.stage.upper()}-" if placement.stage else ""
    with asking("SQS for its queues"):
        for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix):
            yield from page.get("QueueUrls", ())


def _is_ours(sqs: Any, url: str, placement: Placement) -> bool:
    """Whether a run has made it with the one beside it: a queue that a project declares is left alone."""
    from botocore.exceptions import ClientError

    with asking(url):
        try:
            marks = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
            beside = attributes(sqs, url, "RedrivePolicy").get("RedrivePolicy", "{}")
        except ClientError as error:  # it is told of for a minute after it was removed
            if code(error.response) not in MISSING:
                raise
            return False
    return (marks.get(PLACEMENT), json.loads(beside).get("maxReceiveCount")) == (placement.id, RECEIVES)


def _rules(events: Any, bus: str) -> Iterator[Any]:
    more: dict[str, str] = {}
    while True:
        answer = events.list_rules(EventBusName=bus, **more)
        yield from answer["Rules"]
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def _wire(events: Any, bus: str, rule: Any, placement: Placement) -> Wire:
    marks = {each["Key"]: each["Value"] for each in events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]}
    targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
    arns = [arn for each in targets for arn in (each["Arn"], each.get("DeadLetterConfig", {}).get("Arn"))]
    return Wire(
        bus=bus,
        rule=rule["Name"],
        targets=tuple(each["Id"] for each in targets),
        queues=tuple(arn for arn in arns if arn and ":sqs:" in arn),
        ours=marks.get(PLACEMENT) == placement.id,
    )


def _remove_queue(sqs: Any, name: str) -> None:
    if queue := find_queue(sqs, name):
        with asking(f"the queue {name}"):
            sqs.delete_queue(QueueUrl=queue.url)
