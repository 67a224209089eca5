"""What a placement's account, region and buckets are, and what is said where they cannot be known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import evolve
from beds.aws import REGION

from cls_aws import identity
from cls_aws.arn import parse_arn, partition
from cls_aws.clients import client
from cls_aws.provider import AwsProvider
from clusterless.errors import ClsError, InvalidValueError, StoreRefusedError
from clusterless.model.placement import Placement


@pytest.fixture(params=[("ministack", "000000000000"), ("moto", "123456789012")], ids=["ministack", "moto"])
def account(request: pytest.FixtureRequest, ask: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> str:
    """That of the credentials, which two servers tell."""
    server, account = request.param
    ask(request.getfixturevalue(f"{server}_endpoint"))
    monkeypatch.setattr(identity, "_known", {})
    return str(account)


def test_what_is_left_out_is_that_of_the_credentials(account: str) -> None:
    whole = AwsProvider().complete(Placement(provider="aws", stage="dev"))
    assert (whole.account, whole.region, whole.stage) == (account, REGION, "dev")


def test_what_is_given_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "reached", None)
    given = Placement(provider="aws", account="111122223333", region="eu-west-1")
    assert AwsProvider().complete(given) == given


def test_the_region_may_be_the_profiles(account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_REGION")
    config = tmp_path / "aws-config"
    config.write_text("[default]\nregion = eu-north-1\n[profile work]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert AwsProvider().complete(Placement(provider="aws")).region == "eu-north-1"
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert identity.region(Placement(provider="aws")) == "eu-west-3"


def test_without_a_region_it_is_said_where_to_write_one(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(InvalidValueError, match="no region is given") as refused:
        AwsProvider().complete(Placement(provider="aws"))
    assert "'region' in the placement, or set AWS_REGION" in refused.value.hint


def test_without_credentials_it_is_said_how_to_give_them(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StoreRefusedError, match="there are no AWS credentials") as refused:
        AwsProvider().complete(Placement(provider="aws"))
    assert "AWS_PROFILE" in refused.value.hint


def test_a_server_that_cannot_be_reached_is_told(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(ClsError, match="AWS cannot be reached"):
        AwsProvider().complete(Placement(provider="aws"))


@pytest.mark.parametrize(
    ("stage", "root"),
    [
        (None, "s3://clusterless-metadata-111122223333-eu-west-1/"),
        ("Foo-bar", "s3://foo-bar-clusterless-metadata-111122223333-eu-west-1/"),
    ],
)
def test_records_are_in_buckets_named_for_the_placement(stage: str | None, root: str) -> None:
    place = Placement(provider="aws", stage=stage, account="111122223333", region="eu-west-1")
    roots = AwsProvider().roots(place, Path())
    assert roots.metadata == root
    assert roots.arc_state == root.replace("metadata", "arc-state")
    assert roots.manifest == root.replace("metadata", "manifest")


@pytest.mark.parametrize("stage", ["s" * 25, "under_score"])
def test_a_stage_that_no_bucket_can_be_named_for_is_refused(stage: str) -> None:
    place = Placement(provider="aws", stage=stage, account="111122223333", region="eu-west-1")
    with pytest.raises(InvalidValueError, match="cannot be the name of a bucket"):
        AwsProvider().roots(place, Path())


@pytest.mark.parametrize(
    ("region", "expected"), [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_a_region_tells_its_partition(region: str, expected: str) -> None:
    assert partition(region) == expected
    assert (
        str(parse_arn(f"arn:{expected}:sqs:{region}:111122223333:q")) == f"arn:{expected}:sqs:{region}:111122223333:q"
    )


# ---- whom was asked --------------------------------------------------------------------------------------------


def _store(stage: str, account: str, region: str = REGION) -> None:
    """The bucket of a placement that people would find by its name."""
    name = f"{stage}-clusterless-metadata-{account}-{region}"
    client("s3", None).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def test_who_was_asked_is_told_with_the_placements_that_are_like_it(account: str) -> None:
    stage, here = f"w{uuid4().hex[:8]}", "ca-central-1"  # where no other test has anything
    _store(stage, account, "eu-north-1")
    _store(f"{stage}-other", account, "ap-south-1")
    placed = Placement(provider="aws", stage=stage.upper(), account=account, region=here)
    told = AwsProvider().asked(placed)
    assert told.startswith(f"account {account} was asked, in {here}, as arn:aws:")
    assert told.endswith(f"; it has aws:{stage}:{account}:eu-north-1 (another region)")
    assert f"aws:{stage}-other:{account}:ap-south-1 (another stage)" in AwsProvider().asked(
        evolve(placed, stage="none", region="ap-south-1")
    )
    both = AwsProvider().asked(evolve(placed, region="ap-south-1"))
    assert both.index("(another region)") < both.index("(another stage)")
    assert ";" not in AwsProvider().asked(evolve(placed, stage="none", region="sa-east-1"))


def test_that_these_are_credentials_of_another_account_is_told_with_whose(account: str) -> None:
    placed = Placement(provider="aws", stage="dev", account="111122223333", region=REGION)
    with pytest.raises(StoreRefusedError, match=rf"in account 111122223333.*of account {account} \(arn:aws:") as told:
        AwsProvider().asked(placed)
    assert "AWS_PROFILE" in told.value.hint
