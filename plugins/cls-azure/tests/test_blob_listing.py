"""Listings come out in order of key, whatever the names: the service's own order is another."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from beds.azurite import Azurite
from hypothesis import given
from hypothesis import strategies as st

from cls_azure import clients
from cls_azure.listing import in_order, start_of
from cls_azure.settings import reach
from cls_azure.store import open_container

# Beyond U+FFFF a character is greater than all before it, and its first UTF-16 code less than those of the last ones.
NAMES = st.text(alphabet="a/z\ud7ff\ue000\uffee\U00010000\U0001f600", min_size=1, max_size=6)
KEYS = ["a", "a/\ue000", "a/\U0001f600", "a/\U0001f600/\uffee", "a/\U0001f600/\U0001f600", "b", "\uffee", "\U0001f600"]


def codes(name: str) -> bytes:
    """By which the service orders names."""
    return name.encode("utf-16-be")


def listed(names: set[str], after: str = "") -> list[Any]:
    """As the service lists them, from a name on."""
    return [SimpleNamespace(name=each) for each in sorted(names, key=codes) if codes(each) >= codes(after)]


@given(names=st.sets(NAMES, max_size=15))
def test_they_are_in_order_and_whole(names: set[str]) -> None:
    assert [each.name for each in in_order(listed(names))] == sorted(names)


@given(names=st.sets(NAMES, max_size=15), after=NAMES)
def test_none_after_a_name_is_left_out(names: set[str], after: str) -> None:
    found = [each.name for each in in_order(listed(names, start_of(after)))]
    assert [name for name in found if name > after] == sorted(name for name in names if name > after)


def test_only_what_may_be_out_of_order_waits() -> None:
    asked: list[str] = []

    def asking() -> Any:
        for each in listed({"a", "b/\U0001f600/1", "b/\U0001f600/2", "b/\ue000", "c", "d"}):
            asked.append(each.name)
            yield each

    found = in_order(asking())
    next(found)
    assert asked == ["a"]
    assert next(found).name == "b/\ue000"
    assert asked[-1] == "c"


def test_the_service_lists_by_the_codes_and_the_store_by_the_characters(azure: Azurite) -> None:
    container = f"names-{uuid4().hex[:12]}"
    client = clients.blobs(reach(None)).create_container(container)
    store = open_container(f"az://{container}/", None)
    for key in KEYS:
        store.put(key, b"")
    assert [each.name for each in client.list_blobs()] == sorted(KEYS, key=codes) != sorted(KEYS)
    assert [each.key for each in store.list()] == sorted(KEYS)
    for after in [*KEYS, "a/", "a/\U0001f600/", "\ufffd", "\U0010ffff"]:
        assert [each.key for each in store.list(after=after)] == sorted(key for key in KEYS if key > after)
        assert [each.key for each in store.list("a/", after)] == sorted(
            key for key in KEYS if key > after and key.startswith("a/")
        )


def test_what_is_marked_as_a_folder_is_no_object(azure: Azurite) -> None:
    container = f"folders-{uuid4().hex[:12]}"
    client = clients.blobs(reach(None)).create_container(container)
    client.upload_blob("in/folder", b"", metadata={"hdi_isfolder": "true"})
    client.upload_blob("in/folder/a", b"", metadata={"mine": "1"})
    assert [each.key for each in open_container(f"az://{container}/in/", None).list()] == ["folder/a"]
