"""A folder of a store that is swapped for a link while it is used: nothing outside is written, removed or read."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from clusterless.errors import ClsError, StoreRefusedError
from clusterless.store import bounds
from clusterless.store.files import FileStore

USES: dict[str, Callable[[FileStore], object]] = {
    "get": lambda store: store.get("in/a"),
    "open": lambda store: store.open("in/a"),
    "copy": lambda store: store.copy("b", store, "in/a"),
    "list": lambda store: list(store.list("in/")),
    "put": lambda store: store.put("in/a", b"ours"),
    "create": lambda store: store.create("in/new", b"ours"),
    "a new folder": lambda store: store.put("in/deeper/new", b"ours"),
    "delete": lambda store: store.delete("in/a"),
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the store's, with an object of a name that the store has, too."""
    made = tmp_path / "outside"
    made.mkdir()
    (made / "a").write_bytes(b"theirs")
    return made


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """A store that has seen its folder ``in``, and that this is none of links."""
    made = FileStore(f"{(tmp_path / 'store').as_uri()}/")
    made.put("in/a", b"ours")
    assert made.get("in/a") == b"ours"
    return made


def swap(store: FileStore, target: Path) -> None:
    folder = Path(store._folder) / "in"
    folder.rename(folder.with_name("before"))
    folder.symlink_to(target)


def holds(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() if path.is_file() else b"" for path in folder.iterdir()}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_folder_that_was_seen_and_is_a_link_since_leads_nowhere(
    store: FileStore, outside: Path, use: Callable[[FileStore], object]
) -> None:
    swap(store, outside)
    with pytest.raises(StoreRefusedError, match=r"leads out of .*, to .*outside") as refused:
        use(store)
    assert "remove the symbolic link" in refused.value.hint
    assert holds(outside) == {"a": b"theirs"}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_one_that_leads_to_another_folder_of_the_store_is_followed(
    store: FileStore, use: Callable[[FileStore], object]
) -> None:
    swap(store, Path(store._folder) / "before")
    use(store)


def test_a_store_of_all_that_the_machine_has_works_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    store, key = FileStore("file:///"), f"{tmp_path}/new/folder/a".removeprefix("/")
    store.create(key, b"1")
    assert (store.get(key), [*store.list_keys(f"{tmp_path}/new/"[1:])]) == (b"1", [key])
    store.delete(key)
    assert [*tmp_path.iterdir()] == [tmp_path / "kept"]


def test_a_store_whose_folder_another_has_pruned_is_made_again(tmp_path: Path) -> None:
    """Locations may lie one in the other: what another store has emptied is not lost."""
    outer, inner = (FileStore(f"{path.as_uri()}/") for path in (tmp_path, tmp_path / "a/b"))
    outer.put("kept", b"")
    inner.put("c/d", b"1")
    outer.delete("a/b/c/d")
    assert not (tmp_path / "a").exists()
    inner.put("c/d", b"2")
    assert [*inner.list_keys()] == ["c/d"]


@pytest.fixture
def swapped(store: FileStore, outside: Path) -> Iterator[None]:
    """All the while, the folder is now itself and now a link."""
    over, folder = threading.Event(), Path(store._folder) / "in"
    before = folder.with_name("before")

    def swap_for_ever() -> None:
        while not over.is_set():
            shutil.rmtree(before, ignore_errors=True)
            with suppress(OSError):
                folder.rename(before)
            with suppress(OSError):
                folder.symlink_to(outside)
                time.sleep(0.0005)
                folder.unlink()
            with suppress(OSError):
                before.rename(folder)
            time.sleep(0.0005)

    swapping = threading.Thread(target=swap_for_ever)
    swapping.start()
    yield
    over.set()
    swapping.join()


@pytest.mark.usefixtures("swapped")
def test_whoever_swaps_in_the_midst_has_nothing_written_or_removed_outside(store: FileStore, outside: Path) -> None:
    refused = 0
    for number in range(1000):
        for use in (USES["put"], USES["delete"], USES["create"], USES["a new folder"]):
            try:
                use(store)
            except ClsError as error:
                refused += "leads out" in str(error)
        assert holds(outside) == {"a": b"theirs"}, number
        if refused >= 50:
            break
    assert refused, "it was never swapped at the right time"


def test_where_the_system_tells_no_place_all_is_as_it_was(
    store: FileStore, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "_where", lambda _: "")
    assert store.get("in/a") == b"ours"
    swap(store, outside)
    assert store.get("in/a") == b"theirs"
