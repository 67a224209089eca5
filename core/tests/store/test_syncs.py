"""Folders made durable for many threads: fewer syncs, and never one that began too early."""

from __future__ import annotations

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clusterless.errors import ClsError
from clusterless.store import durable
from clusterless.store.files import FileStore
from clusterless.store.retrying import RetryingStore

THREADS = 8


def test_those_who_wait_share_one_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads that ask again and again: while one sync is under way, the other seven wait for the next."""
    folders: list[str] = []

    def slow(folder: str) -> None:
        folders.append(folder)
        time.sleep(0.005)

    monkeypatch.setattr(durable, "sync", slow)
    syncs = durable.Syncs()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(syncs.sync, ["a"] * 200))
    assert len(folders) < 150  # some 50
    assert syncs._now == syncs._next == {}


def test_every_name_is_followed_by_a_sync_that_begins_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[str, int]] = []  # appended to atomically

    def slow(folder: str) -> None:
        steps.append(("sync", 0))
        time.sleep(0.001)

    monkeypatch.setattr(durable, "sync", slow)
    syncs = durable.Syncs()

    def named(number: int) -> None:
        steps.append(("named", number))
        syncs.sync("a")
        steps.append(("answered", number))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(named, range(300)))
    for number in range(300):
        between = steps[steps.index(("named", number)) : steps.index(("answered", number))]
        assert ("sync", 0) in between


def test_a_sync_that_fails_fails_for_all_who_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: str) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(durable, "sync", full)
    syncs = durable.Syncs()
    with ThreadPoolExecutor(THREADS) as pool:
        errors = [pool.submit(syncs.sync, "a").exception(30) for _ in range(50)]
    assert [error.errno for error in errors if isinstance(error, OSError)] == [errno.ENOSPC] * 50
    assert syncs._now == syncs._next == {}


def test_a_large_file_is_copied_whole(tmp_path: Path) -> None:
    """Through stores that ask again too; longer than one part, and as long as exactly one."""
    source, target = (FileStore(f"{tmp_path.as_uri()}/{name}/") for name in "ab")
    for size in (0, 1, durable.CHUNK - 1, durable.CHUNK, 3 * durable.CHUNK + 5):
        body = os.urandom(size)
        source.put("x/y", body)
        RetryingStore(target, lambda _: None).copy("z", RetryingStore(source, lambda _: None), "x/y")
        assert target.get("z") == source.get("x/y") == body
    assert sorted(os.listdir(tmp_path / "b")) == ["z"]  # and nothing temporary


def test_a_link_on_the_way_is_followed_below_the_root_only(tmp_path: Path) -> None:
    store = FileStore(f"{tmp_path.as_uri()}/root/")
    store.put("inside/deep/a", b"a")
    (tmp_path / "outside").mkdir()
    os.symlink("inside", tmp_path / "root/alias")
    os.symlink(tmp_path / "outside", tmp_path / "root/inside/leak")
    assert store.get("alias/deep/a") == b"a"
    for key in ("inside/leak/b", "alias/leak/b", "alias/leak/new/b"):
        with pytest.raises(PermissionError, match="leads out of"):
            store.put(key, b"")
    assert os.listdir(tmp_path / "outside") == []


def test_what_is_written_together_is_synced_once_a_folder_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RetryingStore(FileStore(f"{tmp_path.as_uri()}/"), lambda _: None)
    for key in ("a/0", "b/0"):
        store.put(key, b"")
    folders: list[str] = []
    monkeypatch.setattr(durable, "sync", folders.append)
    with store.together():
        for key in ("a/1", "b/1", "a/2"):
            store.put(key, b"")
        with ThreadPoolExecutor(1) as pool:  # what another thread writes does not wait for this one
            pool.submit(store.put, "b/2", b"").result()
        assert folders == [f"{tmp_path}/b"]
    assert folders[1:] == [f"{tmp_path}/a", f"{tmp_path}/b"]
    store.put("a/3", b"")
    assert folders[3:] == [f"{tmp_path}/a"]


def test_a_folder_that_cannot_be_synced_is_said_when_those_written_together_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(f"{tmp_path.as_uri()}/")

    def full(folder: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)

    monkeypatch.setattr(durable, "sync", full)
    with pytest.raises(ClsError, match="No space left"), store.together():
        store.put("a", b"")
