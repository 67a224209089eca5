"""How long ago, and how much: in the largest unit that is not zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless import layout
from clusterless.cli.explain import ago, as_listed, size

NOW = datetime(2024, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s ago"),
        (59, "59 s ago"),
        (90, "2 min ago"),
        (7200, "2 h ago"),
        (3 * 86400, "3 d ago"),
        (-120, "in 2 min"),
    ],
)
def test_ago(seconds: int, text: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 byte"), (1023, "1,023 bytes"), (1536, "1.5 KiB"), (5 * 1024**3, "5.0 GiB")]
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1), min_size=1).map("/".join))
def test_a_path_is_looked_for_as_manifests_quote_it(key: str) -> None:
    """Python quotes more than manifests do, such as '='."""
    listed = layout.uri("file:///", key)
    assert as_listed(f"file:///{quote(key)}") == as_listed(listed) == listed


def test_what_is_no_location_is_left_as_it_is() -> None:
    assert as_listed("s3://bucket") == "s3://bucket"
    assert as_listed("s3://bucket/lot=1/a%20b") == "s3://bucket/lot=1/a%20b"
