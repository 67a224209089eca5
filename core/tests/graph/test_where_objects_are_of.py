"""Which location an object is of, and what locations share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.locations import home, shared, within
from clusterless.errors import InvalidValueError

names = st.text("ab", min_size=1, max_size=2)
locations = st.builds(lambda parts: f"s3://{'/'.join(parts)}/", st.lists(names, min_size=1, max_size=4))


@pytest.mark.parametrize(
    ("locations", "expected"),
    [
        (["s3://b/x/1/", "s3://b/x/2/"], "s3://b/x/"),
        (["s3://b/x/", "s3://b/x/1/"], "s3://b/x/"),
        (["s3://b/x1/", "s3://b/x2/"], "s3://b/"),
        (["s3://b/", "s3://c/"], ""),
        (["s3://b/", "gs://b/"], ""),
        (["file:///data/a/", "file:///data/b/"], "file:///data/"),
        (["file:///a/", "file:///b/"], ""),
        (["s3://b/x/"], "s3://b/x/"),
        ([], ""),
    ],
)
def test_what_locations_share(locations: list[str], expected: str) -> None:
    assert shared(locations) == expected


@given(st.lists(locations, min_size=1, max_size=4))
def test_all_lie_within_what_they_share_and_not_in_anything_deeper(them: list[str]) -> None:
    found = shared(them)
    if found:
        assert all(within(each, found) for each in them)
        deeper = {each[: each.index("/", len(found)) + 1] for each in them if each != found}
        assert found in them or len(deeper) > 1
    else:
        assert len({each.split("/")[2] for each in them}) > 1


@given(st.lists(locations, min_size=1, max_size=4), locations, names)
def test_an_object_is_of_the_longest_location_that_it_lies_below(them: list[str], where: str, name: str) -> None:
    uri = where + name
    holding = [each for each in them if uri.startswith(each)]
    if holding:
        assert home(them, uri) == max(holding, key=len)
    else:
        with pytest.raises(InvalidValueError, match="is not below"):
            home(them, uri)


def test_a_location_is_no_object_of_itself() -> None:
    with pytest.raises(InvalidValueError):
        home(["s3://b/x/"], "s3://b/x/")
