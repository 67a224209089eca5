"""Which objects a path filter keeps."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import InvalidValueError
from clusterless.model.boundary import PathFilter
from clusterless.runtime.filters import matcher

ROOT = "s3://bucket/foo/"


def keeps(
    key: str, *, includes: tuple[str, ...] = (), excludes: tuple[str, ...] = (), ignore_case: bool = False
) -> bool:
    filter = PathFilter(includes=includes, excludes=excludes, ignore_case=ignore_case)
    return matcher(filter, ROOT)(ROOT + key)


@pytest.mark.parametrize(
    ("pattern", "dropped", "kept"),
    [
        ("/**/_*", ["_SUCCESS", "bar/_SUCCESS"], ["a", "bar/a_b"]),
        ("_*", ["_SUCCESS"], ["bar/_SUCCESS"]),
        ("**/_*", ["_SUCCESS", "bar/_SUCCESS", "a/b/c/_x"], ["a/_b/c"]),
    ],
)
def test_the_examples_of_the_reference_system(pattern: str, dropped: list[str], kept: list[str]) -> None:
    assert [key for key in dropped + kept if keeps(key, excludes=(pattern,))] == kept


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "b/a.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**", "a/b/c", True),
        ("a/**", "a", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**/b/**/c", "a/x/b/b/y/c", True),
        ("a/**/c", "a/c/d", False),
        ("?.csv", "a.csv", True),
        ("?.csv", "ab.csv", False),
        ("a?b", "a/b", False),
        ("a**b", "axxb", True),
        ("a**b", "a/b", False),
        ("[ab].csv", "a.csv", False),
        ("[ab].csv", "[ab].csv", True),
        ("!a", "b", False),
        (".*", ".hidden", True),
        ("*", ".hidden", True),
        ("/foo/*", "a", True),
        ("/a", "a", False),
        ("foo/a", "a", False),
        ("{day}/a", "20240101/a", True),
        ("{day:[0-9]{8}}/a", "20240101/a", True),
        ("{day:[0-9]{8}}/a", "2024/a", False),
        ("x-{n:[0-9]+}.{ext:csv|tsv}", "x-12.tsv", True),
        ("x-{n:[0-9]+}.*", "x-a.tsv", False),
        ("a b/é", "a b/é", True),
        ("a.b", "axb", False),
        ("A.csv", "a.csv", False),
    ],
)
def test_what_a_pattern_matches(pattern: str, key: str, expected: bool) -> None:
    filter = PathFilter(includes=(pattern,))
    assert matcher(filter, ROOT)(ROOT + quote(key)) is expected


def test_an_object_is_kept_that_any_include_matches_and_no_exclude_does() -> None:
    assert keeps("a.csv", includes=("*.tsv", "*.csv"), excludes=("b*",))
    assert not keeps("b.csv", includes=("*.tsv", "*.csv"), excludes=("b*",))
    assert not keeps("a.txt", includes=("*.tsv", "*.csv"))


def test_empty_patterns_are_passed_over() -> None:
    assert keeps("a", includes=("",), excludes=("",))


def test_case_is_ignored_when_asked_to() -> None:
    assert keeps("DATA/A.CSV", includes=("data/{n:a+}.csv",), ignore_case=True)


def test_another_separator_makes_other_segments() -> None:
    keep = matcher(PathFilter(includes=("a.*",), path_separator="."), ROOT)
    assert [keep(ROOT + "a.b/c"), keep(ROOT + "a.b.c")] == [True, False]


def test_the_path_of_a_local_folder_is_matched_without_percent_encoding(tmp_path: Path) -> None:
    root = f"{(tmp_path / 'with space').as_uri()}/"
    keep = matcher(PathFilter(excludes=(f"{tmp_path}/with space/*.tmp",)), root)
    assert [keep(f"{root}a.tmp"), keep(f"{root}a.csv")] == [False, True]


def test_a_uri_of_another_dataset_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="not below"):
        matcher(PathFilter(), ROOT)("s3://bucket/bar/a")


def test_a_bad_regular_expression_names_its_pattern() -> None:
    with pytest.raises(InvalidValueError, match=r"\{x:\[\}"):
        matcher(PathFilter(includes=("{x:[}",)), ROOT)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["**/a/" * 200 + "b", "*a" * 300 + "b", "?" * 50_000, "x" * 100_000, "**/" * 5000])
def test_no_pattern_is_too_long_or_too_hard(pattern: str) -> None:
    keep = matcher(PathFilter(includes=(pattern,)), ROOT)
    keep(ROOT + "a/" * 400 + "c")
    keep(ROOT + "a" * 4000)


_KEYS = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5).map("/".join)


@given(_KEYS)
def test_a_key_matches_itself_and_everything(key: str) -> None:
    assert keeps(key, includes=(key,))
    assert keeps(key, includes=("**",))
    assert keeps(key, includes=("/foo/" + key,))
    assert not keeps(key, excludes=("**/*",))


@given(_KEYS, _KEYS)
def test_two_stars_stand_for_any_segments_between(first: str, last: str) -> None:
    assert keeps(f"{first}/{last}", includes=(f"{first}/**/{last}",))
    assert keeps(f"{first}/x/y/{last}", includes=(f"{first}/**/{last}",))
