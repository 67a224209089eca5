"""Hours rolled up into days for a nightly report: whole days, days with gaps, late hours, and the day that goes on."""

from __future__ import annotations

from typing import Any

import pytest

DAY = "20240101P1D000"
REPORT = """
def report(work):
    names = sorted(each.key.rpartition("/")[2] for each in work.source())
    work.sink().write(f"{work.lot}-{work.attempt}.txt", " ".join(names).encode())
"""


def declare(place: Any, tools: Any, on_revision: str = "rerun", unit: str = "Days", **rollup: Any) -> None:
    """Boundary ``raw`` → rollup ``daily`` → arc ``report``, a Python function."""
    (place.path / "nightly.py").write_text(REPORT)
    more = {"start": "all", "onRevision": on_revision}
    barrier = {
        "type": "cls:core:rollupBarrier",
        "name": "daily",
        "sources": {"main": {"name": "raw", "version": "1", **more}},
        "dataset": {"name": "daily", "version": "1"},
        "lotUnit": unit,
        **rollup,
    }
    report = tools.arc("python", "report", ["daily"], ["reports"], workload={"function": "nightly:report"})
    report["sources"]["main"].update(more)
    listener = rollup.pop("listener", None) or tools.boundary(eventArrival="frequent")
    barrier.pop("listener", None)
    place.declare(boundaries=[listener], barriers=[barrier], arcs=[report])


def reports(place: Any) -> dict[str, list[str]]:
    """By lot, the names that the newest revision of its report tells."""
    told = {}
    for lot, manifest in place.manifests("reports").items():
        (uri,) = manifest["uris"]
        told[lot] = (place.path / "reports" / uri.rpartition("/")[2]).read_text().split()
    return told


def pinned(place: Any, lot: str = DAY) -> dict[str, int]:
    """By source lot, the revision that the last claim of the rollup pins."""
    claims = [entry for entry in place.ledger("daily", lot) if entry["entry"] == "claim"]
    return {part.rpartition("/")[2]: pin["revision"] for part, pin in claims[-1]["sources"].items()}


def test_a_day_of_hours_is_reported_once_when_it_is_whole(place: Any, tools: Any) -> None:
    """And again, whole, when an hour gets a file more: the day and its report get a new revision each."""
    declare(place, tools)
    names = [tools.file_of(number) for number in range(24)]
    place.put(*names[:20])
    place.run("--seal-open")
    assert place.ledger("daily", DAY) == [], "the day waits for its evening"
    assert reports(place) == {}
    place.put(*names[20:], tools.file_of(24))
    place.run("--seal-open")
    assert place.kinds("daily", DAY) == ["claim", "complete"]
    assert pinned(place) == {tools.hour(number): 0 for number in range(24)}
    assert place.manifests("daily")[DAY]["uris"] == [(place.path / "in" / name).as_uri() for name in names]
    assert reports(place) == {DAY: names}
    late = tools.file_of(5, "late")
    place.put(late)
    place.run("--seal-open")
    assert place.kinds("daily", DAY) == ["claim", "complete", "rollback", "claim", "complete"]
    assert pinned(place) == {tools.hour(number): int(number == 5) for number in range(24)}
    assert reports(place) == {DAY: sorted([*names, late])}
    assert place.manifests("reports")[DAY]["revision"] == 1
    before = place.tree()
    place.run("--seal-open")
    assert {name for name in before if name.endswith(".json")} == {
        name for name in place.tree() if name.endswith(".json")
    }, "all is at rest"


def test_a_day_with_gaps_is_made_at_its_deadline_of_what_there_is(place: Any, tools: Any) -> None:
    declare(place, tools, "report", wait={"deadlineSec": 1}, listener=tools.boundary())
    place.put(tools.file_of(3), tools.file_of(9), tools.file_of(24 + 7))
    place.run("--seal-open")
    assert list(pinned(place)) == [tools.hour(3), tools.hour(9)]
    assert reports(place) == {DAY: [tools.file_of(3), tools.file_of(9)], "20240102P1D000": [tools.file_of(31)]}
    place.put(tools.file_of(4))
    ran = place.run("--seal-open", "--log-format", "json")
    assert any(line["why"] == f"stale: newer source: main/{tools.hour(4)}" for line in ran.events("LeftAlone"))
    assert place.kinds("daily", DAY) == ["claim", "complete"]


def test_the_day_that_goes_on_is_not_waited_for(place: Any, tools: Any) -> None:
    """Its deadline lies up to a day ahead; a run until all is at rest ends without it."""
    listener = tools.by_arrival(eventArrival="frequent")
    declare(place, tools, wait={"deadlineSec": 3600}, listener=listener)
    place.put("a.txt")
    place.run("--seal-open")
    assert place.objects("raw") == {"a.txt": 1}
    assert place.manifests("daily") == {}


def test_ten_minutes_do_not_make_a_quarter_of_an_hour(place: Any, tools: Any) -> None:
    listener = tools.by_arrival(eventArrival="frequent", lotUnit="Sixths")
    declare(place, tools, unit="Fourths", listener=listener)
    ran = place.cls("verify", "p.json")
    assert ran.code in {1, 2}
    assert "lots of Fourths cannot be made of those of source 'main', which are Sixths" in ran.out + ran.err


@pytest.mark.parametrize(("start", "days"), [("20240102P1D000", [2]), ("20240102PT1H005", [2]), ("all", [1, 2])])
def test_a_rollup_may_start_with_a_lot_of_either_unit(place: Any, tools: Any, start: str, days: list[int]) -> None:
    declare(place, tools)
    project = place.path / "p.json"
    project.write_text(project.read_text().replace('"start": "all"', f'"start": "{start}"', 1))
    place.put(*map(tools.file_of, range(49)))
    place.run("--seal-open")
    assert list(reports(place)) == [f"202401{day:02}P1D000" for day in days]
