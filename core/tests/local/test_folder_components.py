from __future__ import annotations

from typing import Any

import pytest

from clusterless.builtin.folder_components import FolderResource, PutListenerBoundary
from clusterless.codec import read_declaration
from clusterless.errors import MalformedError
from clusterless.model.boundary import Booking, EventArrival, LotSource
from clusterless.model.lot import LotUnit


def declared(**more: Any) -> dict[str, Any]:
    dataset = {"name": "in", "version": "1", "pathURI": "file:///data/in/"}
    return {
        "type": "local:core:putListenerBoundary",
        "name": "listen",
        "dataset": dataset,
        "lotUnit": "Twelfths",
        **more,
    }


def read(**more: Any) -> PutListenerBoundary:
    return read_declaration(declared(**more), PutListenerBoundary, source="project.json")


def test_a_folder_is_sealed_without_grace_and_booked_by_modification_time() -> None:
    assert read().booking == Booking(unit=LotUnit.TWELFTHS, grace=0, settle=1)


def test_all_that_is_declared_is_booked_by() -> None:
    boundary = read(
        lotSource="keyTimestampRegex", keyRegex=r"(?P<year>\d{4})", graceSec=3, settleSec=2.5, eventArrival="frequent"
    )
    assert boundary.booking == Booking(
        unit=LotUnit.TWELFTHS,
        arrival=EventArrival.FREQUENT,
        lot_source=LotSource.KEY_TIMESTAMP_REGEX,
        key_regex=r"(?P<year>\d{4})",
        grace=3,
        settle=2.5,
    )


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"lotSource": "keyTimestampRegex"}, "need each other"),
        ({"keyRegex": r"(?P<year>\d{4})"}, "need each other"),
        ({"lotSource": "keyTimestampRegex", "keyRegex": "("}, "not a regular expression"),
        ({"lotSource": "keyTimestampRegex", "keyRegex": "x"}, "does not name the groups"),
        ({"graceSec": -1}, "graceSec"),
        ({"lotSource": "nowhere"}, "lotSource"),
    ],
)
def test_what_cannot_book_is_refused(more: dict[str, Any], finding: str) -> None:
    with pytest.raises(MalformedError, match=finding):
        read(**more)


def test_a_folder_needs_a_path() -> None:
    value = {"type": "local:core:folder", "name": "in", "path": "data/in"}
    assert read_declaration(value, FolderResource, source="project.json").path == "data/in"
    with pytest.raises(MalformedError):
        read_declaration({**value, "path": ""}, FolderResource, source="project.json")
