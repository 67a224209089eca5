"""How long ago, and how much: in the largest unit that is not zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clusterless.cli.explain import ago, size

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
