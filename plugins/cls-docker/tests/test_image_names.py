"""Which names an image can have, as they are declared: no engine is needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cls_docker.naming import check_reference, split_reference
from cls_docker.resources import ImageResource
from clusterless.errors import InvalidValueError

PART = st.from_regex(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", fullmatch=True)
HOST = st.sampled_from(["", "localhost:5000/", "registry.example.org/", "127.0.0.1:41234/", "[::1]:5000/"])
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


def declared(**more: object) -> ImageResource:
    return ImageResource(**{"type": "x:y:z", "name": "count", "image_path": "count", "tags": ("count:1",), **more})  # type: ignore[arg-type]


@given(HOST, st.lists(PART, min_size=1, max_size=3), TAG)
def test_a_name_is_split_at_its_tag(host: str, parts: list[str], tag: str) -> None:
    repository = host + "/".join(parts)
    assert split_reference(f"{repository}:{tag}") == (repository, tag)
    assert split_reference(repository) == (repository, "latest")


@pytest.mark.parametrize(
    "name",
    ["", "Count", "count:", "count:1:2", "a//b", "/a", "a/", "count:-x", "a b", "co\nunt", "a@sha256:0", "http://a/b"],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        declared(tags=("fine:1", name))
    assert repr(name) in refused.value.problem
    assert "lower case" in refused.value.hint


@pytest.mark.parametrize("digest", [f"sha256:{'0af9' * 16}"])
def test_an_image_to_run_may_be_named_by_its_content(digest: str) -> None:
    for name in (digest, f"count@{digest}", f"here:5000/team/count:1@{digest}", "count"):
        check_reference(name)
    for name in (f"@{digest}", f"Count@{digest}", f"count@{digest}0", f"{digest}@{digest}@{digest}", "count@latest"):
        with pytest.raises(InvalidValueError, match="cannot be the name of an image"):
            check_reference(name)


def test_an_image_without_a_name_or_a_folder_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="'tags' is empty"):
        declared(tags=())
    with pytest.raises(InvalidValueError, match="is empty"):
        declared(image_path="")
