"""How AWS is reached: settings, the environment, and clients made of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beds.proxy import Answer, Plan, proxied
from beds.server import free_port

from cls_aws import identity
from cls_aws.clients import client
from cls_aws.settings import Reach, reach, variables
from clusterless.errors import MalformedError, StoreRefusedError
from clusterless.model.placement import Placement

ROLE = "arn:aws:iam::000000000000:role/pipelines"
HERE = Placement(provider="aws", stage="dev", account="123456789012", region="us-west-2")


@pytest.fixture(autouse=True)
def here(ask: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ask("")
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / ".clsconfig-aws").write_text(text)


# ---- settings


def test_nothing_set_leaves_all_to_the_sdk() -> None:
    assert reach(None) == Reach()


def test_a_placement_brings_its_region() -> None:
    assert reach(HERE) == Reach(region="us-west-2")


def test_a_placement_counts_before_the_environment_and_that_before_all(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, f'profile = "all"\nrole = "{ROLE}"\n[placements."{HERE.id}"]\nprofile = "own"\n')
    assert (reach(None).profile, reach(HERE).profile) == ("all", "own")
    monkeypatch.setenv("AWS_PROFILE", "env")
    assert (reach(None).profile, reach(HERE).profile, reach(HERE).role) == ("env", "own", ROLE)


def test_a_placement_of_another_provider_has_what_holds_for_all(here: Path) -> None:
    write(here, 'region = "eu-west-1"\n')
    assert reach(Placement(provider="gcp", region="europe-west1")).region == "eu-west-1"


def test_the_region_is_that_of_the_lambda_variable_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "a-b-1")
    assert reach(None).region == "a-b-1"
    monkeypatch.setenv("AWS_REGION", "a-b-2")
    assert reach(None).region == "a-b-2"


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("s3", "AWS_S3_ENDPOINT"),
        ("sqs", "AWS_SQS_ENDPOINT"),
        ("events", "AWS_EVENTS_ENDPOINT"),
        ("glue", "AWS_GLUE_ENDPOINT"),
        ("athena", "AWS_ATHENA_ENDPOINT"),
        ("logs", "AWS_CLOUDWATCHLOGS_ENDPOINT"),
        ("events", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
        ("sns", "AWS_ENDPOINT_URL_SNS"),
    ],
)
def test_a_service_has_an_endpoint_of_its_own(service: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all")
    monkeypatch.setenv(variable, "http://own")
    assert (reach(None, service).endpoint, reach(None, "sts").endpoint) == ("http://own", "http://all")


def test_other_programs_are_told_the_way_and_no_credentials(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert variables(None) == {}
    assert variables(HERE) == {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2"}
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "oolong")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://around")
    write(here, f'region = "eu-west-1"\nprofile = "all"\n[placements."{HERE.id}"]\nendpoint = "http://own"\n')
    assert variables(None)["AWS_ENDPOINT_URL_S3"] == "http://around"
    assert variables(HERE) == {
        "AWS_ENDPOINT_URL_S3": "http://own",
        "AWS_S3_ENDPOINT": "http://own",
        "AWS_REGION": "us-west-2",
        "AWS_DEFAULT_REGION": "us-west-2",
    }


def test_a_file_of_the_reference_system_is_read(here: Path) -> None:
    write(here, 'cdk.requireDeployApproval = "never"\n')
    assert reach(None) == Reach()


def test_what_there_is_not_is_refused(here: Path) -> None:
    write(here, 'placements.x.colour = "red"\n')
    with pytest.raises(MalformedError, match="colour"):
        reach(None)


@pytest.mark.parametrize(
    "text", ["nonsense", "arn:aws:iam::000000000000:user/x", "arn:aws:sqs:us-west-2:000000000000:role/x"]
)
def test_what_is_no_role_is_refused_where_it_is_set(here: Path, text: str) -> None:
    write(here, f'[placements."{HERE.id}"]\nrole = "{text}"\n')
    with pytest.raises(MalformedError, match="is not") as refused:
        reach(HERE)
    assert str(here / ".clsconfig-aws") in str(refused.value)


# ---- clients


def test_a_client_is_made_once_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: client("sqs", HERE), range(8)))
    assert len({id(each) for each in made}) == 1
    assert made[0].meta.region_name == "us-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert client("sqs", None).meta.region_name == "eu-west-1"


def test_an_endpoint_that_is_set_has_buckets_as_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    asked: list[str] = []
    made = client("s3", HERE)
    made.meta.events.register("before-send", lambda request, **_: asked.append(request.url))
    with pytest.raises(Exception, match="localhost"):
        made.head_object(Bucket="bucket", Key="k")
    assert asked == ["http://localhost:1/bucket/k"]  # and sent once: a store is asked again by core


def test_no_region_says_what_to_set() -> None:
    with pytest.raises(StoreRefusedError, match="no AWS region") as refused:
        client("sqs", None)
    assert "AWS_REGION" in refused.value.hint


def test_a_profile_that_is_not_there_says_how_to_find_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreRefusedError, match="no such AWS profile"):
        client("s3", HERE)


@pytest.mark.parametrize("endpoint", ["nonsense", "http://under_scored:9000"])
def test_an_endpoint_that_is_none_is_said(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(StoreRefusedError, match=f"AWS s3 cannot be reached at {endpoint}") as refused:
        client("s3", HERE)
    assert "AWS_ENDPOINT_URL" in refused.value.hint


def test_what_is_asked_again_is_in_the_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with caplog.at_level(logging.INFO, "cls_aws"), pytest.raises(Exception, match="Could not connect"):
        client("sqs", HERE).list_queues()
    assert [record.name for record in caplog.records] == ["cls_aws.retries"] * 4
    assert "ListQueues is asked again: Could not connect" in caplog.messages[0]


def test_a_role_is_assumed_when_credentials_are_wanted(
    ministack_endpoint: str, ask: Callable[[str], None], here: Path
) -> None:
    ask(ministack_endpoint)
    write(here, f'role = "{ROLE}"')
    client("iam", HERE).create_role(RoleName="pipelines", AssumeRolePolicyDocument="{}")
    made = client("s3", HERE)
    asked: list[Any] = []
    made.meta.events.register("before-send", lambda request, **_: asked.append(request))
    made.list_buckets()
    assert b"X-Amz-Security-Token" in bytes(str(asked[0].headers), "utf-8")


def test_a_role_that_may_not_be_assumed_is_told_without_a_trace(
    ask: Callable[[str], None], ministack_endpoint: str, here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    plan = Plan()
    plan.add("POST /", *[Answer(403, denied.encode(), {"Content-Type": "text/xml"})] * 2)
    with proxied(ministack_endpoint, plan) as endpoint:
        ask(endpoint)
        write(here, f'role = "{ROLE}"')
        with pytest.raises(StoreRefusedError, match=r"access was denied .*not you"):
            identity.account(HERE)
        assert caplog.text == ""
        with caplog.at_level(logging.INFO), pytest.raises(StoreRefusedError):
            identity.account(HERE)
    assert "Refreshing temporary credentials failed" in caplog.text
    assert "Traceback" not in caplog.text
