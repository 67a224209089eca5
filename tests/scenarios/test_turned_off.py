"""A month off, in real processes: nothing is worked, nothing is lost, and what was chosen is what happens."""

from __future__ import annotations

from typing import Any

import pytest

DAYS = range(1, 31)


def first_day(place: Any, tools: Any) -> None:
    """An arc and a second one after it, both worked for a day."""
    second = tools.arc(name="second", sources=["out"], sinks=["end"])
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc(), second])
    place.put(tools.file_of(0))
    place.run()
    assert place.objects("end") == {tools.file_of(0): 1}


def a_month(place: Any, tools: Any) -> None:
    """A file a day, noticed as they come."""
    for days in (DAYS[:10], DAYS[10:]):
        place.put(*(tools.file_of(24 * day) for day in days))
        assert "work: disabled since" in place.run().out


def there(place: Any, tools: Any, dataset: str) -> set[int]:
    files = {tools.file_of(24 * day): day for day in (0, *DAYS)}
    found = place.objects(dataset)
    assert set(found.values()) <= {1}
    return {files[name] for name in found}


def test_a_month_off_then_worked_from_a_lot_on_then_back_filled(place: Any, tools: Any) -> None:
    first_day(place, tools)
    place.cls("disable", "p/work", "--reason", "bad data")
    a_month(place, tools)
    assert there(place, tools, "raw") == {0, *DAYS}, "the boundary went on"
    assert there(place, tools, "out") == {0}
    asked = place.cls("enable", "p/work")
    assert asked.code == 2
    assert "30 lots are owed" in asked.err
    place.run()
    assert there(place, tools, "out") == {0}, "nothing is run unasked"
    assert place.cls("enable", "p/work", "--from", tools.hour(24 * 20)).code == 0
    place.run()
    assert there(place, tools, "end") == {0, *range(20, 31)}
    filled = place.cls("backfill", "work", "-p", "p.json", "--earliest", "2024-01-01", "--yes")
    assert filled.code == 0, filled
    place.run()
    assert there(place, tools, "end") == {0, *DAYS}


@pytest.mark.parametrize("choice", [["--skip"], ["--from", "2024-01-01"]])
def test_a_whole_project_off_for_a_month(place: Any, tools: Any, choice: list[str]) -> None:
    """Its boundary keeps what arrives, and books it when it is on; what is skipped is worked by no arc."""
    first_day(place, tools)
    place.cls("disable", "p")
    a_month(place, tools)
    assert there(place, tools, "raw") == {0}
    assert any("/intake/" in name for name in place.leftovers())
    assert place.cls("enable", "p", *choice).code == 0
    place.run()
    assert there(place, tools, "raw") == {0, *DAYS}
    assert there(place, tools, "end") == ({0} if choice == ["--skip"] else {0, *DAYS})
    assert not place.leftovers()


@pytest.mark.slow
def test_what_runs_learns_of_it_within_a_minute_or_two(place: Any, tools: Any) -> None:
    """Off, and on again: it is told once, and what came meanwhile is found."""
    first_day(place, tools)
    running = place.start("run", "p.json", "--log-format", "json")
    assert place.cls("disable", "p/work").code == 0
    said = iter(running.stdout.readline, "")
    assert '"on":false' in next(line for line in said if '"Switched"' in line)
    place.put(tools.file_of(24), tools.file_of(48), tools.file_of(72))
    next(line for line in said if '"SealedLots"' in line)
    assert place.cls("enable", "p/work", "--from", "2024-01-01").code == 0
    assert '"on":true' in next(line for line in said if '"Switched"' in line)
    tools.until(lambda: len(place.objects("end")) >= 3, running)
    running.terminate()
    assert tools.ended(running).code == 0
