"""Messages of S3's, in both forms, and those that are none."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cls_aws.notices import Notice, read
from clusterless.errors import InvalidValueError

AT = "2024-01-31T08:09:10.123Z"
TIME = datetime(2024, 1, 31, 8, 9, 10, 123000, tzinfo=UTC)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)

# As the service's documentation shows it.
TEST_MESSAGE = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2014-10-13T15:57:02.089Z",
    "Bucket": "bucketname",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}


def record(key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    s3 = {"bucket": {"name": "b"}, "object": {"key": key, "size": 4, "eTag": "e"}}
    return {"eventName": name, "eventTime": AT, "s3": s3}


def notified(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": records})


def event(key: str, kind: str = "Object Created", **more: Any) -> str:
    detail = {"bucket": {"name": "b"}, "object": {"key": key, "size": 4, "etag": "e"}, "reason": "PutObject"}
    return json.dumps({"version": "0", "source": "aws.s3", "detail-type": kind, "time": AT, "detail": detail, **more})


@given(KEYS)
def test_any_key_comes_through_whole_in_both_forms(key: str) -> None:
    assert read(notified(record(quote_plus(key)))) == (Notice("b", key, TIME),)
    assert read(event(key)) == (Notice("b", key, TIME),)


@pytest.mark.parametrize(
    ("encoded", "key"), [("in/a+b%3Dc", "in/a b=c"), ("in/a%20b%3Dc", "in/a b=c"), ("in/a%2Bb", "in/a+b")]
)
def test_a_queue_s_keys_are_encoded_as_forms_are(encoded: str, key: str) -> None:
    assert read(notified(record(encoded)))[0].key == key
    assert read(event(encoded))[0].key == encoded


def test_a_message_may_tell_of_several_objects() -> None:
    found = read(notified(record("a"), record("b", "ObjectRemoved:Delete"), record("c", "s3:ObjectCreated:Copy")))
    assert [notice.key for notice in found] == ["a", "c"]


@pytest.mark.parametrize(
    "body",
    [json.dumps(TEST_MESSAGE), event("a", "Object Deleted"), event("a", "Object Tags Added"), notified()],
)
def test_what_puts_nothing_is_no_mistake(body: str) -> None:
    assert read(body) == ()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "[]",
        "7",
        "null",
        '{"a": 1}',
        event("a", source="my.app"),
        '{"Records": [{}]}',
        '{"Records": 7}',
        notified({**record("a"), "eventTime": "soon"}),
        notified(record("")),
        notified(record("%ff")),
        '{"source": "aws.s3"}',
        event("a", detail={"bucket": "b"}),
    ],
)
def test_what_is_no_message_of_s3_is_refused_and_shown(body: str) -> None:
    with pytest.raises(InvalidValueError, match="is no message of S3's"):
        read(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(st.sampled_from(["Records", "source", "detail", "s3", "eventName", "Event"]), each)
        ),
    )
)
def test_nothing_else_is_ever_raised(value: Any) -> None:
    with suppress(InvalidValueError):
        read(json.dumps(value))
