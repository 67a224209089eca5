"""What goes wrong with an account: said plainly, with what to do, and nothing is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from attrs import frozen
from beds.aws import ACCOUNT
from beds.proxy import Answer, Lost, Plan, proxied, s3_error

pytestmark = pytest.mark.slow

EXPIRED = "The provided token has expired."


class Weather(Plan):
    """What is answered in place of the account while it is *bad*, to requests for S3, and to all others."""

    bad = False
    s3: Answer | Lost | None = None
    others: Answer | Lost | None = None
    kind = ""  # of requests that it is bad for: a part of "PUT /bucket/key"

    def take(self, request: str, body: bytes = b"") -> Answer | Lost | None:
        if not self.bad or self.kind not in request:
            return None
        if b"Action=GetCallerIdentity" in body and isinstance(self.others, Answer):
            return as_xml(self.others)
        return self.others if request == "POST /" else self.s3


def refused(status: int, code: str, message: str) -> Answer:
    """How services other than S3 say no."""
    return Answer(status, json.dumps({"__type": code, "message": message}).encode())


def as_xml(said: Answer) -> Answer:
    """The same of a service that is asked who somebody is, which speaks XML."""
    told = json.loads(said.body)
    error = f"<Error><Type>Sender</Type><Code>{told['__type']}</Code><Message>{told['message']}</Message></Error>"
    return Answer(said.status, f"<ErrorResponse>{error}</ErrorResponse>".encode(), {"Content-Type": "text/xml"})


THROTTLED = (
    s3_error(503, "SlowDown", "Please reduce your request rate."),
    refused(400, "ThrottlingException", "Rate exceeded"),
)
EXPIRY = (s3_error(400, "ExpiredToken", EXPIRED), refused(400, "ExpiredTokenException", EXPIRED))
"""What S3 answers, and all others."""


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def behind(cloud: Any, weather: Weather) -> Iterator[dict[str, str]]:
    """The variables that lead through the weather."""
    with proxied(cloud.endpoint, weather) as endpoint:
        yield {"AWS_ENDPOINT_URL": endpoint}


@pytest.fixture
def declared(cloud: Any) -> Any:
    cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "out")])
    return cloud


def test_no_credentials(declared: Any) -> None:
    ran = declared.run(code=None, env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None})
    assert ran.code != 0
    assert "there are no AWS credentials" in ran.err
    assert "set AWS_PROFILE" in ran.err


def test_expired_credentials(declared: Any, weather: Weather, behind: dict[str, str]) -> None:
    weather.bad, (weather.s3, weather.others) = True, EXPIRY
    ran = declared.run(code=None, env=behind)
    assert ran.code != 0
    assert "the credentials have expired" in ran.err
    assert "sign in again (`aws sso login`)" in ran.err


def test_another_account(declared: Any) -> None:
    placed = {"account": "111122223333"}
    declared.declare(placement=placed, boundaries=[declared.boundary()])
    ran = declared.run(code=None)
    assert ran.code != 0
    assert "p.json: $.placement: the placement is in account 111122223333" in ran.err
    assert f"these credentials are of account {ACCOUNT} (arn:aws:" in ran.err
    assert "choose a profile (AWS_PROFILE), or set a role" in ran.err
    assert "cls bootstrap" not in ran.err


def test_another_region(declared: Any) -> None:
    declared.declare(placement={"region": "eu-west-1"}, boundaries=[declared.boundary()])
    ran = declared.run(code=None)
    assert ran.code != 0
    assert f"the placement aws:{declared.stage}:{ACCOUNT}:eu-west-1 is not bootstrapped" in ran.err
    assert f"account {ACCOUNT} was asked, in eu-west-1, as arn:aws:" in ran.err
    assert f"it has aws:{declared.stage}:{ACCOUNT}:us-west-2 (another region)" in ran.err
    assert "cls bootstrap --provider aws" in ran.err


def test_a_bucket_that_someone_else_owns(declared: Any, weather: Weather, behind: dict[str, str]) -> None:
    weather.bad, weather.s3, weather.kind = True, s3_error(403, "AccessDenied", "Access Denied"), f"/{declared.bucket}"
    ran = declared.run(code=None, env=behind)
    assert ran.code != 0
    assert f"s3://{declared.bucket}/: access was denied" in ran.err
    assert "check that it is not another account's" in ran.err


def test_a_bucket_that_is_not_there(declared: Any) -> None:
    declared.client("s3").delete_bucket(Bucket=declared.bucket)
    ran = declared.run(code=None)
    assert ran.code != 0
    assert f"p.json: $.boundaries[0]: there is no bucket {declared.bucket}" in ran.err
    assert "hint: declare it as a resource, aws:core:s3Bucket" in ran.err


# ---- trouble that is waited out: the waiting is what takes time, so a test has all kinds of it at once --------------


@frozen
class Troubled:
    """An account that has its own weather, which *told* are the words for."""

    cloud: Any
    weather: Weather
    behind: dict[str, str]
    told: str = "AWS asks for fewer requests"

    def start(self, *arguments: str) -> Any:
        return self.cloud.start("run", "p.json", "--seal-open", *arguments, env=self.behind)


@pytest.fixture
def troubled(make_cloud: Any) -> Iterator[Callable[..., Troubled]]:
    """Call it with what S3 and other services answer, and with what they are to be asked for that."""
    with ExitStack() as stack:

        def made(s3: Answer, others: Answer, kind: str = "", **more: Any) -> Troubled:
            cloud, weather = make_cloud(), Weather()
            cloud.declare(boundaries=[cloud.boundary()], arcs=[cloud.arc("raw", "out")])
            weather.s3, weather.others, weather.kind = s3, others, kind
            endpoint = stack.enter_context(proxied(cloud.endpoint, weather))
            return Troubled(cloud, weather, {"AWS_ENDPOINT_URL": endpoint}, **more)

        yield made


def test_throttling_when_a_run_begins_is_waited_out(troubled: Any, tools: Any, bodies: Any) -> None:
    accounts = [troubled(*THROTTLED, kind=kind) for kind in ("GET /", "POST /")]
    for each in accounts:
        each.weather.bad = True
        each.cloud.put("a")
    runs = [each.start("--until-idle") for each in accounts]
    for each, run in zip(accounts, runs, strict=True):
        told = [run.stderr.readline(), run.stderr.readline()]
        assert all(each.told in line for line in told), (each.weather.kind, told)
        assert all("nothing is begun before it answers, and it is asked again in" in line for line in told), told
        each.weather.bad = False
    for each, run in zip(accounts, runs, strict=True):
        ran = tools.ended(run)
        assert ran.code == 0, (each.weather.kind, ran)
        assert each.cloud.data("out") == bodies(["a"]), each.weather.kind


def test_trouble_for_a_minute_is_told_and_nothing_is_lost(troubled: Any, tools: Any, bodies: Any) -> None:
    accounts = [troubled(*THROTTLED), troubled(*EXPIRY, told="the credentials have expired")]
    runs = [each.start() for each in accounts]
    for each in accounts:
        each.cloud.put("before")
        tools.until(lambda cloud=each.cloud: cloud.data("out") == bodies(["before"]))
    for each in accounts:
        each.weather.bad = True
        each.cloud.put("during")
    time.sleep(60)
    for each, run in zip(accounts, runs, strict=True):
        assert run.poll() is None, (each.told, run.communicate())
        each.weather.bad = False
        each.cloud.put("after")
    names = ["before", "during", "after"]
    for each, run in zip(accounts, runs, strict=True):
        tools.until(lambda cloud=each.cloud: cloud.data("out") == bodies(names))
        run.terminate()
        ran = tools.ended(run)
        assert ran.code == 0, (each.told, ran)
        assert each.told in ran.err + ran.out
    again = [each.cloud.start("run", "p.json", "--until-idle", "--seal-open") for each in accounts]
    for each, run in zip(accounts, again, strict=True):
        ran = tools.ended(run)
        assert ran.code == 0, (each.told, ran)
        assert each.cloud.listed("raw") == each.cloud.listed("out") == dict.fromkeys(names, 1), each.told


def test_a_queue_policy_that_was_edited_by_hand_is_told_and_put_right(declared: Any, bodies: Any) -> None:
    declared.run()
    nobody = {"Sid": "hand", "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
    queue = declared.queue("-p-ingress-")
    declared.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    declared.put("a")
    ran = declared.run()
    assert "did not let in what is sent to it, and was put right" in ran.err
    assert declared.data("out") == bodies(["a"])
    found = declared.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]
    assert len(json.loads(found["Policy"])["Statement"]) == 2
