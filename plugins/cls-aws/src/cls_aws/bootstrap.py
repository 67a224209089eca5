"""What `cls bootstrap` makes in AWS: three buckets and a bus, by a CloudFormation stack that keeps them together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from attrs import field, frozen

from cls_aws import identity
from cls_aws.bootstrap_template import TAG, Part, exports, parts, template
from cls_aws.buckets import AskedBucket
from cls_aws.clients import client
from cls_aws.emptying import empty, holds_data
from cls_aws.errors import asking, code
from cls_aws.stack import Change, Found, Stack
from cls_aws.wiring import Stray, Wire, remove_strays, remove_wires, strays, wires
from clusterless import codec, layout
from clusterless.bootstrap import Action, Exports, Plan, Step
from clusterless.engine.names import PlacementNames
from clusterless.errors import ClsError, ObjectMissingError, StoreRefusedError
from clusterless.model.placement import BOOTSTRAP_VERSION, Bootstrapped, Placement, bootstrap_command
from clusterless.provider import Clock
from clusterless.runtime.clock import SystemClock, random_id

_log = logging.getLogger(__name__)

_ACTIONS = {"Add": Action.CREATE, "Modify": Action.CHANGE, "Remove": Action.REMOVE}
_TAGS = {TAG: BOOTSTRAP_VERSION}


class AwsBootstrap:
    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def make(self, placement: Placement, base: Path) -> Plan:
        ground = _survey(placement, self._clock)
        ground.check()
        if ground.found is None and not ground.missing:
            return Plan(steps=ground.kept(), apply=lambda: exports(placement, by_stack=False))
        if ground.found and not ground.is_ours:
            return _left_to_others(ground)
        if ground.found is None and ground.there:
            raise _half_made(ground, f"{_named(ground.there)} is there, and no stack that made it")
        changes = ground.stack.propose(template(placement), _TAGS)
        if lost := [part for part in ground.missing if part.logical not in {change.logical for change in changes}]:
            raise _half_made(ground, f"{_named(lost)} is gone, though the stack {ground.stack.name} has it")
        return Plan(steps=_steps(ground, changes), apply=partial(_make, ground, bool(changes)))

    def remove(self, placement: Placement, base: Path, with_data: bool) -> Plan:
        ground = _survey(placement, self._clock)
        if ground.found is None and not ground.there:
            return Plan(steps=(), apply=dict)
        if ground.found is None or not ground.is_ours:
            msg = f"{placement.id} was not made by cls bootstrap, which removes only what it has made"
            raise StoreRefusedError(msg, hint="remove it with what made it, or by hand")
        if ground.found.is_busy:
            raise _busy(ground)
        holding = [part for part in ground.there if part.is_bucket and holds_data(ground.bucket(part))]
        kept = [] if with_data else holding
        wired = _wired(ground, with_data)
        stray = strays(placement, [queue for each in wired for queue in each.queues]) if with_data else []
        gone = ground.stack.propose(template(placement, but=_but(placement, kept)), _TAGS) if kept else ()
        concerned = {part.logical for part in ground.there} | {change.logical for change in gone}
        steps = [
            _removal(part, part in kept, part in holding) for part in parts(placement) if part.logical in concerned
        ]
        of_runs = [*(each.step for each in wired), *(each.step for each in stray)]
        return Plan(steps=[*of_runs, *steps], apply=partial(_remove, ground, kept, wired, stray))

    def placements(self, base: Path) -> Iterator[Placement]:
        with asking("AWS for your buckets"):
            names = [each["Name"] for each in client("s3", None).list_buckets()["Buckets"]]
        for name, told in layout.placements_named("aws", names).items():
            if found := _bootstrapped(told, name):
                yield found


# ---- what there is ---------------------------------------------------------------------------------------------


@frozen
class _Ground:
    """What there is of a *placement*: its stack as it was *found*, if any, and which of its parts are *there*."""

    placement: Placement
    stack: Stack = field(repr=False)
    clock: Clock = field(repr=False)
    found: Found | None
    there: Sequence[Part]

    @property
    def missing(self) -> list[Part]:
        return [part for part in parts(self.placement) if part not in self.there]

    @property
    def is_ours(self) -> bool:
        return self.found is not None and TAG in self.found.tags

    def kept(self) -> list[Step]:
        return [Step(action=Action.KEEP, what=part.what) for part in self.there]

    def bucket(self, part: Part) -> AskedBucket:
        return AskedBucket(client("s3", self.placement), part.called, self.clock)

    def check(self) -> None:
        """Refuse a stack that is being changed, or that a change has left half made."""
        if self.found is None or not self.is_ours:
            return
        if self.found.is_busy:
            raise _busy(self)
        if not self.found.is_whole:
            raise _half_made(self, f"the stack {self.stack.name} is {self.found.status}")


def _survey(placement: Placement, clock: Clock) -> _Ground:
    identity.check_account(placement)
    stack = Stack(client("cloudformation", placement), PlacementNames(placement).bootstrap, clock, random_id)
    there = [part for part in parts(placement) if _is_there(part, placement, clock)]
    return _Ground(placement, stack, clock, stack.find(), there)


def _is_there(part: Part, placement: Placement, clock: Clock) -> bool:
    from botocore.exceptions import ClientError

    if part.is_bucket:
        return AskedBucket(client("s3", placement), part.called, clock).is_there(placement)
    with asking(f"the event bus {part.called}"):
        try:
            client("events", placement).describe_event_bus(Name=part.called)
        except ClientError as error:
            if code(error.response) == "ResourceNotFoundException":
                return False
            raise
    return True


def _bootstrapped(place: Placement, bucket: str) -> Placement | None:
    """The placement as its ``metadata.json`` has it: what a bucket is called does not tell capitals."""
    from botocore.exceptions import ClientError

    source = f"s3://{bucket}/{layout.PLACEMENT_META}"
    try:
        with asking(source):
            try:
                body = client("s3", place).get_object(Bucket=bucket, Key=layout.PLACEMENT_META)["Body"].read()
            except ClientError as error:
                if code(error.response) == "NoSuchKey":
                    return None
                raise
        return codec.read_record(body, Bootstrapped, source=source).placement or place
    except ObjectMissingError:
        return None
    except ClsError as error:
        _log.warning("a placement is passed over: %s", error)
        return None


# ---- what is done ----------------------------------------------------------------------------------------------


def _steps(ground: _Ground, changes: Sequence[Change]) -> list[Step]:
    by_logical = {change.logical: change for change in changes}
    return [_step(part, by_logical, part in ground.there) for part in parts(ground.placement)]


def _step(part: Part, changes: dict[str, Change], is_there: bool) -> Step:
    change = changes.get(part.logical)
    if change is None:
        is_changed = f"{part.logical}Policy" in changes
        return Step(action=Action.CHANGE if is_changed else Action.KEEP, what=part.what, note="its policy" * is_changed)
    note = "it is replaced by another" if change.is_replaced else ""
    return Step(
        action=Action.KEEP if is_there and change.action == "Add" else _ACTIONS[change.action],
        what=part.what,
        note=note,
    )


def _make(ground: _Ground, is_changed: bool) -> Exports:
    if is_changed:
        ground.stack.make(template(ground.placement), _TAGS)
    return exports(ground.placement, by_stack=True)


def _removal(part: Part, is_kept: bool, holds: bool) -> Step:
    if is_kept:
        return Step(action=Action.KEEP, what=part.what, note="it holds data")
    return Step(action=Action.REMOVE, what=part.what, note="with all that it holds" if holds else "")


def _wired(ground: _Ground, with_data: bool) -> list[Wire]:
    """The rules that go: those on the bus, which cannot go before them, and with the data those of boundaries.

    Raises:
        StoreRefusedError: there are rules on the bus that others have made.
    """
    bus = parts(ground.placement)[-1]
    found = wires(ground.placement, bus.called) if bus in ground.there else []
    if others := [each.rule for each in found if not each.ours]:
        msg = f"the event bus {bus.called} has rules that cls run has not made: {', '.join(others)}"
        raise StoreRefusedError(msg, hint="destroy the projects that are deployed there first, or remove those rules")
    return found + [each for each in (wires(ground.placement, "default") if with_data else ()) if each.ours]


def _remove(ground: _Ground, kept: Sequence[Part], wired: Sequence[Wire], stray: Sequence[Stray]) -> Exports:
    """What holds data stays in the stack, so that a later `cls bootstrap` finds it there."""
    remove_wires(ground.placement, wired)
    remove_strays(ground.placement, stray)
    gone = _but(ground.placement, kept)
    for part in gone:
        if part.is_bucket and part in ground.there:
            empty(ground.bucket(part))
    if kept:
        ground.stack.make(template(ground.placement, but=gone), _TAGS)
    else:
        ground.stack.remove()
    return {}


def _but(placement: Placement, kept: Sequence[Part]) -> list[Part]:
    return [part for part in parts(placement) if part not in kept]


# ---- what is refused -------------------------------------------------------------------------------------------


def _left_to_others(ground: _Ground) -> Plan:
    """That of a placement which the reference system made: whole, it is kept as it is."""
    if ground.missing:
        raise _half_made(ground, f"{_named(ground.missing)} is missing of a stack that cls bootstrap has not made")
    return Plan(steps=ground.kept(), apply=lambda: exports(ground.placement, by_stack=True))


def _half_made(ground: _Ground, problem: str) -> StoreRefusedError:
    msg = f"{ground.placement.id} is half made: {problem}"
    if ground.is_ours:
        again = bootstrap_command(ground.placement)
        return StoreRefusedError(msg, hint=f"{again} --destroy (what holds data is kept), then {again}")
    hint = "make what is missing with what made the rest, or remove the rest by hand; then run this again"
    return StoreRefusedError(msg, hint=hint)


def _busy(ground: _Ground) -> StoreRefusedError:
    status = ground.found.status if ground.found else ""
    msg = f"the stack {ground.stack.name} is being changed just now ({status})"
    return StoreRefusedError(msg, hint="wait until that is over, and run this again")


def _named(found: Sequence[Part]) -> str:
    return ", ".join(part.what for part in found)
