"""Names, URIs and pauses, beyond their vectors."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.backoff import pauses, tries_within
from clusterless.engine.names import PlacementNames, ProjectNames, clashing, hyphenated
from clusterless.engine.uris import appended, collapsed, rebased
from clusterless.errors import InvalidValueError
from clusterless.model.placement import Placement
from clusterless.model.project import Project

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,12}", fullmatch=True)


@given(names)
def test_a_converted_name_is_lower_case_and_loses_only_its_punctuation(name: str) -> None:
    converted = hyphenated(name)
    assert converted == converted.lower()
    assert converted.replace("-", "").replace("_", "") == name.replace("-", "").replace("_", "").lower()


def test_names_that_would_be_called_alike_are_found() -> None:
    assert clashing(["copyA", "other", "copy-a", "copy_a"]) == {"copy-a": ("copyA", "copy-a", "copy_a")}
    assert not clashing(["a", "b"])


def test_what_has_no_stage_or_region_leaves_them_out() -> None:
    placement = Placement(provider="local")
    called = ProjectNames(Project(name="Demo", version="1"), placement)
    assert (called.group_stack, called.regional("copyA")) == ("demo-resource-activity-boundary-1", "demo-copy-a-1")
    assert PlacementNames(placement).bootstrap == "clusterless-bootstrap"
    assert PlacementNames(Placement(provider="aws", stage="dev")).network == "DEV-common-vpc"


@given(st.text("ab/", max_size=12))
def test_collapsing_leaves_no_double_slash_and_twice_is_once(path: str) -> None:
    assert "//" not in collapsed(path)
    assert collapsed(f"s3://bucket/{path}") == collapsed(collapsed(f"s3://bucket/{path}"))


@given(st.from_regex(r"[a-z0-9/%=.]{1,20}", fullmatch=True))
def test_rebasing_there_and_back_leads_home(key: str) -> None:
    uri = f"s3://from/path/{key}"
    moved = rebased(uri, "s3://from/path", "gs://to/p/")
    assert moved == f"gs://to/p/{key}"
    assert rebased(moved, "gs://to/p", "s3://from/path/") == uri


def test_what_lies_elsewhere_is_not_rebased() -> None:
    with pytest.raises(InvalidValueError, match="does not lie below s3://from/path/"):
        rebased("s3://from/pathology/x", "s3://from/path", "s3://to/")


def test_appending_takes_one_slash_between() -> None:
    assert appended("s3://b/p/", "/x//y/") == "s3://b/p/x/y/"


@given(st.floats(0.1, 100), st.floats(1, 4), st.floats(1, 1000))
def test_pauses_grow_up_to_the_longest(first: float, factor: float, longest: float) -> None:
    waited = list(islice(pauses(first, factor=factor, longest=longest), 2000))
    assert waited == sorted(waited)
    assert waited[0] == min(first, longest)
    assert all(pause <= longest for pause in waited)


def test_there_is_always_one_try() -> None:
    assert tries_within(0, pauses(30)) == 1
