"""What a run leaves in an account is called, and reads, as the reference system has it: its vectors, on a server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cls_aws import identity
from cls_aws.bootstrap_template import parts
from cls_aws.boundaries import S3PutListenerBoundary
from cls_aws.clients import client
from cls_aws.notice_wiring import queue_name
from clusterless.cli.app import main
from clusterless.model.dataset import SinkDataset
from clusterless.model.lot import LotUnit
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.testing.vectors import vectors

NAMES = vectors("names")
KEYS = {(each["what"], each.get("state")): each["uri"] for each in vectors("keys")}
PLACE = Placement(provider="aws", stage="qa", account="111122223333", region="eu-west-1")
EMPTY, PARTIAL = "20240229PT10M100", "20240229PT10M101"


# ---- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [each for each in NAMES if each.get("what") == "element"], ids=lambda each: each["is"])
def test_a_boundarys_queue_is_called_as_theirs(case: dict[str, Any]) -> None:
    dataset = SinkDataset(name="in", version="1", path_uri="s3://b/in/")
    boundary = S3PutListenerBoundary(
        type="aws:core:x", name=case["element"], dataset=dataset, lot_unit=LotUnit.TWELFTHS
    )
    placement = Placement(provider="aws", stage=case["stage"], account="1", region="us-west-2")
    assert queue_name(boundary.name, Project(name=case["project"], version="20230101-00"), placement) == case["is"]


@pytest.mark.parametrize(
    "case", [each for each in NAMES if "store" in each or each.get("what") == "bus"], ids=lambda each: each["is"]
)
def test_what_is_bootstrapped_is_called_as_theirs(case: dict[str, Any]) -> None:
    account, region = case.get("account", "1"), case.get("region", "us-west-2")
    made = parts(Placement(provider="aws", stage=case["stage"], account=account, region=region))
    assert case["is"] in [part.called for part in made]


# ---- keys, manifests, events -----------------------------------------------------------------------------------


@pytest.fixture
def account(
    ask: Callable[[str], None], ministack_endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The account and the region of the vectors; the server takes an account for the key of its credentials."""
    ask(ministack_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(identity, "_known", {})
    monkeypatch.chdir(tmp_path)


def cls(*arguments: str) -> str:
    return CliRunner().invoke(main, [*arguments]).output


def get(uri: str) -> str:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return str(client("s3", PLACE).get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def put(uri: str, text: str) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    client("s3", PLACE).put_object(Bucket=bucket, Key=key, Body=text.encode())


def listened() -> str:
    """The queue of somebody who knows the reference system only."""
    events, sqs, bus = client("events", PLACE), client("sqs", PLACE), "QA-arc-events-eu-west-1"
    url = str(sqs.create_queue(QueueName="theirs")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["clusterless.arc"],
        "detail-type": ["Clusterless Arc Notification"],
        "detail": {"datasetId": ["orders/20240101"]},
    }
    events.put_rule(Name="theirs", EventBusName=bus, EventPattern=json.dumps(pattern), State="ENABLED")
    events.put_targets(Rule="theirs", EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
    return url


def heard(url: str) -> list[str]:
    told: list[str] = []
    while found := client("sqs", PLACE).receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"):
        told += [each["Body"] for each in found]
        for each in found:
            client("sqs", PLACE).delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return told


def theirs(lot: str, *uris: str) -> None:
    """A manifest of their dataset, in their bytes."""
    state = "complete" if uris else "empty"
    text = json.dumps({"state": state, "comment": None, "lotId": lot, "uriType": "identifier", "uris": uris})
    root = KEYS["manifest-path", None].replace("orders", "in")
    put(f"{root}lot={lot}/state={state}/manifest.json", text.replace(": ", ":").replace(", ", ","))


@pytest.mark.usefixtures("account")
def test_what_a_run_writes_lies_where_theirs_does_and_reads_alike() -> None:
    assert "is bootstrapped" in cls("bootstrap", "--provider", "aws", "--stage", "qa", "--approve")
    url, bucket = listened(), "qa-demo"
    client("s3", PLACE).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    owner = {"owner": {"name": "Theirs", "version": "1"}}
    dataset = {"dataset": {"name": "in", "version": "20240101", "pathURI": f"s3://{bucket}/in/"}}
    put(KEYS["ownership", None].replace("orders", "in"), json.dumps(owner | dataset))
    put(f"s3://{bucket}/in/a", "a")
    theirs(EMPTY)
    theirs(PARTIAL, f"s3://{bucket}/in/a", f"s3://{bucket}/in/gone")
    arc = {
        "type": "aws:core:s3CopyArc",
        "name": "copyA",
        "retry": {"attempts": 1},
        "sources": {"main": {"name": "in", "version": "20240101", "start": "all"}},
        "sinks": {"main": {"name": "orders", "version": "20240101", "pathURI": f"s3://{bucket}/orders/"}},
        "workload": {"workloadProps": {"failArcOnPartialPercent": 0.5}},
    }
    placement = {"provider": "aws", "stage": "qa"}
    project = {"project": {"name": "Demo", "version": "20240101"}, "placement": placement, "arcs": [arc]}
    Path("project.json").write_text(json.dumps(project))
    told = cls("run", "project.json", "--until-idle")
    assert f"Demo/copyA {PARTIAL} partial" in told, told

    assert json.loads(get(KEYS["project", None]))["project"] == project["project"]
    assert json.loads(get(KEYS["arc", None]))["name"] == "copyA"
    owned = get(KEYS["ownership", None])
    assert owned == (
        '{"owner":{"name":"Demo","version":"20240101"},'
        f'"dataset":{{"name":"orders","version":"20240101","pathURI":"s3://{bucket}/orders/"}}}}'
    )
    get(KEYS["arc-state", "partial"].replace(EMPTY, PARTIAL))
    get(f"{KEYS['arc-state-path', None]}lot={EMPTY}/complete.arc")
    manifest = get(KEYS["manifest", "empty"])
    assert manifest == f'{{"state":"empty","comment":null,"lotId":"{EMPTY}","uriType":"identifier","uris":[]}}'

    [message] = heard(url)  # of the partial lot nobody is told
    event = json.loads(message)
    assert (event["source"], event["detail-type"]) == ("clusterless.arc", "Clusterless Arc Notification")
    assert list(event["detail"]) == ["dataset", "lot", "manifest", "datasetId", "revision"]
    assert event["detail"] | {"revision": 0} == {
        "dataset": {"name": "orders", "version": "20240101", "pathURI": f"s3://{bucket}/orders/"},
        "lot": EMPTY,
        "manifest": KEYS["manifest", "empty"],
        "datasetId": "orders/20240101",
        "revision": 0,
    }
    assert re.fullmatch(r"\d{12}", event["account"])
