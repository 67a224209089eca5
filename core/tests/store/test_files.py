from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import (
    ObjectExistsError,
    ObjectMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.store import durable
from clusterless.store.bounds import _where
from clusterless.store.files import FileStore
from clusterless.store.litter import new_name
from clusterless.store.memory import MemoryStore
from clusterless.testing.clock import START, SettableClock
from clusterless.testing.store_contract import ObjectStoreContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def folder(store: FileStore) -> Path:
    return Path(store._folder)


def files(store: FileStore) -> list[str]:
    """Everything below the root, whatever the store makes of it."""
    return sorted(str(path.relative_to(folder(store))) for path in folder(store).rglob("*"))


class TestFileStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, file_store: FileStore) -> FileStore:
        return file_store

    def poke(self, store: FileStore, key: str, body: bytes) -> None:
        path = folder(store) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def peek(self, store: FileStore, key: str) -> bytes:
        return (folder(store) / key).read_bytes()


class TestWithoutLinks(TestFileStore):
    """File systems without hard links: FAT, and some network and container mounts."""

    @pytest.fixture(autouse=True)
    def _no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def link(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(durable.os, "link", link)

    def test_looking_and_naming_are_one_step(self, store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
        stat = os.stat

        def slow(*arguments: object, **how: object) -> object:
            try:
                return stat(*arguments, **how)  # type: ignore[arg-type]
            finally:
                time.sleep(0.02)  # others get their chance to look

        monkeypatch.setattr(durable.os, "stat", slow)

        def attempt(writer: int) -> bool:
            try:
                store.create("claim", str(writer).encode())
            except ObjectExistsError:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            won = [writer for writer, ok in enumerate(pool.map(attempt, range(6))) if ok]
        assert [str(writer).encode() for writer in won] == [store.get("claim")]


# ---- the root


def test_the_root_is_made_with_the_first_object_only(tmp_path: Path) -> None:
    store = FileStore(f"{tmp_path.as_uri()}/not/there%20yet/")
    assert list(store.list()) == []
    assert not (tmp_path / "not").exists()
    store.put("a", b"")
    assert (tmp_path / "not" / "there yet" / "a").is_file()


@pytest.mark.parametrize("root", ["file:///no/slash", "file://host/a/", "/plain/", "s3://bucket/"])
def test_what_is_no_folder_is_refused(root: str) -> None:
    with pytest.raises(StoreRefusedError, match="does not name a folder"):
        FileStore(root)


def test_the_whole_disk_may_be_the_root(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"body")
    store = FileStore("file:///")
    key = str(tmp_path / "a").lstrip("/")
    assert store.get(key) == b"body"
    assert [info.key for info in store.list(f"{key[:-1]}")] == [key]
    store.put(f"{key}2", b"")
    assert (tmp_path / "a2").exists()


def test_time_may_be_given(tmp_path: Path, settable_clock: SettableClock) -> None:
    assert FileStore(f"{tmp_path.as_uri()}/", settable_clock.now).now() == START


# ---- keys and what lies outside


@pytest.mark.parametrize("key", ["a//b", "a/", "nul\0", ".tmp-a", "a/.tmp-b", "half\udcff"])
def test_what_cannot_be_a_path_is_refused(file_store: FileStore, key: str) -> None:
    for use in (file_store.get, file_store.head, file_store.delete, lambda key: file_store.put(key, b"")):
        with pytest.raises(StoreRefusedError, match="cannot be the path"):
            use(key)


@pytest.mark.parametrize("prefix", ["../", "a/../../", "/etc/", "./"])
def test_a_prefix_leads_nowhere_else(file_store: FileStore, prefix: str) -> None:
    with pytest.raises(StoreRefusedError):
        list(file_store.list(prefix))


@pytest.fixture
def outside(file_store: FileStore, tmp_path: Path) -> Path:
    """A folder beside the root, which holds ``secret`` and is linked to from inside by ``out``."""
    outside = tmp_path / "store-outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    file_store.put("in/a", b"inside")
    (folder(file_store) / "out").symlink_to(outside)
    return outside


def test_a_link_that_leads_out_is_refused(file_store: FileStore, outside: Path) -> None:
    for use in (file_store.get, file_store.open, file_store.head, file_store.delete):
        with pytest.raises(StoreRefusedError, match="leads out"):
            use("out/secret")
    for write in (file_store.put, file_store.create):
        with pytest.raises(StoreRefusedError, match="leads out"):
            write("out/new/x", b"")
    with pytest.raises(StoreRefusedError, match="leads out"):
        list(file_store.list("out/"))
    assert [info.key for info in file_store.list()] == ["in/a"]
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_an_object_that_is_a_link_is_refused(file_store: FileStore, outside: Path) -> None:
    (folder(file_store) / "in" / "link").symlink_to(outside / "secret")
    for look in (file_store.get, file_store.open, file_store.head):
        with pytest.raises(StoreRefusedError, match="symbolic link") as caught:
            look("in/link")
        assert "symbolic link" in caught.value.hint
    file_store.put("in/link", b"replaced")
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_link_that_stays_inside_is_followed_and_not_listed(file_store: FileStore) -> None:
    file_store.put("in/a", b"inside")
    (folder(file_store) / "loop").symlink_to(folder(file_store))
    assert file_store.get("loop/in/a") == b"inside"
    file_store.put("loop/in/b", b"")
    assert [info.key for info in file_store.list()] == [*file_store.list_keys()] == ["in/a", "in/b"]


def test_what_is_no_object_is_passed_over(file_store: FileStore) -> None:
    file_store.put("a", b"")
    (folder(file_store) / ".tmp-1-0").write_bytes(b"half")
    os.mkfifo(folder(file_store) / "pipe")
    (folder(file_store) / os.fsdecode(b"\xff")).write_bytes(b"")
    assert [info.key for info in file_store.list()] == [*file_store.list_keys()] == ["a"]
    with pytest.raises(ObjectMissingError):
        file_store.get("pipe")


def test_objects_and_folders_do_not_share_a_name(file_store: FileStore) -> None:
    file_store.put("a/b", b"")
    for write in (file_store.put, file_store.create):
        with pytest.raises(StoreRefusedError, match="Not a directory"):
            write("a/b/c", b"")
        with pytest.raises(StoreRefusedError, match="Is a directory"):
            write("a", b"")
    assert files(file_store) == ["a", "a/b"]


# ---- list


segments = st.text("ab-.0é /", min_size=1, max_size=6).map(lambda text: text.strip("/"))
names = segments.filter(lambda key: key and not any(part in {"", ".", ".."} for part in key.split("/")))


@given(st.sets(names, max_size=12), st.text("ab-.0 /", max_size=4), st.text("ab-.0é /", max_size=6))
def test_files_are_listed_as_memory_lists_them(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], prefix: str, after: str
) -> None:
    listed = FileStore(f"{tmp_path_factory.mktemp('listed').as_uri()}/")
    reference = MemoryStore()
    for key in keys:
        try:
            (folder(listed) / key).parent.mkdir(parents=True, exist_ok=True)
            (folder(listed) / key).write_bytes(b"")
        except OSError:
            continue  # an object is in its way
        reference.put(key, b"")
    expected = [info.key for info in reference.list(prefix, after)]
    try:
        assert [info.key for info in listed.list(prefix, after)] == expected
    except StoreRefusedError:
        assert expected == []


def test_list_does_not_look_into_folders_before_its_start(
    file_store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lot in range(20):
        file_store.put(f"p/lot={lot:02}/x", b"")
    looked: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda fd: looked.append(Path(_where(fd)).name) or scandir(fd))
    listing = file_store.list("p/", "p/lot=170")
    assert next(listing).key == "p/lot=18/x"
    assert looked == ["p", "lot=18"]
    next(listing)
    assert looked == ["p", "lot=18", "lot=19"]


# ---- durable, whole, one winner


def test_a_killed_writer_leaves_no_half_object(file_store: FileStore) -> None:
    program = (
        "import sys; from clusterless.store.files import FileStore\n"
        "store = FileStore(sys.argv[1])\n"
        "for number in range(10**6):\n"
        "    print(number, flush=True)\n"
        "    (store.put if number % 2 else store.create)(f'k/{number}', bytes([number % 256]) * 3_000_000)\n"
    )
    for after in (1, 2, 4):
        writer = subprocess.Popen([sys.executable, "-c", program, file_store.root], stdout=subprocess.PIPE)
        assert writer.stdout
        for _ in range(after):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        for info in file_store.list():
            assert info.size == 3_000_000
            assert set(file_store.get(info.key)) == {int(info.key[2:]) % 256}
            file_store.delete(info.key)


def test_ten_processes_race_and_one_wins_each_time(file_store: FileStore) -> None:
    program = (
        "import sys; from clusterless.errors import ObjectExistsError; from clusterless.store.files import FileStore\n"
        "store, me = FileStore(sys.argv[1]), sys.argv[2]\n"
        "sys.stdin.readline()\n"
        "for turn in range(30):\n"
        "    try: store.create(f'turn={turn}/claim', me.encode()); print(turn, me)\n"
        "    except ObjectExistsError: pass\n"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, file_store.root, str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(10)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [line.split() for racer in racers for line in racer.communicate()[0].splitlines()]
    assert sorted(int(turn) for turn, _ in won) == list(range(30))
    for turn, winner in won:
        assert file_store.get(f"turn={turn}/claim").decode() == winner


def test_writes_are_synced_before_and_after_they_get_their_name(
    file_store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def recorded(name: str) -> None:
        call = getattr(os, name)

        def record(*arguments: Any, **how: Any) -> object:
            target = _where(arguments[0]) if name == "fsync" else str(arguments[-1])
            result = call(*arguments, **how)  # what fails is not counted
            calls.append(f"{name} {Path(target).name.split('-')[0]}")
            return result

        monkeypatch.setattr(os, name, record)

    for name in ("fsync", "link", "replace", "mkdir"):
        recorded(name)
    file_store.create("a/b/c", b"")
    made = ["mkdir store", f"fsync {folder(file_store).parent.name.split('-')[0]}", "mkdir a", "fsync store"]
    assert calls == [*made, "mkdir b", "fsync a", "fsync .tmp", "link c", "fsync b"]
    calls.clear()
    file_store.put("a/b/c", b"")
    assert calls == ["fsync .tmp", "replace c", "fsync b"]


def test_a_lost_answer_of_a_network_file_system_is_no_lost_race(
    file_store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def asked_twice(source: str, target: str, **folders: int) -> None:
        link(source, target, **folders)
        link(source, target, **folders)

    monkeypatch.setattr(os, "link", asked_twice)
    file_store.create("a", b"ours")
    assert file_store.get("a") == b"ours"
    with pytest.raises(ObjectExistsError):
        file_store.create("a", b"theirs")


def test_delete_removes_folders_that_are_empty(file_store: FileStore) -> None:
    file_store.put("a/b/c/d", b"")
    file_store.put("a/e", b"")
    file_store.delete("a/b/c/d")
    assert files(file_store) == ["a", "a/e"]
    file_store.delete("a/e")
    assert folder(file_store).is_dir()
    file_store.create("a/b/c/d", b"again")
    assert file_store.get("a/b/c/d") == b"again"


def test_folders_may_be_pruned_by_another_at_any_time(file_store: FileStore) -> None:
    other = FileStore(file_store.root)
    stop = threading.Event()

    def prune() -> None:
        while not stop.is_set():
            other.put("a/b/other", b"")
            other.delete("a/b/other")

    with ThreadPoolExecutor(2) as pool:
        pruner = pool.submit(prune)
        try:
            for number in range(60):
                file_store.create(f"a/b/{number}", b"kept")
                assert file_store.get(f"a/b/{number}") == b"kept"
                file_store.delete(f"a/b/{number}")
        finally:
            stop.set()
        pruner.result()


def test_objects_get_the_mode_that_the_user_chose(file_store: FileStore) -> None:
    mask = os.umask(0o027)
    try:
        file_store.put("a", b"")
    finally:
        os.umask(mask)
    assert (folder(file_store) / "a").stat().st_mode & 0o777 == 0o640


# ---- refusals


def test_a_long_name_is_refused(file_store: FileStore) -> None:
    file_store.put("a", b"")
    for use in (file_store.get, lambda key: file_store.put(key, b"")):
        with pytest.raises(StoreRefusedError, match="File name too long") as caught:
            use("n" * 300)
        assert caught.value.hint == "use shorter names"


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EROFS, StoreRefusedError),
        (errno.EACCES, StoreRefusedError),
        (errno.EDQUOT, StoreRefusedError),
        (errno.EIO, StoreUnavailableError),
        (errno.ESTALE, StoreUnavailableError),
        (errno.ETIMEDOUT, StoreUnavailableError),
    ],
)
def test_what_the_system_says_becomes_an_error_of_ours(
    file_store: FileStore, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    file_store.put("a", b"")

    def failing(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    for write in (file_store.put, file_store.create):
        with pytest.raises(error, match=os.strerror(number)):
            write("b", b"")
    assert files(file_store) == ["a"]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    mount = tmp_path / "tiny"
    mount.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"may not mount: {mounted.stderr.decode().strip()}")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize("below", ["", "data/out"])
def test_what_lies_beneath_a_disk_that_is_unmounted_is_no_store(tiny_disk: Path, below: str) -> None:
    store = FileStore(f"{(tiny_disk / below).as_uri().rstrip('/')}/")
    for key in ("a", "b/c"):
        store.put(key, b"small")
    begun = store.list()
    assert next(begun).key == "a"
    subprocess.run(["umount", "-l", str(tiny_disk)], check=True)
    asked: list[Callable[[], object]] = [
        lambda: store.put("a", b""),
        lambda: store.create("b/d", b""),
        lambda: store.get("a"),
        lambda: store.head("b/c"),
        lambda: store.delete("b/c"),
        lambda: list(store.list()),
        lambda: list(begun),
    ]
    for ask in asked:
        with pytest.raises(StoreUnavailableError, match=r"lies on another disk than before") as caught:
            ask()
        assert "mount what was mounted" in caught.value.hint
    assert list(tiny_disk.iterdir()) == [], "what was unmounted is where it was"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tiny_disk)], check=True)


def test_a_full_disk_refuses_and_keeps_what_is_there(tiny_disk: Path) -> None:
    store = FileStore(f"{tiny_disk.as_uri()}/")
    store.put("a", b"small")
    for write in (store.put, store.create):
        with pytest.raises(StoreRefusedError, match="No space left") as caught:
            write("b", b"x" * 100_000)
        assert "make room" in caught.value.hint
    assert files(store) == ["a"]
    with pytest.raises(StoreRefusedError):
        store.put("a", b"x" * 100_000)
    assert store.get("a") == b"small"


def test_a_read_only_folder_refuses_writes_and_can_be_read(tiny_disk: Path) -> None:
    store = FileStore(f"{tiny_disk.as_uri()}/")
    store.put("a", b"body")
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    for write in (store.put, store.create):
        with pytest.raises(StoreRefusedError, match="Read-only") as caught:
            write("b", b"")
        assert "writable" in caught.value.hint
    with pytest.raises(StoreRefusedError):
        store.delete("a")
    assert store.get("a") == b"body"


def test_what_a_killed_process_was_writing_goes_when_its_folder_is_listed(file_store: FileStore) -> None:
    """Of this machine's own processes, and only once they are gone."""
    file_store.put("a", b"")
    gone = subprocess.run(  # it names a temporary file as the store would, and ends
        [sys.executable, "-c", "from clusterless.store.litter import new_name; print(new_name())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    ours, strangers = new_name(), ".tmp-another-machine-1-0"
    for name in (gone, ours, strangers):
        (folder(file_store) / name).write_bytes(b"half")
    assert [info.key for info in file_store.list()] == ["a"]
    assert {path.name for path in folder(file_store).iterdir()} == {"a", ours, strangers}
