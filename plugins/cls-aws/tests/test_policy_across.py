"""What projects of other placements, and inboxes, need of AWS: to read what is read, and the queue that is heard by."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clusterless.cli.app import main

HERE = {"provider": "aws", "stage": "dev", "account": "111111111111", "region": "us-west-2"}
THERE = {"provider": "aws", "stage": "prod", "account": "222222222222", "region": "eu-west-1"}
ON_GCP = {"provider": "gcp", "stage": "dev", "account": "my-project", "region": "europe-west1"}
STORES = ("metadata", "manifest")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def allowed(placement: dict[str, str], **parts: Any) -> dict[str, set[str]]:
    """Actions by resource."""
    Path("p.json").write_text(json.dumps({"project": {"name": "p", "version": "1"}, "placement": placement, **parts}))
    done = CliRunner().invoke(main, ["policy", "p.json", "--provider", "aws"])
    assert done.exit_code == 0, done.output
    found: dict[str, set[str]] = defaultdict(set)
    for statement in json.loads(done.stdout)["Statement"]:
        for resource in statement["Resource"]:
            found[resource] |= set(statement["Action"])
    return found


def copy(where: str = "gs://out/", **source: Any) -> dict[str, Any]:
    return {
        "type": "cls:core:copyArc",
        "name": "take",
        "sources": {"main": {"name": "made", "version": "1", **source}},
        "sinks": {"main": {"name": "took", "version": "1", "pathURI": where}},
    }


def stores(place: dict[str, str], after: str = "") -> set[str]:
    names = (f"{place['stage']}-clusterless-{kind}-{place['account']}-{place['region']}" for kind in STORES)
    return {f"arn:aws:s3:::{name}{after}" for name in names}


def test_who_reads_from_another_cloud_may_read_and_no_more() -> None:
    found = allowed(ON_GCP, arcs=[copy(placement=THERE, subscribe=False)])
    assert found.keys() == stores(THERE) | stores(THERE, "/*")
    assert {action for actions in found.values() for action in actions} == {
        "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket",
    }  # fmt: skip


@pytest.mark.parametrize("placement", [ON_GCP, HERE])
def test_who_subscribes_has_its_queue_and_its_rule_there(placement: dict[str, str]) -> None:
    found = allowed(placement, arcs=[copy(placement=THERE)])
    there = {resource: actions for resource, actions in found.items() if ":eu-west-1:222222222222:" in resource}
    home = "-".join(placement.values())
    name = f"PROD-p-1-take-{home}-events"
    shown = {resource.rpartition(":")[2] for resource in there}
    assert "event-bus/PROD-arc-events-eu-west-1" in shown
    assert len(shown) == 4, shown
    assert all(
        each.startswith(("event-bus/", "rule/PROD-arc-events-eu-west-1/PROD-p-1-take", name[:30])) for each in shown
    )
    assert "events:PutEvents" not in {action for actions in there.values() for action in actions}


def test_stores_of_another_cloud_are_no_buckets_of_aws() -> None:
    found = allowed(HERE, arcs=[copy("s3://out/", placement=ON_GCP)])
    assert not [resource for resource in found if "my-project" in resource]


def test_an_inbox_is_emptied_by_its_reader_and_filled_by_who_announces() -> None:
    found = allowed(HERE, arcs=[copy("s3://out/", placement=ON_GCP, inbox="s3://post/a/")])
    assert {"s3:DeleteObject", "s3:GetObject"} <= found["arn:aws:s3:::post/a/*"]
    assert {"s3:ListBucket", "s3:PutBucketNotification"} <= found["arn:aws:s3:::post"]
    assert "sqs:ReceiveMessage" in found["arn:aws:sqs:us-west-2:111111111111:DEV-p-take-main-inbox-1"]
    assert "events:PutRule" in found["arn:aws:events:us-west-2:111111111111:rule/DEV-p-take-main-inbox-1"]
    tell = {"type": "cls:core:inboxNotifier", "name": "tell", "pathURI": "s3://post/a/", "placement": HERE}
    assert allowed(ON_GCP, notifiers=[tell]) == {"arn:aws:s3:::post/a/*": {"s3:PutObject"}}


def test_who_keeps_objects_here_may_write_them_from_another_cloud() -> None:
    found = allowed(ON_GCP, arcs=[copy("s3://out/x/")])
    assert found.keys() == {"arn:aws:s3:::out/x/*", "arn:aws:s3:::out"}
    assert "s3:PutObject" in found["arn:aws:s3:::out/x/*"]
