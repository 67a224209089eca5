"""Locations within each other, however they are spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.locations import overlap, within


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("s3://b/a/", "s3://b/a/"),
        ("s3://b/a/b/", "s3://b/a/"),
        ("s3://b/a/", "s3://b/"),
        ("s3://b/a/", "s3://b"),
        ("file:///a/b/", "file://localhost/a/"),
        ("file:///a/../b/c/", "file:///b/"),
        ("file:///a%20b/c", "file:///a b/"),
        ("file:///a//b/", "file:///a/"),
    ],
)
def test_a_location_lies_within_what_contains_it(inner: str, outer: str) -> None:
    assert within(inner, outer)
    assert overlap(outer, inner)


@pytest.mark.parametrize(
    ("one", "other"),
    [("s3://b/a/", "s3://b/ab/"), ("s3://b/a/", "s3://c/a/"), ("s3://b/a/", "gs://b/a/"), ("s3://b/a/", "s3://b/b/")],
)
def test_neighbours_do_not_overlap(one: str, other: str) -> None:
    assert not overlap(one, other)


NAMES = st.lists(st.text("ab -%", min_size=1, max_size=3).filter(lambda name: name.strip(" ")), max_size=4)


@given(NAMES, NAMES)
def test_overlap_is_symmetric_and_holds_for_what_is_below(one: list[str], more: list[str]) -> None:
    outer = "/".join(["file://", *one, ""])
    inner = "/".join(["file://", *one, *more, ""])
    assert overlap(inner, outer)
    assert overlap(outer, inner)
