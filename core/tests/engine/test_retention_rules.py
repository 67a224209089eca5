"""How old is too old, and whose a dataset's objects are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.engine.retention import Neighbourhood, Party, check_age, expired_by
from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset, SinkDataset, SourceDataset
from clusterless.model.placement import Placement
from clusterless.model.project import Project

NOW = datetime(2024, 3, 31, 12, tzinfo=UTC)
HERE = Placement(provider="local", account="local", region="here")


@given(st.integers(1, 9999), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604800)]))
def test_an_age_is_a_number_and_a_unit(number: int, unit: tuple[str, int]) -> None:
    assert expired_by(f"{number}{unit[0]}", NOW) == NOW - timedelta(seconds=number * unit[1])


def test_months_are_those_of_the_calendar() -> None:
    assert expired_by("1mon", NOW) == datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "90", "d", "0d", "-1d", "+1d", "1d@d", "now", "1 d", "90x", "99999y", "1.5h", "9" * 400 + "d"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is not an age: use a number above 0 and") as refused:
        check_age(text)
    assert "90d" in refused.value.hint


# ---- who there is ----


def sink(name: str) -> SinkDataset:
    return SinkDataset(name=name, version="1", path_uri=f"file:///{name}/")


def party(name: str, source: str, *sinks: str, placement: Placement | None = None) -> Party:
    sources = {"main": SourceDataset(name=source, version="1", placement=placement)}
    arc = Arc(type="test:core:arc", name=name, sources=sources, sinks={each: sink(each) for each in sinks})
    return Party(project=Project(name="p", version="1"), arc=arc)


def around(*parties: Party, **locations: str) -> Neighbourhood:
    return Neighbourhood(
        placement=HERE,
        parties=parties,
        locations={f"{name}/1": tuple(location.split()) for name, location in locations.items()},
    )


def data(name: str) -> Dataset:
    return Dataset(name=name, version="1")


def names(parties: object) -> list[str]:
    return [each.arc.name for each in parties]  # type: ignore[attr-defined]


def test_readers_and_writers_are_those_who_name_the_dataset() -> None:
    there = around(party("one", "a", "b"), party("two", "b", "c"))
    assert (names(there.readers(data("b"))), names(there.writers(data("b")))) == (["two"], ["one"])
    assert str(there.parties[0]) == "'one' of project p/1"


@pytest.mark.parametrize(
    ("named", "is_here"),
    [
        (None, True),
        (Placement(provider="local"), True),
        (HERE, True),
        (Placement(provider="local", region="there"), False),
        (Placement(provider="local", stage="test"), False),
        (Placement(provider="aws"), False),
    ],
)
def test_a_source_that_names_a_placement_is_the_dataset_of_that_one(named: Placement | None, is_here: bool) -> None:
    assert bool(list(around(party("one", "a", placement=named)).readers(data("a")))) is is_here


def test_what_lists_the_objects_of_another_is_known_by_its_location() -> None:
    join, copy = party("join", "a", "all"), party("copy", "a", "b")
    there = around(join, copy, a="file:///in/a/", all="file:///in/a/ file:///in/x/", b="file:///b/")
    assert [each.id for each in there.passed_to(join, data("a"))] == ["all/1"]
    assert there.passed_to(copy, data("a")) == []
    assert there.is_made_of_others(data("all"))
    assert not there.is_made_of_others(data("a"))
    assert not there.is_made_of_others(data("b"))


def test_what_is_made_of_its_namesake_in_another_placement_has_objects_of_its_own() -> None:
    there = around(party("copy", "a", "a", placement=Placement(provider="local", region="there")), a="file:///a/")
    assert not there.is_made_of_others(data("a"))


def test_a_stranger_at_the_same_location_is_told_from_what_is_made_of_the_dataset() -> None:
    """A join of a join, and a boundary that listens within the folder of another."""
    parties = (party("join", "a", "all"), party("again", "all", "more"))
    places = {"a": "file:///in/", "all": "file:///in/", "more": "file:///in/"}
    assert around(*parties, **places).strangers(data("a")) == []
    assert around(*parties, **places, other="file:///in/below/").strangers(data("a")) == ["other/1"]
