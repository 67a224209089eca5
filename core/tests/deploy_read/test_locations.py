"""Where datasets lie: absolute URIs that end with a slash."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import Factory, frozen
from hypothesis import given
from hypothesis import strategies as st

from clusterless import layout
from clusterless.deploy.locations import located, location
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import SinkDataset

BASE = Path("/home/me/my project")


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        ("data", "file:///home/me/my%20project/data/"),
        ("./data/", "file:///home/me/my%20project/data/"),
        ("../data", "file:///home/me/data/"),
        (".", "file:///home/me/my%20project/"),
        ("/", "file:///"),
        ("/var/data in", "file:///var/data%20in/"),
        ("50%?#x", "file:///home/me/my%20project/50%25%3F%23x/"),
        ("a:b/c", "file:///home/me/my%20project/a:b/c/"),
        ("file:///var/data", "file:///var/data/"),
        ("file:///", "file:///"),
        ("file:///var/data in/", "file:///var/data%20in/"),
        ("s3://bucket", "s3://bucket/"),
        ("s3://bucket/a b", "s3://bucket/a%20b/"),
        ("s3://bucket/p/", "s3://bucket/p/"),
        ("glue:///db/table", "glue:///db/table/"),
        ("memory://x/", "memory://x/"),
    ],
)
def test_what_is_declared_becomes_an_absolute_location(declared: str, meant: str) -> None:
    assert location(declared, BASE) == meant


@pytest.mark.parametrize("declared", ["", "  ", "file://data/in"])
def test_what_is_no_location_is_refused(declared: str) -> None:
    with pytest.raises(InvalidValueError):
        location(declared, BASE)


@given(st.from_regex(r"[a-z0-9 %?#é_-]{1,8}(/[a-z0-9 %?#é_-]{1,8}){0,2}", fullmatch=True))
def test_a_folders_location_is_that_folder_and_stays_what_it_is(path: str) -> None:
    if not path.strip():
        return
    uri = location(path, BASE)
    assert layout.key("file:///", uri) == f"{BASE}/{path}/".removeprefix("/")
    assert location(uri, Path("/elsewhere")) == uri


@frozen
class Part:
    inner: tuple[SinkDataset, ...] = ()
    extra: Mapping[str, SinkDataset] = Factory(dict)
    other: int = 1


def sink(path_uri: str) -> SinkDataset:
    return SinkDataset(name="d", version="1", path_uri=path_uri)


def test_datasets_are_located_wherever_an_element_keeps_them() -> None:
    part = located(Part((sink("a"), sink("s3://b/")), {"x": sink("c")}), BASE)
    assert [dataset.path_uri for dataset in (*part.inner, *part.extra.values())] == [
        "file:///home/me/my%20project/a/",
        "s3://b/",
        "file:///home/me/my%20project/c/",
    ]


def test_a_bad_location_is_told_by_its_path() -> None:
    with pytest.raises(InvalidValueError, match=r"^\.extra\.x\.pathURI: is empty"):
        located(Part(extra={"x": sink("")}), BASE)
