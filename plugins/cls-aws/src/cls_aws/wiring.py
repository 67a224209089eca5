"""The rules and queues that runs have made in a placement: found again by what they are marked with, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from cls_aws.clients import client
from cls_aws.errors import asking
from cls_aws.queues import find_queue
from cls_aws.tags import PLACEMENT
from clusterless.model.placement import Placement
from clusterless.provider import Action, Step


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
