from __future__ import annotations

import pytest

from clusterless.engine.references import referred
from clusterless.errors import InvalidValueError
from clusterless.model.element import Resource

RESOURCES = [
    Resource(type="aws:core:s3Bucket", name="bucket"),
    Resource(type="aws:core:glueDatabase", name="shared"),
    Resource(type="aws:core:glueTable", name="shared"),
    Resource(type="other:core:glueTable", name="shared"),
]


@pytest.mark.parametrize(
    ("reference", "index"),
    [
        ("bucket", 0),
        ("BUCKET", 0),
        ("s3Bucket:bucket", 0),
        ("core:s3bucket:Bucket", 0),
        ("aws:core:s3Bucket:bucket", 0),
        ("glueDatabase:shared", 1),
        ("aws:core:glueTable:shared", 2),
    ],
)
def test_a_resource_is_found_by_its_name_and_by_as_much_of_its_type_as_is_written(reference: str, index: int) -> None:
    assert referred(reference, RESOURCES) is RESOURCES[index]


@pytest.mark.parametrize("reference", ["shared", "glueTable:shared", "core:glueTable:shared"])
def test_one_that_may_mean_several_is_refused_and_they_are_named(reference: str) -> None:
    with pytest.raises(InvalidValueError, match=r"may mean .*:glueTable:shared or other:") as refused:
        referred(reference, RESOURCES)
    assert "type" in refused.value.hint


@pytest.mark.parametrize(
    "reference", ["", "other", "glueTable:bucket", "core:bucket", "ref:aws:arn:dev:p:1:core:s3-bucket:bucket"]
)
def test_one_that_means_none_is_refused_with_what_there_is(reference: str) -> None:
    with pytest.raises(InvalidValueError, match=r"declared: bucket, shared"):
        referred(reference, RESOURCES)
