"""`cls run` from the first arrival until all is at rest, in each form of telling it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import Any

import pytest


def test_open_lots_are_sealed_and_worked(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.by_arrival()], arcs=[tools.arc()])
    place.put("a.txt", "b.txt")
    ran = place.run("--seal-open")
    assert place.files("out") == ["a.txt", "b.txt"]
    assert place.objects("out") == {"a.txt": 1, "b.txt": 1}
    assert "p/arrive: 2 arrived" in ran.out
    assert ran.out.endswith("all is at rest\n")
    assert not place.leftovers()


@pytest.mark.parametrize("by", ["by_arrival", "boundary"])
def test_a_second_run_changes_nothing(place: Any, tools: Any, by: str) -> None:
    place.declare(boundaries=[getattr(tools, by)()], arcs=[tools.arc()])
    place.put(*map(tools.file_of, range(3)))
    place.run("--seal-open")
    before = place.tree()
    ran = place.run("--seal-open")
    assert place.tree() == before
    assert ran.out == "p/arrive: nothing to do\np/work: nothing to do\nall is at rest\n"


def test_what_comes_after_its_lot_was_sealed_early_does_not_wait_for_the_clock(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.by_arrival(lotUnit="days")], arcs=[tools.arc()])
    place.put("a.txt")
    place.run("--seal-open")
    place.put("b.txt")
    place.run("--seal-open")
    assert place.objects("out") == {"a.txt": 1, "b.txt": 1}


def test_without_seal_open_a_day_is_not_sealed_before_its_end(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.by_arrival(lotUnit="days")], arcs=[tools.arc()])
    place.put("a.txt")
    run = place.start("run", "p.json", "--log-format", "json")
    assert '"Booked"' in run.stdout.readline()
    run.terminate()
    assert tools.ended(run).code == 0
    assert place.objects("raw") == {}
    assert any("/intake/" in name for name in place.leftovers())


def test_as_many_at_once_as_asked_come_to_the_same(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc(), tools.arc(name="again", sinks=["more"])])
    place.put(*map(tools.file_of, range(8)))
    results = []
    for concurrency in ("1", "4"):
        place.run("--concurrency", concurrency, env={"CLS_LOCAL_ROOT": str(place.path / concurrency)})
        seen = place.path / concurrency / "clusterless-manifest-local-here"
        results.append({str(path.relative_to(seen)): path.read_text() for path in seen.rglob("manifest.json")})
    assert len(results[0]) == 24
    assert results[0] == results[1]


def test_json_tells_every_lot(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary(eventArrival="frequent")], arcs=[tools.arc()])
    place.put(tools.file_of(0), tools.file_of(2), "no-time.txt")
    ran = place.run("--log-format", "json")
    worked = {(line["lot"], line["state"], line["objects"]) for line in ran.events("Worked")}
    assert worked == {(tools.hour(0), "complete", 1), (tools.hour(1), "empty", 0), (tools.hour(2), "complete", 1)}
    assert sum(line["lots"] for line in ran.events("SealedLots")) == 3
    assert sum(line["arrivals"] for line in ran.events("Booked")) == 2
    assert sum(line["unbooked"] for line in ran.events("Booked")) == 1
    assert ran.lines[-1] == {"event": "Ended", "idle": True, "worked": 3, "set_aside": [], "absent": []}
    assert ran.err == ""


def test_text_tells_every_lot_and_sums_up(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc()])
    place.put(*map(tools.file_of, range(3)))
    ran = place.run("--log-format", "text")
    for number in range(3):
        assert f"p/work {tools.hour(number)} complete: 1 object in " in ran.out
    assert "p/work: 3 complete\n" in ran.out


def test_the_live_view_fits_a_narrow_terminal(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary(name="a-listener-of-a-very-long-name-indeed")], arcs=[tools.arc()])
    place.put(*map(tools.file_of, range(3)))
    command = [*tools.CLS, "run", "p.json", "--until-idle"]
    code, shown = on_a_terminal(command, place.path, rows=12, columns=40)
    assert code == 0, shown
    assert "all is at rest" in shown
    assert "Traceback" not in shown
    assert "\x1b[" in shown, "it was not live"


def on_a_terminal(command: list[str], folder: Any, rows: int, columns: int) -> tuple[int, str]:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    process = subprocess.Popen(command, cwd=folder, stdin=its, stdout=its, stderr=its, env=env, start_new_session=True)
    os.close(its)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    return process.wait(), shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the last who wrote is gone
        return b""
