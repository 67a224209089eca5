"""Locations within each other, however they are spelled."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.locations import overlap, overlapping, within


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


PLACES = st.lists(st.sampled_from(["", "a/", "a/b/", "a/b/c/", "a/bc/", "ab/", "a//b/", "b/"]), max_size=8)


@given(PLACES)
def test_overlapping_pairs_are_those_that_overlap_the_nearest_first(paths: list[str]) -> None:
    locations = [f"file:///{path}" for path in paths]
    pairs = list(overlapping(locations))
    assert pairs == sorted(set(pairs))
    every = {pair for pair in combinations(range(len(locations)), 2) if overlap(*(locations[each] for each in pair))}
    assert set(pairs) <= every
    for place in range(len(locations)):
        within_others = sum(place in pair for pair in every)
        assert sum(place in pair for pair in pairs) >= min(within_others, 1)
    if len(locations) <= 4:  # so few that none is left out
        assert set(pairs) == every


def test_a_thousand_locations_in_one_are_not_half_a_million_pairs() -> None:
    assert len(list(overlapping(["s3://b/a/"] * 1000))) < 3000
