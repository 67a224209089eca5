"""A placement is made as a whole, kept with its data, and removed with nothing left."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from beds.placed import placement, surroundings

from cls_aws.bootstrap import AwsBootstrap
from cls_aws.bootstrap_template import exports, parts, template
from cls_aws.clients import client
from cls_aws.components import SqsQueue
from cls_aws.provider import AwsProvider
from cls_aws.queues import make_with_dead
from cls_aws.resources import make_declared_queue
from cls_aws.stack import Stack
from cls_aws.subscription import subscribe
from cls_aws.tags import tags
from cls_aws.wiring import remove_wires, wires
from clusterless import codec, layout
from clusterless.bootstrap import Action
from clusterless.deploy.bootstrap import survey_ground
from clusterless.errors import StoreRefusedError
from clusterless.model.dataset import Dataset
from clusterless.model.placement import Placement
from clusterless.plugins import find_plugins
from clusterless.testing.clock import SettableClock

DEV = Placement(provider="aws", stage="dev", account="111122223333", region="us-west-2")


# ---- the template ----------------------------------------------------------------------------------------------


def test_a_placements_things_are_called_as_ever() -> None:
    assert [part.called for part in parts(DEV)] == [
        "dev-clusterless-metadata-111122223333-us-west-2",
        "dev-clusterless-arc-state-111122223333-us-west-2",
        "dev-clusterless-manifest-111122223333-us-west-2",
        "DEV-arc-events-us-west-2",
    ]


def test_the_names_that_others_refer_by_are_exported_as_ever() -> None:
    named = {each["Export"]["Name"] for each in template(DEV)["Outputs"].values()}
    stores = ("metadata:store", "arcState:store", "manifest:store")
    names = {f"ref:aws:name:dev:bootstrap:1:meta:{each}" for each in (*stores, "event-bus:arc-event-bus")}
    assert named == names | {f"ref:aws:arn:dev:bootstrap:1:meta:{each}" for each in stores}


def test_every_bucket_is_closed_encrypted_versioned_and_reached_by_tls_only() -> None:
    resources = template(DEV)["Resources"].values()
    buckets = [each["Properties"] for each in resources if each["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 3
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "BucketEncryption" in bucket
    policies = [each for each in resources if each["Type"] == "AWS::S3::BucketPolicy"]
    assert [each["Properties"]["PolicyDocument"]["Statement"][0]["Effect"] for each in policies] == ["Deny"] * 3


def test_what_metadata_says_of_it_has_the_keys_of_the_reference_system() -> None:
    found = exports(DEV, by_stack=True)
    assert list(found) == ["metadata", "arcState", "manifest", "event-bus"]
    assert found["event-bus"] == {"nameRef": "ref:aws:name:dev:bootstrap:1:meta:event-bus:arc-event-bus",
                                  "name": "DEV-arc-events-us-west-2"}  # fmt: skip
    assert exports(DEV, by_stack=False)["event-bus"] == {"name": "DEV-arc-events-us-west-2"}


# ---- on a server -----------------------------------------------------------------------------------------------


@pytest.fixture
def place(ask: Callable[[str], None], ministack_endpoint: str) -> Placement:
    ask(ministack_endpoint)
    return placement(f"b{uuid4().hex[:8]}")


def boot() -> AwsBootstrap:
    return AwsBootstrap(SettableClock())


def make(place: Placement) -> Mapping[str, Any]:
    return boot().make(place, Path()).apply()


def put(place: Placement, kind: int, key: str) -> None:
    client("s3", place).put_object(Bucket=layout.store_names(place)[kind], Key=key, Body=b"x")


def stack_of(place: Placement) -> Any:
    name = f"{place.stage.upper()}-clusterless-bootstrap"  # type: ignore[union-attr]
    return Stack(client("cloudformation", place), name, SettableClock(), lambda: "x")


def test_all_is_made_and_then_kept(place: Placement) -> None:
    plan = boot().make(place, Path())
    assert [step.action for step in plan.steps] == [Action.CREATE] * 4
    assert stack_of(place)._describe() is None, "a plan leaves nothing behind"
    made = plan.apply()
    assert made["arcState"]["name"] == layout.store_names(place)[1]
    again = boot().make(place, Path())
    assert not again.changes
    assert [step.action for step in again.steps] == [Action.KEEP] * 4


def test_it_is_recorded_and_found_by_its_buckets(place: Placement) -> None:
    """By the core's own way, from an account that has no bucket yet."""
    ground = survey_ground(place, Path.cwd(), find_plugins())
    assert (ground.recorded, ground.projects) == (None, [])
    ground.make(ground.to_make())
    put(place, 1, "not/metadata.json")
    assert place in list(boot().placements(Path()))


def test_a_stage_with_capitals_is_found_as_it_is_written(ask: Callable[[str], None], ministack_endpoint: str) -> None:
    ask(ministack_endpoint)
    place = placement(f"Foo-B{uuid4().hex[:6]}")
    ground = survey_ground(place, Path.cwd(), find_plugins())
    ground.make(ground.to_make())
    assert place in list(boot().placements(Path()))


def test_what_the_reference_system_recorded_is_found_by_the_name_of_its_bucket(
    place: Placement, caplog: pytest.LogCaptureFixture
) -> None:
    make(place)
    other = placement(f"b{uuid4().hex[:8]}")
    make(other)
    theirs = {"createDateTime": "2024-01-01T00:00:00Z", "exports": {"vpc": {"id": "vpc-1"}}, "version": "1"}
    s3 = client("s3", place)
    s3.put_object(Bucket=layout.store_names(place)[0], Key="metadata.json", Body=json.dumps(theirs).encode())
    s3.put_object(Bucket=layout.store_names(other)[0], Key="metadata.json", Body=b"{")
    with caplog.at_level(logging.WARNING):
        found = list(boot().placements(Path()))
    assert place in found
    assert other not in found
    assert "a placement is passed over" in caplog.text


def test_nothing_is_left_of_a_placement_without_data(place: Placement) -> None:
    make(place)
    put(place, 0, "metadata.json")
    plan = boot().remove(place, Path(), with_data=False)
    assert [step.action for step in plan.steps] == [Action.REMOVE] * 4
    plan.apply()
    assert stack_of(place)._describe() is None
    assert not boot().remove(place, Path(), with_data=False).steps


def test_what_holds_data_is_kept_and_found_again(place: Placement) -> None:
    make(place)
    put(place, 2, "datasets/x")
    s3, manifests = client("s3", place), layout.store_names(place)[2]
    s3.delete_object(Bucket=manifests, Key="datasets/x")  # an older version of it can be had back
    plan = boot().remove(place, Path(), with_data=False)
    assert [step.action for step in plan.steps] == [Action.REMOVE, Action.REMOVE, Action.KEEP, Action.REMOVE]
    plan.apply()
    assert [each for each in parts(place) if _is_there(each.called, place)] == [parts(place)[2]]
    assert not boot().remove(place, Path(), with_data=False).changes
    again = boot().make(place, Path())
    assert [step.action for step in again.steps] == [Action.CREATE, Action.CREATE, Action.KEEP, Action.CREATE]
    again.apply()
    assert s3.list_object_versions(Bucket=manifests)["Versions"][0]["Key"] == "datasets/x"


def _is_there(name: str, place: Placement) -> bool:
    return name in {each["Name"] for each in client("s3", place).list_buckets()["Buckets"]}


def test_data_is_removed_when_that_is_wanted(place: Placement) -> None:
    make(place)
    for number in range(5):
        put(place, 1, f"arcs/{number}")
    plan = boot().remove(place, Path(), with_data=True)
    assert [step.note for step in plan.steps] == ["", "with all that it holds", "", ""]
    plan.apply()
    assert not _is_there(layout.store_names(place)[1], place)


@pytest.mark.parametrize("with_data", [False, True])
def test_the_rules_and_queues_of_runs_go_before_the_bus_does(place: Placement, tmp_path: Path, with_data: bool) -> None:
    make(place)
    around, events, sqs = surroundings(place, tmp_path), client("events", place), client("sqs", place)
    AwsProvider().subscription(around, "Demo-1-arc", [Dataset(name="a", version="1")])
    subscribe(events, sqs, "default", f"{place.stage}-in", '{"source": ["aws.s3"]}', tags(around.project, place))
    plan = boot().remove(place, Path(), with_data)
    rules = [step.what for step in plan.steps if step.what.startswith("rule ")]
    assert rules == [f"rule {place.stage.upper()}-Demo-1-arc-events", *[f"rule {place.stage}-in"] * with_data]  # type: ignore[union-attr]
    plan.apply()
    own = [wire for wire in wires(place, "default") if wire.rule == f"{place.stage}-in"]
    assert len(own) == (0 if with_data else 1)
    left = sqs.list_queues(QueueNamePrefix=f"{place.stage.upper()}-").get("QueueUrls", [])  # type: ignore[union-attr]
    assert left == []
    remove_wires(place, own)


@pytest.mark.parametrize("with_data", [False, True])
def test_with_the_data_go_queues_that_no_rule_feeds(place: Placement, tmp_path: Path, with_data: bool) -> None:
    make(place)
    around, sqs, prefix = surroundings(place, tmp_path), client("sqs", place), f"{place.stage.upper()}-"  # type: ignore[union-attr]
    make_with_dead(sqs, f"{prefix}told-by-a-bucket", tags(around.project, place))
    make_with_dead(sqs, f"{prefix}of-another-placement", tags(around.project, evolve(place, region="eu-west-1")))
    for name in (f"{prefix}declared", f"{prefix}declared-dead"):
        make_declared_queue(SqsQueue(type="aws:core:sqsQueue", name=name, queue_name=name), around)
    theirs = {f"{prefix}{each}{dead}" for each in ("of-another-placement", "declared") for dead in ("", "-dead")}
    ours = {f"{prefix}told-by-a-bucket", f"{prefix}told-by-a-bucket-dead"}
    plan = boot().remove(place, Path(), with_data)
    assert [step.what for step in plan.steps][:-4] == [f"queue {prefix}told-by-a-bucket"] * with_data
    plan.apply()
    left = {each.rpartition("/")[2] for each in sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]}
    assert left == (theirs if with_data else theirs | ours)


def test_a_bus_that_others_have_rules_on_is_not_removed(place: Placement) -> None:
    make(place)
    client("events", place).put_rule(
        Name="theirs", EventBusName=parts(place)[3].called, EventPattern='{"source": ["x"]}', State="ENABLED"
    )
    with pytest.raises(StoreRefusedError, match="rules that cls run has not made: theirs") as refused:
        boot().remove(place, Path(), with_data=True)
    assert "destroy the projects" in refused.value.hint


# ---- what is refused -------------------------------------------------------------------------------------------


def test_a_bucket_that_nobody_knows_the_maker_of_makes_it_half_made(place: Placement) -> None:
    name = layout.store_names(place)[1]
    client("s3", place).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    with pytest.raises(StoreRefusedError, match=rf"is half made: s3://{name}/ is there") as refused:
        boot().make(place, Path())
    assert "by hand" in refused.value.hint
    with pytest.raises(StoreRefusedError, match="was not made by cls bootstrap"):
        boot().remove(place, Path(), with_data=True)


def test_one_that_was_made_by_hand_and_is_whole_is_kept(place: Placement) -> None:
    for name in layout.store_names(place):
        client("s3", place).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    client("events", place).create_event_bus(Name=parts(place)[3].called)
    plan = boot().make(place, Path())
    assert not plan.changes
    assert plan.apply()["manifest"]["name"] == layout.store_names(place)[2]


def test_what_was_removed_by_hand_is_told_with_what_to_do_and_that_helps(place: Placement) -> None:
    make(place)
    put(place, 2, "datasets/x")
    client("s3", place).delete_bucket(Bucket=layout.store_names(place)[1])
    with pytest.raises(StoreRefusedError, match=rf"s3://{layout.store_names(place)[1]}/ is gone") as refused:
        boot().make(place, Path())
    assert "--destroy" in refused.value.hint
    boot().remove(place, Path(), with_data=False).apply()
    make(place)
    assert not boot().make(place, Path()).changes


@pytest.mark.parametrize(
    ("status", "told"),
    [("ROLLBACK_COMPLETE", "is half made: the stack"), ("UPDATE_IN_PROGRESS", "is being changed just now")],
)
def test_a_stack_that_is_not_at_rest_or_not_whole_is_refused(
    place: Placement, monkeypatch: pytest.MonkeyPatch, status: str, told: str
) -> None:
    make(place)
    asked = client("cloudformation", place)
    describe = asked.describe_stacks

    def failed(**arguments: Any) -> Any:
        answer = describe(**arguments)
        answer["Stacks"][0]["StackStatus"] = status
        return answer

    monkeypatch.setattr(asked, "describe_stacks", failed)
    with pytest.raises(StoreRefusedError, match=told):
        boot().make(place, Path())


def test_a_stack_of_another_tool_is_left_to_it(place: Placement) -> None:
    cf, name = client("cloudformation", place), f"{place.stage.upper()}-clusterless-bootstrap"  # type: ignore[union-attr]
    cf.create_stack(StackName=name, TemplateBody=json.dumps(template(place)))
    assert not boot().make(place, Path()).changes
    with pytest.raises(StoreRefusedError, match="was not made by cls bootstrap"):
        boot().remove(place, Path(), with_data=True)


def test_another_accounts_credentials_make_nothing(place: Placement) -> None:
    other = codec.read_declaration({**codec.to_json(place), "account": "111122223333"}, Placement, source="x")
    with pytest.raises(StoreRefusedError, match="111122223333"):
        boot().make(other, Path())
