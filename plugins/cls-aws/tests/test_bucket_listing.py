"""Listings by servers that keep folders come out in order of key, whatever the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cls_aws.listing import listed

NAMES = st.text(alphabet="a-. 0/é", min_size=1, max_size=8).filter(
    lambda key: not key.startswith("/") and not key.endswith("/") and "//" not in key
)


class Folders:
    """Answers as SeaweedFS does: in order of name, folders among objects, and pages of *size*."""

    def __init__(self, keys: set[str], size: int) -> None:
        self.keys = keys
        self.size = size

    def __call__(self, **wanted: str) -> Any:
        after = wanted.get("ContinuationToken", "")
        names = sorted(set(self._names(wanted["Prefix"])), key=lambda name: name.removesuffix("/"))
        left = [name for name in names if not after or name.removesuffix("/") > after]
        page, more = left[: self.size], len(left) > self.size
        return {
            "Contents": [{"Key": name, "ETag": "e"} for name in page if not name.endswith("/")],
            "CommonPrefixes": [{"Prefix": name} for name in page if name.endswith("/")],
            "IsTruncated": more,
            "NextContinuationToken": page[-1].removesuffix("/") if more else "",
            "ResponseMetadata": {"HTTPHeaders": {"server": "SeaweedFS 8000GB 4.48"}},
        }

    def _names(self, prefix: str) -> Iterator[str]:
        for key in self.keys:
            if key.startswith(prefix):
                head, slash, _ = key[len(prefix) :].partition("/")
                yield prefix + head + slash


def without_clashes(keys: set[str]) -> set[str]:
    """A folder and an object cannot have one name there."""
    return {key for key in keys if not any(other.startswith(f"{key}/") for other in keys)}


@given(
    keys=st.sets(NAMES, max_size=12),
    prefix=st.text("a-/", max_size=3),
    after=NAMES | st.just(""),
    size=st.integers(1, 5),
)
def test_they_are_in_order_and_whole(keys: set[str], prefix: str, after: str, size: int) -> None:
    there = without_clashes(keys)
    found = [each["Key"] for each in listed(Folders(there, size), prefix, after)]
    assert found == sorted(key for key in there if key.startswith(prefix) and key > after)
