"""Whole projects by the real commands: the reference system's loads unchanged, and runs with what its policy allows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import frozen
from beds.aws import ACCOUNT, REGION
from beds.placed import placement
from click.testing import CliRunner

from cls_aws import clients
from cls_aws.clients import client
from clusterless import layout
from clusterless.cli.app import main

THEIRS = """
{"project":{"name":"Demo","version":"20230101-00"},
 "placement":{"stage":"test","provider":"aws","account":"000000000000","region":"us-west-2"},
 "resources":[{"type":"aws:core:s3Bucket","name":"bucket","bucketName":"test-demo-000000000000-us-west-2"}],
 "boundaries":[{"type":"aws:core:s3PutListenerBoundary","name":"Ingress","eventArrival":"frequent","lotUnit":"Twelfths",
   "dataset":{"name":"in","version":"20230101","pathURI":"s3://test-demo-000000000000-us-west-2/ingress/"}}],
 "arcs":[{"type":"aws:core:s3CopyArc","name":"copyA",
   "sources":{"main":{"name":"in","version":"20230101"}},
   "sinks":{"main":{"name":"out","version":"20230101","pathURI":"s3://test-demo-000000000000-us-west-2/out/"}},
   "workload":{"workloadProps":{"failArcOnPartialPercent":0.1,"filter":{"excludes":["**/_*"]}}}}]}
"""


@pytest.fixture(autouse=True)
def server(
    ask: Callable[[str], None], ministack_endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(ministack_endpoint)
    monkeypatch.chdir(tmp_path)


def cls(*arguments: str, fails: int = 0) -> str:
    done = CliRunner().invoke(main, [*arguments])
    assert done.exit_code == fails, done.output
    return done.output


def saved(project: Any) -> str:
    Path("project.json").write_text(project if isinstance(project, str) else json.dumps(project))
    return "project.json"


def test_a_project_of_the_reference_system_is_found_in_order_unchanged() -> None:
    file = saved(THEIRS)
    told = cls("verify", file, fails=2)
    assert told.count("the placement aws:test:000000000000:us-west-2 is not bootstrapped") == 1
    assert "cls bootstrap --provider aws --stage test --account 000000000000 --region us-west-2" in told
    cls("bootstrap", "--provider", "aws", "--stage", "test", "--approve")
    assert cls("verify", file) == "nothing is wrong with Demo/20230101-00\n"


def test_an_account_and_a_region_that_are_left_out_are_those_of_the_credentials() -> None:
    project = json.loads(THEIRS)
    project["placement"] = {"provider": "aws", "stage": "short"}
    cls("bootstrap", "--provider", "aws", "--stage", "short", "--approve")
    assert "nothing is wrong" in cls("verify", saved(project))


@pytest.mark.parametrize(
    ("placed", "told"),
    [
        ({"region": "mars"}, "'mars' is not a region of AWS"),
        ({"account": "12"}, "'12' is not an account of AWS"),
        ({"stage": "s" * 40}, "cannot be the name of a bucket"),
    ],
)
def test_a_placement_that_cannot_be_is_told_where_it_is_written(placed: dict[str, str], told: str) -> None:
    project = json.loads(THEIRS)
    project["placement"] |= placed
    said = cls("verify", saved(project), fails=2)
    assert "$.placement: " in said
    assert told in said


def test_a_table_whose_database_is_not_declared_is_found_before_anything_runs() -> None:
    project = json.loads(THEIRS)
    table = {"type": "aws:core:glueTable", "name": "t", "databaseRef": "nowhere", "tableName": "t",
             "pathURI": "s3://b/t/", "schema": {"dataFormat": "csv"}}  # fmt: skip
    project["resources"].append(table)
    said = cls("verify", saved(project), fails=2)
    assert "$.resources[1].databaseRef: no resource of this project is 'nowhere'" in said


# ---- what a run asks for, and what its policy allows -----------------------------------------------------------


@frozen
class Asked:
    service: str
    operation: str
    params: Mapping[str, Any]


_ACTIONS = {
    "DeleteMessageBatch": "DeleteMessage",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
}
"""Actions that are not called as their operations are."""


def action(asked: Asked) -> str:
    return f"{asked.service}:{_ACTIONS.get(asked.operation, asked.operation)}"


def resource(asked: Asked) -> str:
    """The ARN that the service checks a request for."""
    params, own = asked.params, f"{REGION}:{ACCOUNT}"
    match asked.service:
        case "s3":
            return f"arn:aws:s3:::{params['Bucket']}" + (f"/{params['Key']}" if "Key" in params else "")
        case "sqs":
            return f"arn:aws:sqs:{own}:{params.get('QueueName') or params['QueueUrl'].rpartition('/')[2]}"
        case "sns":
            return str(params["TopicArn"])
        case "glue":
            return f"arn:aws:glue:{own}:catalog"
    if "Entries" in params:
        put_on = str(params["Entries"][0]["EventBusName"])
        return put_on if put_on.startswith("arn:") else f"arn:aws:events:{own}:event-bus/{put_on}"
    rule, bus = params.get("Rule") or params.get("Name"), params.get("EventBusName", "default")
    if "EventBus" in asked.operation:
        return f"arn:aws:events:{own}:event-bus/{rule}"
    return f"arn:aws:events:{own}:rule/{rule}" if bus == "default" else f"arn:aws:events:{own}:rule/{bus}/{rule}"


def allows(policy: Any, asked: Asked) -> bool:
    return any(
        action(asked) in statement["Action"]
        and any(fnmatchcase(resource(asked), each) for each in statement["Resource"])
        for statement in policy["Statement"]
    )


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """All that the SDK is asked for from now on."""
    found: list[Asked] = []
    made = clients._make

    def record(params: Any, model: Any, **_: Any) -> None:
        found.append(Asked(model.service_model.service_name, model.name, dict(params)))

    def recording(*arguments: Any) -> Any:
        one = made(*arguments)
        one.meta.events.register("provide-client-params.*.*", record)
        return one

    monkeypatch.setattr(clients, "_make", recording)
    monkeypatch.setattr(clients, "_made", {})
    return found


def test_a_run_does_nothing_that_its_policy_does_not_allow(recorded: list[Asked]) -> None:
    stage = f"p{uuid4().hex[:8]}"
    bucket, own = f"{stage}-data", f"{REGION}:{ACCOUNT}"
    topic = client("sns", placement(stage)).create_topic(Name=stage)["TopicArn"]
    project = json.loads(THEIRS)
    project["placement"] = {"provider": "aws", "stage": stage, "account": ACCOUNT, "region": REGION}
    project["resources"] = [
        {"type": "aws:core:s3Bucket", "name": "bucket", "bucketName": bucket, "versioned": True},
        {"type": "aws:core:eventBus", "name": "bus", "eventBusName": f"{stage}-bus"},
        {"type": "aws:core:sqsQueue", "name": "queue", "queueName": f"{stage}-queue"},
        {"type": "aws:core:glueDatabase", "name": "db", "databaseName": stage},
        {"type": "aws:core:glueTable", "name": "t", "databaseRef": "db", "tableName": "orders",
         "pathURI": f"s3://{bucket}/out/", "schema": {"dataFormat": "csv"}},
    ]  # fmt: skip
    project["notifiers"] = [
        {"type": "aws:core:snsNotifier", "name": "topic", "topicArn": topic},
        {"type": "aws:core:sqsNotifier", "name": "queue", "queueArn": f"arn:aws:sqs:{own}:{stage}-queue"},
        {"type": "aws:core:eventBridgeNotifier", "name": "bus",
         "eventBusArn": f"arn:aws:events:{own}:event-bus/{stage}-bus"},
    ]  # fmt: skip
    (boundary,), (arc,) = project["boundaries"], project["arcs"]
    boundary |= {"eventArrival": "infrequent", "graceSec": 0, "lotUnit": "Days"}
    boundary["infrequent"] = {
        "lotSource": "keyTimestampRegex",
        "keyRegex": r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)",
    }
    boundary["dataset"]["pathURI"] = f"s3://{bucket}/ingress/"
    arc["sources"]["main"]["start"] = "all"
    arc["sinks"]["main"]["pathURI"] = f"s3://{bucket}/out/"
    file = saved(project)
    cls("bootstrap", "--provider", "aws", "--stage", stage, "--approve")
    policy = json.loads(cls("policy", file))
    recorded.clear()
    cls("run", file, "--until-idle")  # makes the bucket
    s3 = client("s3", placement(stage))
    during = list(recorded)
    for day in (1, 2):
        s3.put_object(Bucket=bucket, Key=f"ingress/2024-01-0{day}.csv", Body=b"1")
    recorded.clear()
    cls("run", file, "--until-idle")
    during += recorded
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]] == [
        "out/2024-01-01.csv",
        "out/2024-01-02.csv",
    ]
    refused = {
        f"{action(each)} on {resource(each)}" for each in during if not allows(policy, each) and each.service != "sts"
    }
    assert refused == set()
    assert {each.service for each in during} >= {"s3", "sqs", "events", "sns", "glue"}


def test_what_a_project_reads_of_others_is_told_of() -> None:
    project = json.loads(THEIRS)
    project["boundaries"] = []
    assert "no file writes in/20230101" in cls("policy", saved(project))


def test_events_that_were_set_aside_are_listed_and_sent_to_their_arc_again() -> None:
    project = json.loads(THEIRS)
    stage = f"d{uuid4().hex[:8]}"
    project["placement"] = {"provider": "aws", "stage": stage}
    cls("bootstrap", "--provider", "aws", "--stage", stage, "--approve")
    file, sqs = saved(project), client("sqs", placement(stage))
    cls("redrive", file, "--list")
    name = f"{stage.upper()}-Demo-20230101-00-copyA-events"
    detail = {"dataset": {"name": "in", "version": "20230101", "pathURI": "s3://b/in/"}, "lot": "20230101PT5M000",
              "manifest": "s3://m/manifest.json", "datasetId": "in/20230101"}  # fmt: skip
    dead = sqs.get_queue_url(QueueName=f"{name}-dead")["QueueUrl"]
    for body in ({"detail": detail}, {"detail": 7}):
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(body))
    listed = json.loads(cls("redrive", file, "--list", "--output", "json"))
    assert sorted((each["state"], each["lotId"]) for each in listed if each["lotId"]) == [("dead", "20230101PT5M000")]
    assert len(listed) == 2
    assert "Demo/copyA: 1 event handed out again" in cls("redrive", file)
    assert sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])["Messages"]


def test_notices_that_were_set_aside_are_listed_and_sent_to_their_boundary_again() -> None:
    stage = f"n{uuid4().hex[:8]}"
    project = json.loads(THEIRS)
    project["placement"] = {"provider": "aws", "stage": stage}
    project["resources"] = project["arcs"] = []
    project["boundaries"][0]["dataset"]["pathURI"] = f"s3://{stage}-data/in/"
    cls("bootstrap", "--provider", "aws", "--stage", stage, "--approve")
    file, s3, sqs = saved(project), client("s3", placement(stage)), client("sqs", placement(stage))
    assert cls("redrive", file, "--list", "--output", "json") == "[]\n", "nothing listens yet"
    s3.create_bucket(Bucket=f"{stage}-data", CreateBucketConfiguration={"LocationConstraint": REGION})
    cls("run", file, "--until-idle")
    name = f"{stage.upper()}-demo-ingress-20230101-00"
    queue, dead = (sqs.get_queue_url(QueueName=each)["QueueUrl"] for each in (name, f"{name}-dead"))
    s3.put_object(Bucket=f"{stage}-data", Key="in/a b.csv", Body=b"1")
    notice: Any = None
    while not notice:
        notice = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")
    for body in (notice[0]["Body"], "rubbish"):
        sqs.send_message(QueueUrl=dead, MessageBody=body)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=notice[0]["ReceiptHandle"])
    for _ in range(2):
        listed = json.loads(cls("redrive", file, "--list", "--output", "json"))
        told = sorted((each["notifier"], each["dataset"]["name"], each["lastError"][:40]) for each in listed)
        assert told[0][:2] == ("Ingress", "in")
        assert told[0][2].startswith("'rubbish' is no message of S3's")
        assert told[1] == ("Ingress", "in", f"s3://{stage}-data/in/a b.csv: it was not delivered"[:40])
    assert "Demo/Ingress: 1 notice handed out again" in cls("redrive", file)
    assert "Demo/Ingress: 1 arrived" in cls("run", file, "--until-idle", "--seal-open")
    assert [each["lastError"][:9] for each in json.loads(cls("redrive", file, "--list", "--output", "json"))] == [
        "'rubbish'"
    ]


# ---- with the reference system ---------------------------------------------------------------------------------


def test_a_dataset_of_the_reference_system_is_consumed_and_ours_looks_like_theirs() -> None:
    """Its ownership and manifest, as its vectors have them; then ours, byte for byte as it writes them."""
    stage = f"r{uuid4().hex[:8]}"
    place = placement(stage)
    cls("bootstrap", "--provider", "aws", "--stage", stage, "--approve")
    s3, bucket = client("s3", place), f"{stage}-data"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key="in/a.csv", Body=b"1")
    metadata, _, manifests = layout.store_names(place)
    uri = f"s3://{bucket}/in/"
    owned = f'{{"owner":{{"name":"Theirs","version":"1"}},"dataset":{{"name":"in","version":"1","pathURI":"{uri}"}}}}'
    s3.put_object(Bucket=metadata, Key="datasets/name=in/version=1/dataset.json", Body=owned.encode())
    theirs = (
        f'{{"state":"complete","comment":null,"lotId":"20230101PT5M050","uriType":"identifier","uris":["{uri}a.csv"]}}'
    )
    key = "lot=20230101PT5M050/state=complete/manifest.json"
    s3.put_object(Bucket=manifests, Key=f"datasets/name=in/version=1/{key}", Body=theirs.encode())
    arc = {
        "type": "aws:core:s3CopyArc",
        "name": "copyA",
        "sources": {"main": {"name": "in", "version": "1", "start": "all"}},
        "sinks": {"main": {"name": "out", "version": "1", "pathURI": f"s3://{bucket}/out/"}},
    }
    project = {
        "project": {"name": "Ours", "version": "1"},
        "placement": {"provider": "aws", "stage": stage},
        "arcs": [arc],
    }
    cls("run", saved(project), "--until-idle")
    ours = s3.get_object(Bucket=manifests, Key=f"datasets/name=out/version=1/{key}")["Body"].read().decode()
    assert ours == theirs.replace("/in/", "/out/")
    assert s3.get_object(Bucket=bucket, Key="out/a.csv")["Body"].read() == b"1"
    owner = s3.get_object(Bucket=metadata, Key="datasets/name=out/version=1/dataset.json")["Body"].read().decode()
    assert owner == owned.replace("Theirs", "Ours").replace('"in"', '"out"').replace("/in/", "/out/")
