"""What the SDK raises, in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, IncompleteReadError, SSOTokenLoadError
from botocore.parsers import ResponseParserError

from cls_aws.clients import client
from cls_aws.errors import asking
from clusterless.errors import (
    ClsError,
    ObjectExistsError,
    ObjectMissingError,
    PlaceMissingError,
    StoreBusyError,
    StoreRefusedError,
    StoreUnavailableError,
)


def answered(code: str, status: int = 400, message: str = "so it is.") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


def told(error: Exception) -> ClsError:
    with pytest.raises(ClsError) as raised, asking("s3://b/k"):
        raise error
    assert raised.value.problem.startswith("s3://b/k: ")
    return raised.value


@pytest.mark.parametrize(
    ("error", "kind", "problem", "hint"),
    [
        (answered("ExpiredToken"), StoreRefusedError, "have expired", "sign in again"),
        (answered("ExpiredTokenException"), StoreRefusedError, "have expired", "sign in again"),
        (answered("InvalidAccessKeyId", 403), StoreRefusedError, "does not know these credentials", "AWS_PROFILE"),
        (answered("AccessDenied", 403), StoreRefusedError, "access was denied", "another account's"),
        (answered("403", 403), StoreRefusedError, "access was denied", "another account's"),
        (answered("PermanentRedirect", 301), StoreRefusedError, "another region", "AWS_REGION"),
        (answered("AuthorizationHeaderMalformed"), StoreRefusedError, "another region", "AWS_REGION"),
        (answered("NoSuchBucket", 404), PlaceMissingError, "no such bucket", "cls bootstrap"),
        (answered("RequestTimeTooSkewed", 403), StoreRefusedError, "time", "clock"),
        (answered("SignatureDoesNotMatch", 403), StoreRefusedError, "does not know these credentials", "AWS_PROFILE"),
        (
            answered("SignatureDoesNotMatch", 403, "Signature expired: 2024 is now earlier"),
            StoreRefusedError,
            "time",
            "clock",
        ),
        (
            answered("InvalidSignatureException", 400, "Signature not yet current: x"),
            StoreRefusedError,
            "time",
            "clock",
        ),
        (answered("KeyTooLongError"), StoreRefusedError, "KeyTooLongError: so it is)", ""),
        (answered("NoSuchKey", 404), ObjectMissingError, "there is none", ""),
        (answered("PreconditionFailed", 412), ObjectExistsError, "exists already", ""),
        (answered("SlowDown", 503), StoreBusyError, "fewer requests", "again"),
        (answered("ThrottlingException"), StoreBusyError, "fewer requests", "again"),
        (answered("QueueDeletedRecently"), StoreUnavailableError, "less than a minute ago", "again"),
        (answered("Whatever", 429), StoreBusyError, "fewer requests", "again"),
        (answered("Whatever", 503), StoreBusyError, "fewer requests", "again"),
        (answered("LimitExceededException"), StoreUnavailableError, "no more of it", "quota"),
        (answered("Whatever", 502), StoreUnavailableError, "could not answer", "again"),
        (ConnectTimeoutError(endpoint_url="x"), StoreUnavailableError, "no connection could be made", ""),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), StoreUnavailableError, "broke off", ""),
        (ResponseParserError("<html>"), StoreUnavailableError, "what answered is not AWS", "endpoint"),
        (SSOTokenLoadError(profile_name="x", error_msg="y"), StoreRefusedError, "sign-in has expired", "sso login"),
        (BotoCoreError(), StoreRefusedError, "the AWS SDK refused it", ""),
    ],
)
def test_each_is_what_it_means_and_says_what_to_do(
    error: Exception, kind: type[ClsError], problem: str, hint: str
) -> None:
    raised = told(error)
    assert type(raised) is kind
    assert problem in raised.problem
    assert hint in raised.hint


def test_what_is_not_the_sdks_goes_through() -> None:
    with pytest.raises(KeyError), asking("s3://b/k"):
        raise KeyError


def test_no_credentials_say_how_they_are_given(ask: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    ask("http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StoreRefusedError, match="there are no AWS credentials") as refused, asking("s3://b/k"):
        client("s3", None).head_object(Bucket="b", Key="k")
    assert "AWS_PROFILE" in refused.value.hint


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://nobody.invalid"])
def test_a_server_that_cannot_be_reached_did_not_answer(ask: Callable[[str], None], endpoint: str) -> None:
    ask(endpoint)
    with pytest.raises(StoreUnavailableError, match="cannot be reached") as lost, asking("s3://b/k"):
        client("s3", None).head_object(Bucket="b", Key="k")
    assert "endpoint" in lost.value.hint
