"""Ranges that hold nothing, run backwards, or are of another unit, and lots that cannot exist."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def status(place: Any, tools: Any) -> Any:
    """What ``cls arcs status`` says of a range, for a project whose lots are hours."""
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])

    def say(*arguments: str) -> Any:
        return place.cls("--output", "json", "arcs", "status", "-p", "p.json", *arguments)

    return say


@pytest.mark.parametrize(
    ("earliest", "latest"), [("20240102", "20240101"), ("1h", "2h"), ("20240101PT1H006", "20240101PT1H005")]
)
def test_a_range_that_runs_backwards_is_refused(status: Any, earliest: str, latest: str) -> None:
    said = status("--earliest", earliest, "--latest", latest)
    assert said.code == 2
    assert "lies before" in said.err
    assert "hint: give --earliest a moment before --latest" in said.err


@pytest.mark.parametrize("view", ["arcs", "datasets"])
def test_a_range_in_which_nothing_is_gives_no_lots(status: Any, place: Any, view: str) -> None:
    status("--earliest", "20240101PT1H005", "--latest", "20240101PT1H005")
    said = place.cls("--output", "json", view, "status", "-p", "p.json", "--list", "--earliest", "1h")
    assert (said.code, json.loads(said.out)) == (0, [])


def test_a_lot_of_another_unit_is_a_moment_like_any(status: Any) -> None:
    """What begins within an hour is looked for from that hour on."""
    (row,) = json.loads(status("--earliest", "20240101PT5M005", "--latest", "20240101PT5M030").out)
    assert (row["earliest"], row["latest"]) == ("20240101PT1H000", "20240101PT1H001")


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("20240230PT1H001", "'20240230PT1H001' is not a lot, such as "),
        ("20240101PT1H024", "lot ordinal 24 is not in 0..23 for PT1H"),
        ("20240101PT7M001", "'20240101PT7M001' is not a lot"),
        ("yesterday", "is not a moment"),
        ("x" * 5000, "is not a moment"),
    ],
)
def test_a_moment_that_is_none_is_said(status: Any, moment: str, why: str) -> None:
    said = status("--earliest", moment)
    assert said.code == 2
    assert why in said.err
    assert max(map(len, said.err.splitlines())) < 700


@pytest.mark.parametrize(
    ("lot", "why"),
    [
        ("20240101PT5M030", "dataset raw/1 has lots of Hours, and 20240101PT5M030 is none"),
        ("20240230PT1H001", "is not a lot"),
        ("20240101PT1H024", "lot ordinal 24 is not in 0..23 for PT1H"),
        ("yesterday", "'yesterday' is not a lot"),
    ],
)
def test_a_start_and_a_take_over_are_lots_of_the_dataset(place: Any, tools: Any, lot: str, why: str) -> None:
    listener, arc = tools.boundary(), tools.arc()
    arc["sources"]["main"]["start"] = lot
    place.declare(boundaries=[listener], arcs=[arc])
    said = place.cls("verify", "p.json")
    assert said.code == 2
    assert "$.arcs[0].sources.main.start: " in said.err
    assert why in said.err
    arc["sources"]["main"]["start"], listener["dataset"]["takeOver"] = "all", lot
    place.declare(boundaries=[listener], arcs=[arc])
    said = place.cls("verify", "p.json")
    assert said.code == 2
    assert "$.boundaries[0].dataset.takeOver: " in said.err
    assert why in said.err


def test_a_take_over_of_the_past_is_refused(place: Any, tools: Any) -> None:
    """Only of a lot that lies ahead can all workers of the former owner know in time."""
    place.declare("a.json", "a", boundaries=[tools.boundary()])
    place.run("a.json")
    listener = tools.boundary()
    listener["dataset"]["takeOver"] = tools.hour(3)
    place.declare("b.json", "b", boundaries=[listener])
    ran = place.run("b.json", code=1)
    assert "lot 20240101PT1H003 does not lie two minutes ahead" in ran.err
    assert "take it over with 'takeOver': a lot that lies ahead" in ran.err
