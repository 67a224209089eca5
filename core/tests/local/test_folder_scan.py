from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from clusterless.builtin.folder_scan import scan
from clusterless.engine.strays import is_passed_over


def put(path: Path, body: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    return path


def keys(folder: Path, since: int | None = None) -> list[str]:
    return sorted(key for key, _ in scan(str(folder), since=since))


def changed_after(folder: Path) -> int:
    """A time that all in *folder* changed before, and nothing yet to come did."""
    latest = max(path.lstat().st_ctime_ns for path in (folder, *folder.rglob("*")))
    probe = folder.parent / "probe"
    while True:
        time.sleep(0.005)
        probe.touch()
        if probe.stat().st_ctime_ns > latest:
            return probe.stat().st_ctime_ns


@pytest.mark.parametrize("name", [".hidden", ".tmp-1", "a.tmp", "a.csv.part", "A.TMP"])
def test_hidden_and_unfinished_names_are_passed_over(name: str, tmp_path: Path) -> None:
    put(tmp_path / name)
    put(tmp_path / "sub" / name)
    put(tmp_path / "kept")
    assert is_passed_over(name)
    assert keys(tmp_path) == ["kept"]


def test_a_hidden_folder_is_passed_over_whole(tmp_path: Path) -> None:
    put(tmp_path / ".git" / "config")
    assert keys(tmp_path) == []


def test_files_are_found_at_any_depth_with_their_change_times(tmp_path: Path) -> None:
    paths = {name: put(tmp_path / name) for name in ("a", "b/c d", "b/e/ü%.csv")}
    os.utime(paths["a"], (0, 0))
    assert dict(scan(str(tmp_path))) == {name: path.stat().st_ctime_ns for name, path in paths.items()}


def test_below_a_folder_keys_are_the_roots(tmp_path: Path) -> None:
    put(tmp_path / "a/b/c")
    put(tmp_path / "d")
    assert [key for key, _ in scan(str(tmp_path), "a/b")] == ["a/b/c"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / "secret")
    folder = tmp_path / "in"
    put(folder / "real/file")
    (folder / "link").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (folder / "around").symlink_to(folder)
    assert keys(folder) == ["real/file"]


def test_what_is_no_file_does_not_arrive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert keys(tmp_path) == []


def test_a_name_that_is_not_utf8_is_logged_and_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9", "wb"):
        pass
    assert keys(tmp_path) == []
    assert "not UTF-8" in caplog.text


def test_only_what_changed_since_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "old")
    touched = put(folder / "sub/touched")
    since = changed_after(folder)
    put(folder / "sub/new")
    touched.chmod(0o600)
    assert keys(folder, since) == ["sub/new", "sub/touched"]


def test_a_folder_moved_in_since_is_found_whole(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/deep/old")
    folder = tmp_path / "in"
    put(folder / "older")
    since = changed_after(tmp_path)
    (tmp_path / "elsewhere").rename(folder / "moved")
    assert keys(folder, since) == ["moved/deep/old"]


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert keys(tmp_path / "gone") == []
