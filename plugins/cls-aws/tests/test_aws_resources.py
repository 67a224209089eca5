"""Resources are made where they are not there, and what somebody else has set stays."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from beds.placed import placement, surroundings

from cls_aws import catalog, components
from cls_aws.arn import fitted
from cls_aws.clients import client
from clusterless import codec
from clusterless.errors import InvalidValueError, StoreRefusedError
from clusterless.model.element import Resource
from clusterless.plugins import find_plugins
from clusterless.provider import Surroundings

Around = Callable[..., Surroundings]


@pytest.fixture
def around(ask: Callable[[str], None], ministack_endpoint: str, tmp_path: Path) -> Around:
    ask(ministack_endpoint)
    return lambda *resources: surroundings(placement("res"), tmp_path, resources)


def declared(type_: str, **values: Any) -> Resource:
    component = find_plugins().resources()[f"aws:core:{type_}"]
    read: Resource = codec.read_declaration(
        {"type": component.type, "name": "it", **values}, component.model, source="x"
    )
    return read


def make(resource: Resource, around: Surroundings) -> None:
    find_plugins().resources()[resource.type].load()(resource, around)


def new(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex[:10]}"


# ---- buckets ---------------------------------------------------------------------------------------------------


def test_a_bucket_is_made_closed_and_tells_of_its_objects(around: Around) -> None:
    s3, name, here = client("s3", placement("res")), new("bucket"), around()
    for _ in range(2):
        make(declared("s3Bucket", bucketName=name, versioned=True, tags={"team": "tea"}), here)
    blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)
    tags = {each["Key"]: each["Value"] for each in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert tags == {
        "cls:project:name": "Demo",
        "cls:project:version": "20230101-00",
        "cls:project:stage": "res",
        "cls:placement": "aws:res:000000000000:us-west-2",
        "team": "tea",
    }
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "us-west-2"


def test_what_was_set_on_a_bucket_stays(around: Around) -> None:
    s3, name = client("s3", placement("res")), new("bucket")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Deny", "Principal": "*",
                         "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/x"}]})  # fmt: skip
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    sqs = client("sqs", placement("res"))
    url = sqs.create_queue(QueueName=new("q"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    queues = [{"Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectRemoved:*"]}]
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": queues})
    make(declared("s3Bucket", bucketName=name), around())
    assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]) == json.loads(policy)
    found = s3.get_bucket_notification_configuration(Bucket=name)
    assert [each["Id"] for each in found["QueueConfigurations"]] == ["theirs"]
    assert "EventBridgeConfiguration" in found


def test_a_bucket_that_someone_else_owns_is_refused_plainly(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    s3 = client("s3", placement("res"))

    def taken(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")

    monkeypatch.setattr(s3, "head_bucket", taken)
    with pytest.raises(StoreRefusedError, match="the bucket theirs is not of account 000000000000") as refused:
        make(declared("s3Bucket", bucketName="theirs"), around())
    assert "choose another" in refused.value.hint


def test_a_bucket_is_asked_again_while_s3_cannot_answer(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    from clusterless.testing.clock import SettableClock

    s3, name, failures = client("s3", placement("res")), new("bucket"), [1, 2, 3]
    create = s3.create_bucket

    def busy(**arguments: Any) -> Any:
        if failures:
            failures.pop()
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "please"}}, "CreateBucket")
        return create(**arguments)

    monkeypatch.setattr(s3, "create_bucket", busy)
    make(declared("s3Bucket", bucketName=name), evolve(around(), clock=SettableClock()))
    assert s3.head_bucket(Bucket=name)


# ---- buses and queues ------------------------------------------------------------------------------------------


def test_a_bus_is_made_once(around: Around) -> None:
    name = new("bus")
    for _ in range(2):
        make(declared("eventBus", eventBusName=name), around())
    assert client("events", placement("res")).describe_event_bus(Name=name)["Name"] == name


@pytest.mark.parametrize("end", ["", ".fifo"])
def test_a_queue_is_made_once(around: Around, end: str) -> None:
    name = new("queue") + end
    for _ in range(2):
        make(declared("sqsQueue", queueName=name), around())
    sqs = client("sqs", placement("res"))
    found = sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["All"])
    assert found["Attributes"]["MessageRetentionPeriod"] == "1209600"
    assert found["Attributes"].get("FifoQueue", "false") == str(bool(end)).lower()


def test_a_compute_environment_is_left_to_who_deploys(around: Around) -> None:
    make(declared("computeEnvironment", computeEnvironmentName="env"), around())


# ---- the catalog -----------------------------------------------------------------------------------------------


def table(database: str = "it", **values: Any) -> Resource:
    schema = {
        "columns": [{"name": "id", "type": "bigint", "comment": "which"}, {"name": "name", "type": "string"}],
        "partitions": [{"name": "lot", "type": "string"}],
        "dataFormat": "Parquet",
    }
    whole = {
        "databaseRef": database,
        "tableName": "orders",
        "schema": schema,
        "pathURI": "s3://bucket/orders/",
        **values,
    }
    return declared("glueTable", **whole)


def test_a_table_is_made_in_the_database_that_it_refers_to(around: Around, caplog: pytest.LogCaptureFixture) -> None:
    database, glue = declared("glueDatabase", databaseName=new("db")), client("glue", placement("res"))
    here = around(database)
    for _ in range(2):
        make(database, here)
        make(table("glueDatabase:it"), here)
    found = glue.get_table(DatabaseName=database.database_name, Name="orders")["Table"]  # type: ignore[attr-defined]
    assert [each["Name"] for each in found["StorageDescriptor"]["Columns"]] == ["id", "name"]
    assert found["PartitionKeys"] == [{"Name": "lot", "Type": "string"}]
    assert found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert caplog.text == ""
    with caplog.at_level(logging.WARNING):
        make(table(pathURI="s3://elsewhere/orders/"), here)
    assert "is at s3://bucket/orders/, not at s3://elsewhere/orders/" in caplog.text


def test_a_table_that_refers_to_no_database_is_refused(around: Around) -> None:
    with pytest.raises(InvalidValueError, match="is not a database but aws:core:eventBus"):
        make(table(), around(declared("eventBus", eventBusName="bus")))


@pytest.mark.parametrize("form", components.FORMATS)
def test_every_format_has_its_classes(form: str) -> None:
    made = table(schema={"dataFormat": form.upper()})
    assert isinstance(made, components.GlueTable)
    described = catalog.table_input(made)["StorageDescriptor"]
    assert all([described["InputFormat"], described["OutputFormat"], described["SerdeInfo"]["SerializationLibrary"]])


# ---- names -----------------------------------------------------------------------------------------------------


def test_names_that_fit_stay_and_others_are_told_apart() -> None:
    assert fitted("DEV-a-1-b-events", 59) == "DEV-a-1-b-events"
    changed = {fitted(name, 59) for name in ("a.b", "a_b", "a:b", "a" * 60, "a" * 61)}
    assert len(changed) == 5
    assert all(len(name) <= 59 and name.replace("-", "").replace("_", "").isalnum() for name in changed)
