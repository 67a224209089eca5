"""Regular expressions of people: bounded in time, whatever they and the names are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import InvalidValueError
from clusterless.model.boundary import PathFilter
from clusterless.runtime.filters import matcher
from clusterless.runtime.key_time import check_key_regex, key_time
from clusterless.runtime.patterns import literal, pattern

CATASTROPHES = [r"(a+)+$", r"(a|aa)+$", r"(a*)*b", r"(.*a){12}$", r"(a?){30}a{30}$", r"(\w+\s?)*!"]
LONG = "a" * 4000  # Python's own engine would take longer than the universe has been there


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", CATASTROPHES)
def test_a_pattern_that_would_go_back_for_ever_does_not(text: str) -> None:
    assert key_time(f"(?P<year>\\d)?{text}", f"{LONG}!b") is None
    keeps = matcher(PathFilter(includes=(f"x{{n:{text.replace('$', '')}}}z",)), "file:///d/")
    assert not keeps(f"file:///d/{LONG}")


@pytest.mark.timeout(60)
def test_many_wildcards_beside_a_pattern_take_no_long_either() -> None:
    keeps = matcher(PathFilter(includes=("*a" * 40 + "{n:x}",)), "file:///d/")
    assert not keeps(f"file:///d/{LONG}")


@pytest.mark.parametrize("text", [r"(?=x)\d", r"(?<!x)\d", r"(a)\1", "(", "a{9999}", r"\Z", "[b-a]", "\ud800"])
def test_a_pattern_that_cannot_be_bounded_or_is_none_is_refused_and_the_remedy_named(text: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        pattern(text)
    assert "cannot look ahead, behind or back" in raised.value.hint


def test_the_refusal_says_which_pattern_of_which_key_it_is() -> None:
    with pytest.raises(InvalidValueError, match=r"keyRegex .* is not a regular expression: invalid perl operator"):
        check_key_regex(r"(?=(?P<year>\d{4}))")
    with pytest.raises(InvalidValueError, match=r"'a\{n:\(\?=b\)\}' is not a pattern: "):
        matcher(PathFilter(includes=("a{n:(?=b)}",)), "file:///d/")


def test_one_regex_of_a_filter_cannot_close_what_another_opens() -> None:
    with pytest.raises(InvalidValueError, match="is not a pattern"):
        matcher(PathFilter(includes=("{a:x)(}",)), "file:///d/")


@given(st.text())
def test_a_literal_matches_itself_and_no_other(text: str) -> None:
    assert pattern(literal(text)).is_all_of(text)
    assert not pattern(literal(text)).is_all_of(f"{text}x")


@given(
    st.text(alphabet="ab/0é\n", max_size=12), st.from_regex(r"(?:[ab0.]|\[ab\]|\(a\||\)|[*+?]){0,8}", fullmatch=True)
)
def test_what_both_know_means_the_same_as_in_pythons(text: str, regex: str) -> None:
    try:
        expected = re.compile(regex, re.DOTALL)
        found = pattern(regex)
    except (re.error, InvalidValueError):
        return
    assert found.is_all_of(text) is bool(expected.fullmatch(text))


@given(st.text(alphabet=st.characters(), max_size=20))
def test_half_a_character_matches_nothing_and_breaks_nothing(text: str) -> None:
    assert pattern(".*").is_all_of(text) is not any("\ud800" <= each <= "\udfff" for each in text)
    assert pattern("x").find(f"{text}\ud800x") is None


def test_groups_are_told_by_name() -> None:
    found = pattern(r"(?P<one>\d)(?P<two>x)?")
    assert found.groups == {"one", "two"}
    assert found.find("a1") == {"one": "1", "two": None}


def test_case_is_ignored_where_it_is_asked() -> None:
    assert pattern("ÄB", ignore_case=True).is_all_of("äb")
    assert not pattern("ÄB").is_all_of("äb")
