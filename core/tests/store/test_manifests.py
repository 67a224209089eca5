from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless import layout
from clusterless.errors import InvalidValueError, MalformedError, ObjectConflictError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.store.files import FileStore
from clusterless.store.manifests import INLINE_LIMIT, Manifests, decode, encode, fetch
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import CountingStore, ScriptedStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clusterless.store.api import ObjectInfo

COMPLETE, EMPTY, PARTIAL, REMOVED = ManifestState
DATASET = Dataset(name="flights", version="1")
LOT = Lot.parse("20230101PT5M050")


def manifest(count: int, state: ManifestState = COMPLETE) -> Manifest:
    return Manifest(state=state, lot=LOT, uris=tuple(f"s3://bucket/part-{number:09}" for number in range(count)))


# ---- bytes


def test_the_bytes_are_those_of_the_reference_system() -> None:
    encoded = encode(Manifest(state=COMPLETE, lot=LOT, uris=("s3://bucket/key",)))
    assert encoded.inline == (
        b'{"state":"complete","comment":null,"lotId":"20230101PT5M050","uriType":"identifier","uris":["s3://bucket/key"]}'
    )
    assert encoded.objects == 1
    assert encode(Manifest(state=EMPTY, lot=LOT)).inline == (
        b'{"state":"empty","comment":null,"lotId":"20230101PT5M050","uriType":"identifier","uris":[]}'
    )


texts = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.sampled_from([COMPLETE, PARTIAL, REMOVED]), st.none() | texts, st.sampled_from(UriType), st.lists(texts))
def test_what_is_encoded_is_decoded(state: ManifestState, comment: str | None, kind: UriType, uris: list[str]) -> None:
    written = Manifest(state=state, comment=comment, lot=LOT, uri_type=kind, uris=tuple(uris))
    encoded = encode(written)
    assert encoded.inline
    store = MemoryStore()
    store.put("m", encoded.inline)
    assert decode(store, "m") == written
    keys = {"state": state.value, "comment": comment, "lotId": str(LOT), "uriType": kind.value, "uris": uris}
    assert encoded.inline == json.dumps(keys, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("count", [0, 1, 7_000, 9_000, 40_000])
def test_digest_size_and_count_are_of_the_stored_bytes(count: int) -> None:
    encoded = encode(manifest(count))
    with encoded.open() as first, encoded.open() as second:
        body = first.read()
        assert second.read() == body
    assert encoded.digest == hashlib.sha256(body).hexdigest()
    assert (encoded.size, encoded.objects) == (len(body), count)
    assert encoded.inline == (body if len(body) <= INLINE_LIMIT else None)
    assert len(json.loads(body)["uris"]) == count


def test_the_limit_is_exact() -> None:
    spare = INLINE_LIMIT - encode(Manifest(state=COMPLETE, lot=LOT, uris=("",))).size
    for more, inline in ((0, True), (1, False)):
        encoded = encode(Manifest(state=COMPLETE, lot=LOT, uris=("x" * (spare + more),)))
        assert encoded.size == INLINE_LIMIT + more
        assert (encoded.inline is not None) == inline
        store = MemoryStore()
        with encoded.open() as stream:
            store.put("m", stream)
        assert isinstance(decode(store, "m").uris, tuple) == inline
        assert [len(uri) for uri in decode(store, "m").uris] == [spare + more]
        fetched = fetch(store, "m")
        assert (tuple(fetched.manifest().uris), fetched.digest) == (tuple(decode(store, "m").uris), encoded.digest)


def test_a_large_manifest_can_be_iterated_again() -> None:
    store = MemoryStore()
    written = manifest(20_000)
    with encode(written).open() as stream:
        store.put("m", stream)
    read = decode(store, "m")
    assert (read.state, read.comment, read.lot, read.uri_type) == (COMPLETE, None, LOT, UriType.IDENTIFIER)
    assert tuple(read.uris) == tuple(read.uris) == written.uris
    assert encode(read) == encode(written)


def test_a_large_manifest_may_have_its_keys_in_any_order_and_others() -> None:
    uris = [f"s3://bucket/part-{number:09}" for number in range(20_000)]
    foreign = {"dataset": {"state": "x", "uris": ["y"]}, "uris": uris, "lotId": str(LOT), "new": [], "state": "partial"}
    store = MemoryStore()
    store.put("m", json.dumps(foreign, indent=1).encode())
    read = decode(store, "m")
    assert (read.state, read.lot, list(read.uris)) == (PARTIAL, LOT, uris)


def test_unknown_and_missing_keys_of_other_writers_are_passed_over() -> None:
    store = MemoryStore()
    store.put("m", b'{"dataset": {"name": "x"}, "state": "complete", "lotId": "20230101PT5M050", "uris": ["a"]}')
    assert decode(store, "m") == Manifest(state=COMPLETE, lot=LOT, uris=("a",))


def test_the_first_json_child_of_a_folder_is_the_manifest(file_store: FileStore) -> None:
    for name in ("_SUCCESS", "part-0.json", "part-1.json"):
        body = b"" if name == "_SUCCESS" else encode(manifest(int(name[5]) + 1)).inline
        assert body is not None
        file_store.put(f"manifest.json/{name}", body)
    assert decode(file_store, "manifest.json") == manifest(1)
    with pytest.raises(ObjectMissingError):
        decode(file_store, "other.json")


LARGE = " " * INLINE_LIMIT


@pytest.mark.parametrize("padding", ["", LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"state": "complete"',
        '{"state": "finished", "lotId": "20230101PT5M050", "uris": []}',
        '{"lotId": "20230101PT5M050", "uris": []}',
        '{"state": "complete", "lotId": "yesterday", "uris": []}',
        '{"state": "complete", "lotId": 5, "uris": []}',
        '{"state": "complete", "lotId": "20230101PT5M050", "uriType": "x", "uris": []}',
        '{"state": "complete", "lotId": "20230101PT5M050", "uris": [5]}',
        '{"state": "complete", "lotId": "20230101PT5M050", "uris": ["a',
        '{"state": "empty", "lotId": "20230101PT5M050", "uris": ["a"]}',
        "[" * 5_000,
    ],
)
def test_what_is_no_manifest_is_malformed_and_named(text: str, padding: str) -> None:
    store = MemoryStore("memory://m/")
    store.put("a b/m", (padding + text).encode())
    for read in (decode, lambda store, key: fetch(store, key).manifest()):
        with pytest.raises(MalformedError, match="memory://m/a%20b/m"):
            list(read(store, "a b/m").uris)


def test_a_million_uris_take_little_memory(tmp_path: Path) -> None:
    program = Path(__file__).with_name("million_uris.py")
    ran = subprocess.run(
        [sys.executable, str(program), f"{tmp_path.as_uri()}/"], capture_output=True, text=True, check=True
    )
    megabytes = json.loads(ran.stdout)
    assert megabytes["more"] < 100, ran.stdout


# ---- of datasets


def publish(manifests: Manifests, lot: Lot, state: ManifestState = COMPLETE, revision: int = 0) -> str:
    body = encode(Manifest(state=state, comment=f"revision {revision}", lot=lot)).inline
    assert body is not None
    return manifests.publish(DATASET, lot, state, revision, body)


@pytest.fixture
def manifests(memory_store: MemoryStore) -> Manifests:
    return Manifests(memory_store)


def test_published_is_found_and_read(manifests: Manifests) -> None:
    uri = publish(manifests, LOT)
    assert uri == f"memory:///datasets/name=flights/version=1/lot={LOT}/state=complete/manifest.json"
    found = manifests.newest(DATASET, LOT)
    assert found
    assert (found.uri, found.lot, found.state, found.revision) == (uri, LOT, COMPLETE, 0)
    assert found.time == manifests.store.head(found.key).time
    assert manifests.read(found) == manifests.read(uri) == Manifest(state=COMPLETE, comment="revision 0", lot=LOT)


def test_uri_of_another_store_is_refused(manifests: Manifests) -> None:
    with pytest.raises(InvalidValueError, match="is not below"):
        manifests.read("memory://other/manifest.json")


def test_publishing_again_is_nothing_new_and_other_bytes_are_a_conflict(manifests: Manifests) -> None:
    assert publish(manifests, LOT) == publish(manifests, LOT)
    with pytest.raises(ObjectConflictError, match="holds another manifest"):
        manifests.publish(DATASET, LOT, COMPLETE, 0, b"other")
    found = manifests.newest(DATASET, LOT)
    assert found
    assert manifests.read(found).comment == "revision 0"


def test_a_lost_answer_is_settled_when_publishing() -> None:
    from clusterless.errors import StoreUnavailableError

    def lose(moment: object) -> None:
        if moment.number == 1 and moment.done:  # type: ignore[attr-defined]
            raise StoreUnavailableError("lost")

    publish(Manifests(ScriptedStore(MemoryStore(), lose)), LOT)


def test_a_large_body_is_published_from_its_file(manifests: Manifests) -> None:
    with encode(manifest(20_000)).open() as stream:
        uri = manifests.publish(DATASET, LOT, COMPLETE, 0, stream)
    assert len(list(manifests.read(uri).uris)) == 20_000


def test_the_newest_is_the_highest_readable_revision_as_a_number(manifests: Manifests) -> None:
    assert manifests.newest(DATASET, LOT) is None
    for state, revision in ((COMPLETE, 0), (COMPLETE, 9), (EMPTY, 10), (PARTIAL, 11), (REMOVED, 12)):
        publish(manifests, LOT, state, revision)
    found = manifests.newest(DATASET, LOT)
    assert found
    assert (found.state, found.revision) == (EMPTY, 10)


def test_the_newest_takes_one_list(memory_store: MemoryStore) -> None:
    counting = CountingStore(memory_store)
    publish(Manifests(memory_store), LOT)
    Manifests(counting).newest(DATASET, LOT)
    assert counting.requests == {"list": 1}


def test_a_manifest_that_is_a_folder_is_found(manifests: Manifests) -> None:
    body = encode(manifest(1)).inline
    assert body
    manifests.store.put(f"{layout.manifest(DATASET, LOT, COMPLETE, 3)}/part-0.json", body)
    manifests.store.put(f"{layout.manifest(DATASET, LOT, COMPLETE, 3)}/_SUCCESS", b"")
    found = manifests.newest(DATASET, LOT)
    assert found
    assert found.revision == 3
    assert manifests.read(found) == manifests.read(found.uri) == manifest(1)


FOREIGN = [
    "README",
    "lot=x/state=complete/manifest.json",
    f"lot={LOT}/state=done/manifest.json",
    f"lot={LOT}/state=complete/manifest.json.bak",
    f"lot={LOT}/state=complete/attempt=one-1/manifest.json",
    f"lot={LOT}/state=complete/attempt=-1/manifest.json",
    f"lot={LOT}/state=complete/attempt=7/manifest.json/a/b.json",
    f"lot={LOT}/state=complete/attempt=7/extra/manifest.json",
    f"lot={LOT}/state=complete/attempt=07/manifest.json",
    f"lot={LOT.next}/state=partial/attempt=1700000000000/manifest.json",
    "lot=zzz/state=complete/manifest.json",
]


def test_foreign_keys_are_passed_over(manifests: Manifests) -> None:
    publish(manifests, LOT)
    for name in FOREIGN:
        manifests.store.put(layout.dataset_path(DATASET) + name, b"")
    assert [(found.lot, found.revision) for found in manifests.lots(DATASET)] == [(LOT, 0)]
    assert manifests.last_lot(DATASET) == LOT


def test_lots_are_the_newest_of_each_in_order(manifests: Manifests) -> None:
    lots = [LOT.plus(number) for number in range(10)]
    for lot in reversed(lots):
        publish(manifests, lot)
    publish(manifests, lots[3], COMPLETE, 2)
    publish(manifests, lots[4], PARTIAL, 2)
    assert [found.lot for found in manifests.lots(DATASET)] == lots
    assert [found.revision for found in manifests.lots(DATASET)] == [0, 0, 0, 2, 0, 0, 0, 0, 0, 0]
    for number, lot in enumerate(lots):
        assert [found.lot for found in manifests.lots(DATASET, lot)] == lots[number + 1 :]
    assert [found.lot for found in manifests.lots(DATASET, LOT.previous)] == lots
    assert list(manifests.lots(Dataset(name="flights", version="10"))) == []


def test_lots_are_listed_as_they_are_wanted(memory_store: MemoryStore) -> None:
    for number in range(1500):
        publish(Manifests(memory_store), LOT.plus(number))
    counting = CountingStore(memory_store)
    lots = Manifests(counting).lots(DATASET)
    assert next(lots).lot == LOT
    assert counting.requests == {"list": 1}
    assert sum(1 for _ in lots) == 1499
    assert counting.requests == {"list": 2}


@given(st.lists(st.tuples(st.integers(0, 100_000), st.sampled_from(ManifestState)), max_size=8))
def test_the_last_lot_is_the_last_of_all_lots(made: list[tuple[int, ManifestState]]) -> None:
    manifests = Manifests(MemoryStore())
    for number, state in made:
        publish(manifests, LOT.plus(number), state)
    every = [found.lot for found in manifests.lots(DATASET)]
    assert manifests.last_lot(DATASET) == (max(every) if every else None)


def test_the_last_lot_of_a_long_time_is_found_without_listing_the_others() -> None:
    listed: list[str] = []

    class Listed(MemoryStore):
        def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
            for info in super().list(prefix, after):
                listed.append(info.key)
                yield info

    manifests = Manifests(Listed())
    daily = [LOT.plus(number * LOT.unit.per_day) for number in range(3000)]
    for lot in daily:
        publish(manifests, lot)
    assert manifests.last_lot(DATASET) == daily[-1]
    assert len(listed) < 30
