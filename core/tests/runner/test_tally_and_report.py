"""What a run tells: counted by boundary and arc, a line or a JSON object an event, or a table that fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clusterless.cli import run_tally
from clusterless.cli.run_report import Reporter, _table, reporter
from clusterless.cli.run_tally import Tally
from clusterless.errors import StoreUnavailableError
from clusterless.runner.happenings import (
    Booked,
    Happening,
    Joined,
    LeftAlone,
    Printed,
    Progressed,
    SealedLots,
    Started,
    Trouble,
    Waits,
    Worked,
)
from clusterless.runner.running import Ended

LOT, NEXT = "20240131PT5M100", "20240131PT5M101"


def worked(state: str = "complete", lot: str = LOT, **more: Any) -> Worked:
    given = {"revision": 0, "objects": 2, "seconds": 1.234, "log": "out.log", **more}
    return Worked(element="p/work", lot=lot, state=state, **given)


def sealed(**more: Any) -> SealedLots:
    given = {"lots": 3, "empty": 1, "objects": 7, "late": 0, "first": LOT, "last": NEXT, **more}
    return SealedLots(element="p/in", **given)


def rests(lot: str = LOT, *, failed: bool = True) -> LeftAlone:
    return LeftAlone(element="p/work", lot=lot, why="missing: 3 attempts used up", seconds=None, failed=failed)


def progressed(done: float = 1, total: float | None = 4, message: str = "", lot: str = LOT) -> Progressed:
    return Progressed(element="p/work", lot=lot, done=done, total=total, message=message)


def tallied(*happenings: Happening) -> Tally:
    tally = Tally(())
    for each in happenings:
        tally.add(each)
    return tally


# ---- the tally -------------------------------------------------------------------------------------------------


def test_everything_is_counted_where_it_happened() -> None:
    tally = tallied(
        Booked(element="p/in", arrivals=9, unbooked=2), sealed(late=1), sealed(),
        worked(), worked("empty", objects=0), worked("missing", NEXT, objects=0),
    )  # fmt: skip
    assert tally.rows["p/in"].counts == {
        "arrivals": 9, "unbooked": 2, "complete": 4, "empty": 2, "objects": 14, "late": 1,
    }  # fmt: skip
    assert tally.rows["p/work"].counts == {"complete": 1, "empty": 1, "missing": 1, "objects": 2}
    assert tally.rows["p/in"].last == tally.rows["p/work"].last == NEXT


@pytest.mark.parametrize(
    ("happenings", "unworked"),
    [
        ([worked()], []),
        ([worked("missing", error="no")], [LOT]),
        ([worked("missing"), worked("partial")], [LOT]),
        ([worked("partial"), worked("complete")], []),
        ([worked("missing"), worked("empty")], []),
        ([worked("missing"), worked("complete", NEXT)], [LOT]),
        ([rests()], [LOT]),
        ([rests(failed=False)], []),
        ([rests(), worked()], []),
    ],
)
def test_a_lot_is_unworked_until_it_comes_to_something(happenings: Sequence[Happening], unworked: list[str]) -> None:
    assert tallied(*happenings).unworked == [f"p/work {lot}" for lot in unworked]


def test_that_a_lot_rests_is_news_once() -> None:
    tally = Tally(())
    assert [tally.add(rests()), tally.add(rests()), tally.add(rests(NEXT))] == [True, False, True]


def test_what_is_worked_on_now_is_known() -> None:
    tally = tallied(Started(element="p/work", lot=LOT), Started(element="p/work", lot=NEXT))
    assert tally.rows["p/work"].working == {LOT, NEXT}
    tally.add(worked())
    tally.add(Trouble(element="p/work", lot=NEXT, error=StoreUnavailableError("down\nand out")))
    assert not tally.rows["p/work"].working
    assert tally.rows["p/work"].trouble == "down"
    tally.add(worked())
    assert tally.rows["p/work"].trouble == ""


def test_progress_is_news_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    tally, now = Tally(()), 1000.0
    monkeypatch.setattr(run_tally, "monotonic", lambda: now)
    assert [tally.add(progressed()), tally.add(progressed()), tally.add(progressed(lot=NEXT))] == [True, False, True]
    now += run_tally._PACE
    assert [tally.add(progressed()), tally.add(progressed())] == [True, False]


def test_threads_count_together() -> None:
    tally = Tally(())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tally.add, [worked(lot=str(number)) for number in range(2000)]))
    assert tally.rows["p/work"].counts["complete"] == 2000


def test_what_arrived_waits_until_it_is_sealed() -> None:
    tally = tallied(Waits(element="p/in", lot=LOT, at="2024-01-31T08:26:30+00:00"))
    assert tally.rows["p/in"].notes == [f"what arrived waits for lot {LOT}, sealed at 2024-01-31 08:26:30Z"]
    tally.add(sealed())
    assert tally.rows["p/in"].notes == []


# ---- lines and objects -----------------------------------------------------------------------------------------

LINES = [
    (Joined(element="p"), "p: its placement answers, and it is run"),
    (Booked(element="p/in", arrivals=3, unbooked=0), "p/in: 3 arrived"),
    (Booked(element="p/in", arrivals=3, unbooked=1), "p/in: 3 arrived, 1 without a time in their key"),
    (
        Booked(element="p/in", arrivals=3, unbooked=9, strays=("a.txt", "b.txt")),
        "p/in: 3 arrived, 9 without a time in their key (a.txt, b.txt, …)",
    ),
    (
        Waits(element="p/in", lot=LOT, at="2024-01-31T08:26:30+00:00"),
        f"p/in: what arrived waits for lot {LOT}, sealed at 2024-01-31 08:26:30Z",
    ),
    (sealed(), f"p/in: sealed 3 lots (1 empty), 7 objects, between {LOT} and {NEXT}"),
    (sealed(lots=1, empty=0, last=LOT), f"p/in: sealed 1 lot (0 empty), 7 objects, {LOT}"),
    (sealed(late=2), f"p/in: sealed 3 lots (1 empty, 2 late), 7 objects, between {LOT} and {NEXT}"),
    (sealed(lots=0), ""),
    (Started(element="p/work", lot=LOT), ""),
    (worked(), f"p/work {LOT} complete: 2 objects in 1.23 s"),
    (worked(objects=None), f"p/work {LOT} complete in 1.23 s"),
    (worked(revision=4), f"p/work {LOT} complete: 2 objects in 1.23 s, revision 4"),
    (worked("missing", error="it broke"), f"p/work {LOT} missing: it broke\n  log: out.log"),
    (progressed(), f"p/work {LOT} 25%"),
    (progressed(message="half\x1b[2J way"), f"p/work {LOT} 25%: half\\x1b[2J way"),
    (progressed(12345, None), f"p/work {LOT} 12,345"),
    (Printed(element="p/work", lot=LOT, line="say \x1b[2J"), f"p/work {LOT} | say \\x1b[2J"),
    (rests(), f"p/work {LOT} rests: missing: 3 attempts used up"),
    (rests(failed=False), ""),
]


@pytest.mark.parametrize(("happening", "line"), LINES)
def test_a_happening_is_a_line(capsys: pytest.CaptureFixture[str], happening: Happening, line: str) -> None:
    Reporter(Tally(()), "text").tell(happening)
    assert capsys.readouterr().out == (f"{line}\n" if line else "")


@pytest.mark.parametrize(
    ("lot", "error", "line"),
    [
        (LOT, StoreUnavailableError("down", hint="plug it in"), f"p/work {LOT}: down (hint: plug it in)"),
        ("", StoreUnavailableError("down"), "p/work: down"),
        ("", ValueError("{'a' : 1}"), "p/work: {'a' : 1}"),
    ],
    ids=["of a lot", "of all", "with a colon"],
)
def test_trouble_goes_where_errors_go(
    capsys: pytest.CaptureFixture[str], lot: str, error: Exception, line: str
) -> None:
    for form in ("text", "live"):
        Reporter(Tally(()), form).tell(Trouble(element="p/work", lot=lot, error=error))
        assert capsys.readouterr() == ("", f"{line}\n")


def test_a_live_view_adds_lines_only_for_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    report = Reporter(Tally(()), "live")
    for happening, _ in LINES:
        report.tell(happening)
    assert capsys.readouterr().out.splitlines() == [
        f"p/work {LOT} missing: it broke", "  log: out.log", f"p/work {LOT} | say \\x1b[2J",
    ]  # fmt: skip


def test_a_happening_is_a_json_object_that_tells_all(capsys: pytest.CaptureFixture[str]) -> None:
    report = Reporter(Tally(()), "json")
    happenings = [happening for happening, _ in LINES]
    for each in happenings:
        report.tell(each)
    report.tell(Trouble(element="p/work", error=StoreUnavailableError("down", hint="plug it in")))
    report.tell(Trouble(element="p/work", error=KeyError("x")))
    report.summarise(Ended(idle=True, worked=3, set_aside=()))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    again = (progressed(message="half\x1b[2J way"), progressed(12345, None))  # of what was just told
    news = [each for each in happenings if not (isinstance(each, LeftAlone) and each.failed) and each not in again]
    assert [line["event"] for line in lines[:-3]] == [type(each).__name__ for each in news]
    assert lines[1] == {"event": "Booked", "element": "p/in", "arrivals": 3, "unbooked": 0, "strays": []}
    assert lines[-3]["error"] == {"code": "store-unavailable", "message": "down", "hint": "plug it in"}
    assert lines[-2]["error"]["code"] == "KeyError"
    assert lines[-1] == {"event": "Ended", "idle": True, "worked": 3, "set_aside": [], "absent": []}


def test_the_last_words_are_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    report = Reporter(tallied(sealed(lots=1234, empty=4), worked(), Started(element="p/lazy", lot=LOT)), "text")
    report.summarise(Ended(idle=True, worked=1, set_aside=()))
    report.summarise(Ended(idle=False, worked=1, set_aside=()))
    out = capsys.readouterr().out.splitlines()
    assert out[:4] == ["p/in: 1,230 complete, 4 empty", "p/work: 1 complete", "p/lazy: nothing to do", "all is at rest"]
    assert out[-1] == "stopped"


def is_stale(lot: str) -> LeftAlone:
    return LeftAlone(element="p/work", lot=lot, why="stale: newer source: main", seconds=None, stale=True)


def test_lots_that_are_left_stale_are_counted_with_what_works_them(capsys: pytest.CaptureFixture[str]) -> None:
    tally = tallied(is_stale(LOT), is_stale(LOT), is_stale(NEXT))
    tally.rows["p/work"].arc = "work"
    Reporter(tally, "text").summarise(Ended(idle=True, worked=0, set_aside=()))
    tally.add(worked())
    assert tally.rows["p/work"].notes == ["1 stale lot, since a source is newer ('cls replay work --which stale')"]
    tally.add(worked(lot=NEXT))
    assert tally.rows["p/work"].notes == []
    told = "p/work: 2 stale lots, since a source is newer ('cls replay work --which stale')"
    assert told in capsys.readouterr().out.splitlines()


def lacks(lot: str, until: str) -> LeftAlone:
    return LeftAlone(element="p/work", lot=lot, why="waiting for its sources", seconds=9999, until=until)


def test_what_waits_at_the_end_is_named_with_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    """The soonest first; not what was looked at again, and a handful of many."""
    hours = [f"2024-02-02T{hour:02}:00:00+00:00" for hour in range(9)]
    waiting = [lacks(f"20240131PT1H{hour:03}", until) for hour, until in reversed([*enumerate(hours)])]
    again = [Started(element="p/work", lot="20240131PT1H000"), worked(lot="20240131PT1H000")]
    report = Reporter(tallied(*waiting, *again), "text")
    report.summarise(Ended(idle=True, worked=1, set_aside=()))
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "all else is at rest"
    assert said.err.splitlines() == [
        *(
            f"p/work 20240131PT1H00{hour} waits for its sources until 2024-02-02 0{hour}:00:00Z: a later run works it"
            for hour in range(1, 6)
        ),
        "3 lots more, until later",
    ]
    report.summarise(Ended(idle=False, worked=1, set_aside=()))
    assert capsys.readouterr().err == ""


def test_where_nobody_looks_lines_are_told() -> None:
    with reporter((), "auto") as report:
        assert report.form == "text"


# ---- the live table --------------------------------------------------------------------------------------------


def shown(tally: Tally, width: int) -> str:
    from rich.console import Console

    console = Console(width=width, color_system=None)
    with console.capture() as text:
        console.print(_table(tally, width))
    return text.get()


@pytest.mark.parametrize("width", [40, 71, 72, 100])
def test_the_table_fits_and_cuts_no_word(width: int) -> None:
    tally = tallied(
        Booked(element="p/in", arrivals=12345, unbooked=0), sealed(late=3), worked(),
        Started(element="p/work", lot=NEXT), worked("missing"),
        Trouble(element="p/a-rather-long-name", error=StoreUnavailableError("the store did not answer at all")),
    )  # fmt: skip
    text = shown(tally, width)
    assert all(len(line) <= width for line in text.splitlines())
    words = text.split()
    for word in ("p/in", "p/work", "p/a-rather-long-name", "12,345", NEXT, "answer"):
        assert word in words, text


def test_the_table_says_how_many_lots_are_worked_on() -> None:
    tally = tallied(worked(), Started(element="p/work", lot=NEXT), Started(element="p/work", lot="x"))
    assert f"{LOT} (+2)" in shown(tally, 100)


def test_the_table_says_how_far_a_lot_is_until_it_is_done() -> None:
    tally = tallied(worked(), Started(element="p/work", lot=NEXT), progressed(1, 3, "one", NEXT))
    assert f"{NEXT} 33%: one (+1)" in shown(tally, 100)
    tally.add(progressed(2, 3, "two", NEXT))
    assert f"{NEXT} 67%: two (+1)" in shown(tally, 100)
    tally.add(worked(lot=NEXT))
    assert "%" not in shown(tally, 100)
    assert not tally.rows["p/work"].said


def test_the_table_shows_an_error_that_looks_like_markup() -> None:
    error = StoreUnavailableError("no [/such] place [red]")
    assert "no [/such] place [red]" in shown(tallied(Trouble(element="p/work", error=error)), 100)
