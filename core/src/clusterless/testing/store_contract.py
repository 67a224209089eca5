"""The contract every `ObjectStore` is held to."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import pytest

from clusterless.errors import ObjectExistsError, ObjectMissingError, StoreRefusedError, StoreUnavailableError
from clusterless.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clusterless.store.api import ObjectStore

_MIB = 1 << 20
_KEYS = [
    "a",
    "deep/er/and/deeper/still",
    "lot=1/state=x",
    "sp ace/ü/日本",
    "100%/%20",
    "a+b&c:@!$'()*,;~",
    "-x.y",
    "..a/b..",
]
_NO_KEYS = ["", "/", "/absolute", "..", "../out", "a/../../out", "a/..", "./a", "a/./b", "."]


class ObjectStoreContract:
    """Inherit, say how to reach your store, and keep every test passing.

    Provide the `store` fixture (empty each time) and, through the SDK and never
    through the store, `poke` and `peek`: a store checked only against itself can be
    consistently wrong. A limit is declared by listing the test's name in
    `known_limits` with its reason: the test then must *fail*, so a limit that
    was lifted cannot stay on the list.
    """

    __test__ = False
    known_limits: ClassVar[Mapping[str, str]] = {}
    tolerance: ClassVar[timedelta] = timedelta(minutes=5)
    """How far the store's clock may be from that of the machine that tests."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__test__ = True
        if unknown := [name for name in cls.known_limits if not hasattr(cls, name)]:
            msg = f"{cls.__name__}.known_limits names no such test: {unknown}"
            raise TypeError(msg)

    @pytest.fixture
    def store(self) -> ObjectStore:
        raise NotImplementedError

    def poke(self, store: ObjectStore, key: str, body: bytes) -> None:
        """Write an object without using *store*'s own methods."""
        raise NotImplementedError

    def peek(self, store: ObjectStore, key: str) -> bytes:
        """Read an object without using *store*'s own methods."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _expect_known_limits(self, request: pytest.FixtureRequest) -> None:
        if reason := self.known_limits.get(request.node.originalname):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    # ---- reading and writing

    def test_root_ends_with_a_slash(self, store: ObjectStore) -> None:
        assert store.root.endswith("/")

    def test_get_reads_what_others_wrote(self, store: ObjectStore) -> None:
        self.poke(store, "a/b", b"body")
        assert store.get("a/b") == b"body"

    def test_put_is_seen_by_others(self, store: ObjectStore) -> None:
        store.put("a/b", b"body")
        assert self.peek(store, "a/b") == b"body"

    def test_create_is_seen_by_others(self, store: ObjectStore) -> None:
        store.create("a/b", b"body")
        assert self.peek(store, "a/b") == b"body"

    @pytest.mark.parametrize("key", _KEYS)
    def test_any_reasonable_key_comes_back_as_it_was(self, store: ObjectStore, key: str) -> None:
        store.create(key, key.encode())
        assert self.peek(store, key) == store.get(key) == key.encode()
        assert [info.key for info in store.list()] == [store.head(key).key] == [key]
        store.delete(key)
        assert list(store.list()) == []

    @pytest.mark.parametrize("body", [b"", b"\x00\xff\r\n", b"x" * (3 * _MIB + 1)], ids=["empty", "binary", "large"])
    def test_bytes_come_back_as_they_were(self, store: ObjectStore, body: bytes) -> None:
        store.put("p", body)
        store.create("c", body)
        assert store.get("p") == store.get("c") == body

    def test_open_streams(self, store: ObjectStore) -> None:
        self.poke(store, "a", b"0123456789")
        with store.open("a") as stream:
            assert (stream.read(3), stream.read(3), stream.read()) == (b"012", b"345", b"6789")

    def test_a_file_is_written_from_where_it_stands(self, store: ObjectStore) -> None:
        for write in (store.put, store.create):
            file = io.BytesIO(b"not this|this")
            file.seek(9)
            write(write.__name__, file)
            assert self.peek(store, write.__name__) == b"this"

    def test_a_large_file_is_written_piece_by_piece(self, store: ObjectStore) -> None:
        file = _Countless(32 * _MIB)
        store.put("large", file)
        assert store.head("large").size == 32 * _MIB
        assert file.largest <= 16 * _MIB

    def test_a_stream_that_breaks_leaves_nothing(self, store: ObjectStore) -> None:
        for write in (store.put, store.create):
            with pytest.raises(StoreUnavailableError):
                write("broken/a", _Breaking(b"half"))
        assert list(store.list()) == []

    def test_put_replaces(self, store: ObjectStore) -> None:
        self.poke(store, "a", b"a longer one")
        store.put("a", b"short")
        assert store.get("a") == self.peek(store, "a") == b"short"

    def test_what_a_reader_has_open_stays_whole(self, store: ObjectStore) -> None:
        store.put("a", b"1" * _MIB)
        with store.open("a") as stream:
            first = stream.read(10)
            store.put("a", b"2" * _MIB)
            assert set(first + stream.read()) == {ord("1")}

    # ---- what is not there

    def test_what_is_not_there_is_missing(self, store: ObjectStore) -> None:
        store.put("a/b/c", b"")
        for look in (store.get, store.open, store.head):
            for key in ("x", "x/y", "a", "a/b", "a/b/c/d", "a/b/cc"):
                with pytest.raises(ObjectMissingError, match=key):
                    look(key)

    def test_delete_removes(self, store: ObjectStore) -> None:
        self.poke(store, "a/b", b"")
        self.poke(store, "a/c", b"")
        store.delete("a/b")
        assert [info.key for info in store.list()] == ["a/c"]

    def test_delete_of_nothing_succeeds(self, store: ObjectStore) -> None:
        store.put("a/b", b"")
        for key in ("x", "x/y", "a", "a/b/c"):
            store.delete(key)
        assert store.get("a/b") == b""

    def test_what_was_deleted_may_be_created(self, store: ObjectStore) -> None:
        store.create("a/b", b"1")
        store.delete("a/b")
        store.create("a/b", b"2")
        assert store.get("a/b") == b"2"

    @pytest.mark.parametrize("key", _NO_KEYS)
    def test_what_is_no_key_is_refused(self, store: ObjectStore, key: str) -> None:
        uses: list[Callable[[], object]] = [
            lambda: store.get(key),
            lambda: store.open(key),
            lambda: store.head(key),
            lambda: store.put(key, b""),
            lambda: store.create(key, b""),
            lambda: store.delete(key),
        ]
        for use in uses:
            with pytest.raises(StoreRefusedError):
                use()

    # ---- create

    def test_create_keeps_the_first_writer(self, store: ObjectStore) -> None:
        store.create("claim", b"first")
        with pytest.raises(ObjectExistsError, match="claim"):
            store.create("claim", b"second")
        assert self.peek(store, "claim") == b"first"

    def test_create_sees_what_others_wrote(self, store: ObjectStore) -> None:
        self.poke(store, "claim", b"first")
        with pytest.raises(ObjectExistsError, match="claim"):
            store.create("claim", io.BytesIO(b"second"))
        assert store.get("claim") == b"first"

    def test_create_has_exactly_one_winner(self, store: ObjectStore) -> None:
        def attempt(turn: int, writer: int) -> bytes | None:
            body = str(writer).encode() * 1000
            try:
                store.create(f"turn={turn}/claim", body)
            except ObjectExistsError:
                return None
            return body

        with ThreadPoolExecutor(12) as pool:
            for turn in range(10):
                tries = [pool.submit(attempt, turn, writer) for writer in range(12)]
                won = [body for body in (each.result() for each in tries) if body]
                assert won == [self.peek(store, f"turn={turn}/claim")]

    def test_a_write_is_read_and_listed_at_once(self, store: ObjectStore) -> None:
        def use(writer: int) -> None:
            for number in range(5):
                key = f"{writer}/{number}"
                store.create(key, key.encode())
                assert store.get(key) == key.encode()
                assert [info.key for info in store.list(f"{writer}/")] == [
                    f"{writer}/{each}" for each in range(number + 1)
                ]
            for number in range(5):
                store.delete(f"{writer}/{number}")
                assert len(list(store.list(f"{writer}/"))) == 4 - number

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(8)))

    # ---- list

    def test_list_is_in_order_of_key_whatever_the_folders(self, store: ObjectStore) -> None:
        keys = ["a-b/x", "a.b", "a/b", "a/b-c/d", "a/b.c", "a/bc/d", "a0", "a/c/d", "é", "z", "A", "a b/c", "日/本"]
        for key in keys:
            self.poke(store, key, b"")
        assert [info.key for info in store.list()] == [*store.list_keys()] == sorted(keys)

    def test_list_keeps_to_the_prefix(self, store: ObjectStore) -> None:
        for key in ("arcs/a/2", "arcs/a/1", "arcs/ab/1", "other"):
            self.poke(store, key, b"")
        assert [info.key for info in store.list("arcs/a/")] == ["arcs/a/1", "arcs/a/2"]
        assert [info.key for info in store.list("arcs/ab")] == ["arcs/ab/1"]
        assert [info.key for info in store.list("arcs/a")] == ["arcs/a/1", "arcs/a/2", "arcs/ab/1"]
        assert [info.key for info in store.list("other")] == ["other"]
        assert list(store.list("nothing/")) == list(store.list("arcs/a/1/")) == []

    def test_list_begins_after_a_key(self, store: ObjectStore) -> None:
        keys = sorted(["a-b/x", "a/b", "a/c", "a/c-d/e", "a/d/e", "b", "bb/c"])
        for key in keys:
            self.poke(store, key, b"")
        for after in [*keys, "a", "a/", "a/c/", "a/ca", "a-", "A", "zz", "a0", "a/d/e/f"]:
            later = [key for key in keys if key > after]
            assert [info.key for info in store.list(after=after)] == [*store.list_keys(after=after)] == later
            later = [key for key in later if key.startswith("a/")]
            assert [info.key for info in store.list("a/", after)] == [*store.list_keys("a/", after)] == later

    def test_list_is_whole_beyond_a_page(self, store: ObjectStore) -> None:
        keys = [f"p/{number:04}" for number in range(1100)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda key: self.poke(store, key, b""), keys))
        assert [info.key for info in store.list("p/")] == keys
        assert [info.key for info in store.list("p/", keys[999])] == keys[1000:]
        lazily = store.list("p/")
        assert [next(lazily).key for _ in range(3)] == keys[:3]

    def test_list_tolerates_what_happens_meanwhile(self, store: ObjectStore) -> None:
        for number in range(20):
            self.poke(store, f"p/{number:02}/x", b"")
        listing = store.list("p/")
        seen = [next(listing).key]
        for number in range(5, 20):
            store.delete(f"p/{number:02}/x")
        seen += [info.key for info in listing]
        assert seen == sorted(seen)
        assert {f"p/{number:02}/x" for number in range(5)} <= set(seen)

    # ---- what is known of an object

    def test_head_and_list_say_the_same_and_the_truth(self, store: ObjectStore) -> None:
        self.poke(store, "a/b", b"12345")
        (listed,) = store.list()
        assert listed == store.head("a/b")
        assert (listed.key, listed.size) == ("a/b", 5)
        assert listed.time.tzinfo is not None
        assert abs(listed.time - store.now()) < self.tolerance

    def test_etag_changes_with_the_content_only(self, store: ObjectStore) -> None:
        store.put("a", b"one")
        etag = store.head("a").etag
        assert etag == store.head("a").etag
        store.put("a", b"two")
        assert etag != store.head("a").etag

    def test_now_is_near_and_goes_on(self, store: ObjectStore) -> None:
        before = store.now()
        store.put("a", b"")
        after = store.now()
        assert before.tzinfo is not None
        assert -timedelta(seconds=1) <= after - before < self.tolerance

    # ---- copy

    def test_copy_within_the_store(self, store: ObjectStore) -> None:
        self.poke(store, "from/a", b"body")
        store.copy("to/b", store, "from/a")
        assert self.peek(store, "to/b") == self.peek(store, "from/a") == b"body"

    def test_copy_between_stores(self, store: ObjectStore) -> None:
        other = MemoryStore("memory://other/")
        other.put("theirs", b"y" * _MIB)
        store.copy("ours", other, "theirs")
        other.copy("back", store, "ours")
        assert self.peek(store, "ours") == other.get("back") == b"y" * _MIB

    def test_copy_of_nothing_is_missing(self, store: ObjectStore) -> None:
        with pytest.raises(ObjectMissingError, match="nothing"):
            store.copy("a", store, "nothing")
        assert list(store.list()) == []


class _Countless(io.BytesIO):
    """So many bytes, made as they are read; *largest* is the most that was asked for at once."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._position = 0
        self.largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._size - self._position
        given = left if size is None or size < 0 else min(size, left)
        self.largest = max(self.largest, given)
        self._position += given
        return bytes(given)

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        self._position = position + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position


class _Breaking(io.BytesIO):
    """Breaks at its end, as the connection it comes from might."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size and size > 0 and (part := super().read(size)):
            return part
        msg = "the connection broke"
        raise StoreUnavailableError(msg)
