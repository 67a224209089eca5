"""What is declared with the boundary of a bucket, and with arcs that need no function of ours (FORMATS 6.8 to 6.11)."""

from __future__ import annotations

from typing import Any

import pytest

from cls_aws.arcs import GlueAddPartitionsArc, S3CopyArc
from cls_aws.boundaries import S3PutListenerBoundary
from cls_aws.notice_wiring import Location, pattern
from clusterless import codec
from clusterless.errors import InvalidValueError, MalformedError
from clusterless.model.boundary import EventArrival, LotSource

FUNCTION = {"memorySizeMB": 512, "retryAttempts": 3, "timeoutMin": 15, "architecture": "ARM_64"}
FILTER: dict[str, Any] = {"includes": [], "excludes": [], "pathSeparator": "/", "ignoreCase": False}


def read(model: type[Any], **values: Any) -> Any:
    return codec.read_declaration({"type": "aws:core:x", "name": "x", **values}, model, source="p.json", at="$")


def boundary(path: str = "s3://bucket/in/", **more: Any) -> Any:
    dataset = {"name": "raw", "version": "1", "pathURI": path}
    return read(S3PutListenerBoundary, dataset=dataset, lotUnit="Twelfths", **more)


def arc(model: type[Any], sink: str, **more: Any) -> Any:
    sources = {"main": {"name": "raw", "version": "1"}}
    return read(model, sources=sources, sinks={"main": {"name": "out", "version": "1", "pathURI": sink}}, **more)


def has(value: Any, expected: Any) -> bool:
    """Whether *value* says all that *expected* does, at any depth."""
    if isinstance(expected, dict):
        return isinstance(value, dict) and all(has(value.get(key), each) for key, each in expected.items())
    return bool(value == expected)


@pytest.mark.parametrize(
    ("element", "defaults"),
    [
        (
            boundary(),
            {
                "exclude": False,
                "eventArrival": "infrequent",
                "runtimeProps": {**FUNCTION, "memorySizeMB": 1024},
                "infrequent": {"lotSource": "objectModifiedTime", "enableEventBridge": False},
                "frequent": {"queueFetchWaitSec": 0},
                "filter": FILTER,
            },
        ),
        (
            arc(S3CopyArc, "s3://bucket/out/"),
            {
                "workload": {
                    "workloadProps": {"filter": FILTER, "failArcOnPartialPercent": 0.0},
                    "runtimeProps": FUNCTION,
                }
            },
        ),
        (
            arc(GlueAddPartitionsArc, "glue:///db/t/"),
            {
                "workload": {
                    "workloadProps": {
                        "partitionType": "named",
                        "namedPartitionDelimiter": "=",
                        "partitionResults": "added",
                    },
                    "runtimeProps": FUNCTION,
                }
            },
        ),
    ],
)
def test_what_is_left_out_is_as_the_reference_system_has_it(element: Any, defaults: dict[str, Any]) -> None:
    assert has(codec.to_json(element), defaults)


def test_what_is_given_in_part_keeps_the_component_s_other_defaults() -> None:
    assert boundary(runtimeProps={"timeoutMin": 5}).runtime_props.memory_size_mb == 1024


def test_lots_are_booked_as_is_said() -> None:
    by_key = {"lotSource": "keyTimestampRegex", "keyRegex": r"(?P<year>\d{4})"}
    assert boundary().booking.lot_source is LotSource.OBJECT_MODIFIED_TIME
    assert boundary(infrequent=by_key).booking.key_regex == r"(?P<year>\d{4})"
    frequent = boundary(eventArrival="frequent", infrequent=by_key).booking
    assert (frequent.arrival, frequent.lot_source) == (EventArrival.FREQUENT, LotSource.OBJECT_MODIFIED_TIME)
    assert frequent.key_regex is None
    assert boundary().booking.grace == 90, "notices may be late"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"infrequent": {"lotSource": "keyTimestampRegex"}}, "need each other"),
        ({"infrequent": {"keyRegex": "x"}}, "need each other"),
        ({"infrequent": {"lotSource": "keyTimestampRegex", "keyRegex": "("}}, "is not a regular expression"),
        ({"eventArrival": "veryFrequent"}, "veryFrequent"),
        ({"frequent": {"queueFetchWaitSec": 21}}, "20"),
        ({"notices": "listing", "infrequent": {"lotSource": "eventTime"}}, "'eventTime' needs a queue"),
        ({"path": "file:///in/"}, "it is no place in a bucket"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], problem: str) -> None:
    with pytest.raises(MalformedError, match=problem):
        boundary(**more)


def test_a_copy_goes_to_a_bucket() -> None:
    with pytest.raises((MalformedError, InvalidValueError), match="is no s3:// location"):
        arc(S3CopyArc, "file:///out/")


def test_a_whole_bucket_may_be_listened_to() -> None:
    assert Location.of("s3://bucket/a%20b/") == Location("bucket", "a b/")
    assert '"object"' in pattern(Location("bucket", "a b/"))
    assert '"object"' not in pattern(Location.of("s3://bucket/"))
