"""A disk that is full, or may not be written: clear words, nothing lost, and the next run goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount the small disks that this needs")

ROOM = 64 * 1024


@pytest.fixture
def disk(place: Any, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A small disk, where a project keeps what the test's parameter names."""
    folder = place.path / getattr(request, "param", ".clusterless")
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM * 16}", "disk", folder], check=False)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Path:
    """Take all the room that is left."""
    filler = disk / ".filler.tmp"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return filler


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def declare(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary(eventArrival="frequent")], arcs=[tools.arc()])
    place.put(*map(tools.file_of, range(3)))


def assert_all_is_worked(place: Any, tools: Any, count: int = 3) -> None:
    assert place.objects("raw") == place.objects("out") == dict.fromkeys(map(tools.file_of, range(count)), 1)
    assert place.completes("work") == dict.fromkeys(map(tools.hour, range(count)), 1)


def test_full_before_anything_is_written(place: Any, tools: Any, disk: Path) -> None:
    declare(place, tools)
    filler = fill(disk)
    ran = place.run(code=74)
    assert "No space left on device" in ran.err
    assert "hint: make room on that disk" in ran.err
    filler.unlink()
    place.run()
    assert_all_is_worked(place, tools)


def test_read_only_before_anything_is_written(place: Any, tools: Any, disk: Path) -> None:
    declare(place, tools)
    remount(disk, "ro")
    ran = place.run(code=74)
    assert "Read-only file system" in ran.err
    assert "hint: mount it writable, or name another folder" in ran.err
    remount(disk, "rw")
    place.run()
    assert_all_is_worked(place, tools)


@pytest.mark.parametrize("trouble", ["full", "ro"])
def test_a_disk_that_fails_while_it_runs(place: Any, tools: Any, disk: Path, trouble: str) -> None:
    """The run says so, holds on, and goes on by itself once it can write."""
    declare(place, tools)
    run = place.start("run", "p.json")
    tools.until(lambda: sum(place.completes("work").values()) == 3, run)
    if trouble == "ro":
        remount(disk, "ro")
    else:
        filler = fill(disk)
    place.put(tools.file_of(3))
    said = run.stderr.readline()
    assert ("No space left" if trouble == "full" else "Read-only file system") in said
    assert "hint: " in said
    if trouble == "ro":
        remount(disk, "rw")
    else:
        filler.unlink()
    tools.until(lambda: sum(place.completes("work").values()) == 4, run)
    run.terminate()
    assert tools.ended(run).code == 0
    assert_all_is_worked(place, tools, 4)


def test_a_disk_that_is_unmounted_while_it_runs(place: Any, tools: Any, disk: Path) -> None:
    """Nothing is written beneath it, and the run goes on by itself once it is back."""
    declare(place, tools)
    kept = place.path / "kept"
    kept.mkdir()
    subprocess.run(["mount", "--bind", disk, kept], check=True)
    try:
        run = place.start("run", "p.json")
        tools.until(lambda: sum(place.completes("work").values()) == 3, run)
        subprocess.run(["umount", "-l", disk], check=True)
        place.put(tools.file_of(3))
        said = run.stderr.readline()
        assert "lies on another disk than before" in said
        assert "hint: mount what was mounted" in said
        assert [*disk.rglob("*")] == [], "nothing was written beneath it"
        subprocess.run(["mount", "--bind", kept, disk], check=True)
    finally:
        subprocess.run(["umount", "-l", kept], check=True)
    tools.until(lambda: sum(place.completes("work").values()) == 4, run)
    run.terminate()
    assert tools.ended(run).code == 0
    assert_all_is_worked(place, tools, 4)


@pytest.mark.parametrize("left", [1, 3, 6, 10, 15, 21])
def test_full_at_some_step_and_run_again(place: Any, tools: Any, disk: Path, left: int) -> None:
    """So many blocks are left: the disk fills up at another step each time."""
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc(retry={"backoffSec": 0})])
    place.run()
    place.put(*map(tools.file_of, range(3)))
    filler = fill(disk)
    with filler.open("ab") as file:
        file.truncate(filler.stat().st_size - left * 4096)
    run = place.start("run", "p.json", "--until-idle")
    says_so = run.stderr.readline()
    if says_so:
        assert "No space left on device" in says_so
        run.terminate()
    assert tools.ended(run).code in {0, 74, 143}
    filler.unlink()
    place.run()
    assert_all_is_worked(place, tools)


@pytest.mark.parametrize("disk", ["out"], indirect=True)
def test_a_full_sink_fails_the_lot_and_no_more(place: Any, tools: Any, disk: Path) -> None:
    declare(place, tools)
    filler = fill(disk)
    ran = place.run(code=1)
    assert "No space left on device" in ran.out
    assert "3 left without a result: " in ran.err
    filler.unlink()
    place.declare(
        boundaries=[tools.boundary(eventArrival="frequent")], arcs=[tools.arc(retry={"attempts": 2, "backoffSec": 0})]
    )
    place.run()
    assert_all_is_worked(place, tools)


@pytest.mark.parametrize("disk", ["in"], indirect=True)
def test_a_folder_that_may_only_be_read_is_listened_to(place: Any, tools: Any, disk: Path) -> None:
    declare(place, tools)
    remount(disk, "ro")
    place.run()
    assert_all_is_worked(place, tools)
