"""What the code of a workload sees of its lot."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.errors import ClsError, InvalidValueError, ObjectMissingError, WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.sdk import LotWork
from clusterless.sdk.functions import find
from clusterless.store.api import ObjectStore
from clusterless.store.files import FileStore
from clusterless.store.manifests import decode, encode

LOT = "20240131PT5M287"


class Place:
    """A lot's sources and sinks in folders, and the variables that tell of them."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.environment = {
            "CLS_LOT": LOT,
            "CLS_ATTEMPT": "0-1-abc",
            "CLS_REVISION": "2",
            "CLS_IDEMPOTENCY_KEY": "sink/1/x",
            "PATH": os.environ["PATH"],
        }
        self.props: dict[str, Any] = {
            "sources": {
                "main": {"name": "in", "version": "1", "subscribe": True, "pathURI": self.uri("in")},
                "late": {"name": "late", "version": "1", "subscribe": True},
            },
            "sinks": {role: {"name": role, "version": "1", "pathURI": self.uri(role)} for role in ("main", "spare")},
            "sourceManifestPaths": {"main": f"{self.uri('manifests')}in.json"},
            "sinkManifestTemplates": {
                role: f"{self.uri('manifests')}{role}/lot={{lot}}/state={{state}}/manifest.json"
                for role in ("main", "spare")
            },
            "workloadProps": {"minutes": 15},
        }
        self.fill()

    def uri(self, folder: str) -> str:
        return f"{(self.base / folder).as_uri()}/"

    def store(self, folder: str) -> FileStore:
        return FileStore(self.uri(folder))

    def fill(self, *keys: str) -> None:
        for key in keys:
            self.store("in").put(key, key.encode())
        uris = tuple(self.uri("in") + key for key in keys)
        state = ManifestState.COMPLETE if keys else ManifestState.EMPTY
        with encode(Manifest(state=state, lot=Lot.parse(LOT), uris=uris)).open() as body:
            self.store("manifests").put("in.json", body)

    def variables(self) -> dict[str, str]:
        return {**self.environment, "CLS_ARC_PROPS_JSON": json.dumps(self.props)}

    def work(self) -> LotWork:
        return LotWork.from_environment(self.variables())

    def staged(self, role: str = "main") -> list[tuple[str, list[str]]]:
        """State and keys of the manifests that were written for *role*."""
        store = self.store("manifests")
        manifests = [decode(store, info.key) for info in store.list(f"{role}/")]
        return [(each.state.value, [uri.removeprefix(self.uri(role)) for uri in each.uris]) for each in manifests]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_work_says_what_it_is(place: Place) -> None:
    work = place.work()
    assert (work.lot, work.attempt, work.revision, work.token) == (Lot.parse(LOT), "0-1-abc", 2, "sink/1/x")
    assert work.props == {"minutes": 15}


def test_objects_of_a_joined_source_have_the_keys_of_the_location_that_each_is_of(place: Place) -> None:
    """The longest counts; what lies below none of them is refused."""
    for folder in ("far", "in/deep"):
        place.store(folder).put("b.csv", folder.encode())
    place.fill("a.csv")
    manifest = json.loads(place.store("manifests").get("in.json"))
    manifest["uris"] += [place.uri("in/deep") + "b.csv", place.uri("far") + "b.csv"]
    place.store("manifests").put("in.json", json.dumps(manifest).encode())
    place.props["sources"]["main"]["roots"] = [place.uri("in"), place.uri("in/deep"), place.uri("far")]
    found = [(each.key, each.read()) for each in place.work().source()]
    assert found == [("a.csv", b"a.csv"), ("b.csv", b"in/deep"), ("b.csv", b"far")]
    place.props["sources"]["main"]["roots"].pop()
    with pytest.raises(InvalidValueError, match=r"far/b\.csv is not below"):
        list(place.work().source())


def test_the_objects_of_a_source_are_read_as_often_as_wanted(place: Place) -> None:
    place.fill("a.csv", "day=1/b.csv")
    source = place.work().source()
    assert not source.missing
    assert [(each.key, each.name, each.read()) for each in source] == [
        ("a.csv", "a.csv", b"a.csv"),
        ("day=1/b.csv", "b.csv", b"day=1/b.csv"),
    ]
    with next(iter(source)).open() as stream:
        assert stream.read(3) == b"a.c"


def test_an_empty_source_is_not_missing(place: Place) -> None:
    source = place.work().source("main")
    assert list(source) == []
    assert not source.missing
    assert source.manifest().state is ManifestState.EMPTY


def test_a_source_that_was_not_there_is_missing_and_empty(place: Place) -> None:
    source = place.work().source("late")
    assert source.missing
    assert list(source) == []
    with pytest.raises(InvalidValueError, match="missing source"):
        source.manifest()


def test_an_object_that_is_gone_is_missing(place: Place) -> None:
    place.fill("a")
    place.store("in").delete("a")
    with pytest.raises(ObjectMissingError):
        next(iter(place.work().source())).read()


@pytest.mark.parametrize("kind", ["source", "sink"])
def test_a_role_that_is_not_declared_names_those_that_are(place: Place, kind: str) -> None:
    with pytest.raises(InvalidValueError, match=rf"no {kind} 'mian' \(it has: main, "):
        getattr(place.work(), kind)("mian")


def test_a_block_that_ends_well_stages_a_manifest_for_every_sink(place: Place) -> None:
    with place.work() as work:
        for key in ("b", "a/ü 1"):
            with work.sink().open(key) as stream:
                stream.write(b"12")
    assert place.staged() == [("complete", ["b", "a/%C3%BC%201"])]
    assert place.staged("spare") == [("empty", [])]
    assert place.store("main").get("a/ü 1") == b"12"
    assert work.sink().size == 4


def test_a_manifest_has_the_published_bytes(place: Place) -> None:
    with place.work() as work:
        work.sink().write("a", b"")
    uri = place.uri("main")
    assert place.store("manifests").get(f"main/lot={LOT}/state=complete/manifest.json") == (
        f'{{"state":"complete","comment":null,"lotId":"{LOT}","uriType":"identifier","uris":["{uri}a"]}}'.encode()
    )


def _fail(work: LotWork, *keys: str) -> None:
    with work:
        for key in keys:
            work.sink().write(key, b"x")
        with work.sink().open("half") as stream:
            stream.write(b"y")
            msg = "a bad row"
            raise ValueError(msg)


def test_a_block_that_raises_stages_what_was_written_as_partial(place: Place) -> None:
    with pytest.raises(ValueError, match="a bad row"):
        _fail(place.work(), "a")
    assert place.staged() == [("partial", ["a"])]
    assert place.staged("spare") == []
    assert (
        decode(place.store("manifests"), f"main/lot={LOT}/state=partial/manifest.json").comment
        == "ValueError: a bad row"
    )


def test_a_block_that_raises_before_it_wrote_stages_nothing(place: Place) -> None:
    with pytest.raises(ValueError, match="a bad row"):
        _fail(place.work())
    assert place.staged() == []


def test_an_object_is_not_there_before_its_block_ended_well(place: Place) -> None:
    with pytest.raises(ValueError, match="a bad row"):
        _fail(place.work())
    with place.work().sink().open("a") as stream:
        stream.write(b"x")
        stream.flush()
        assert list(place.store("main").list()) == []
    assert [info.key for info in place.store("main").list()] == ["a"]


def test_an_object_that_is_written_again_is_listed_once(place: Place) -> None:
    with place.work() as work:
        work.sink().write("a", b"first")
        work.sink().write("a", b"2nd")
    assert place.staged() == [("complete", ["a"])]
    assert work.sink().size == 3


@pytest.mark.parametrize("code", [None, 0, 1, "no"])
def test_exiting_in_a_block_ends_it_well_or_not(place: Place, code: object) -> None:
    work = place.work()
    work.sink().write("a", b"")
    with pytest.raises(SystemExit), work:
        raise SystemExit(code)
    assert place.staged() == [("complete" if not code else "partial", ["a"])]


@pytest.mark.parametrize("key", ["", "/a", "a/", "../a", "a/../b", "./a", "a//b", "a\0b", "."])
def test_a_key_that_could_lead_elsewhere_is_refused_before_anything_is_written(place: Place, key: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a key"), place.work().sink().open(key):
        pytest.fail("the block was entered")


def test_what_closes_the_stream_does_not_lose_the_object(place: Place) -> None:
    sink = place.work().sink()
    with sink.open("text") as stream, io.TextIOWrapper(stream, "utf-8") as text:
        text.write("é")
    with sink.open("zip") as stream, gzip.open(stream, "wt") as zipped:
        zipped.write("packed")
    assert place.store("main").get("text") == "é".encode()
    assert gzip.decompress(place.store("main").get("zip")) == b"packed"


def test_parquet_is_written_to_the_stream(place: Place) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, 2]})
    with place.work().sink().open("a.parquet") as stream:
        frame.write_parquet(stream)
    assert polars.read_parquet(place.store("main").get("a.parquet")).equals(frame)


def test_a_large_object_is_spooled_to_disk_and_written_whole(place: Place) -> None:
    part = bytes(range(256)) * 4096
    with place.work().sink().open("large") as stream:
        for _ in range(20):
            stream.write(part)
    assert place.store("main").get("large") == part * 20


def test_templates_of_the_reference_system_are_understood(place: Place) -> None:
    root = f"{place.uri('manifests')}main/"
    for template in (
        "lot={lot}/state={state}{/attempt*}/m.json",
        "lot=%7Blot%7D/state=%7Bstate%7D%7B/attempt*%7D/m.json",
    ):
        place.props["sinkManifestTemplates"]["main"] = root + template
        with place.work() as work:
            work.sink().write("a", b"")
        assert place.store("manifests").get(f"main/lot={LOT}/state=complete/m.json")
        place.store("manifests").delete(f"main/lot={LOT}/state=complete/m.json")


@pytest.mark.parametrize(
    "name", ["CLS_ARC_PROPS_JSON", "CLS_LOT", "CLS_ATTEMPT", "CLS_REVISION", "CLS_IDEMPOTENCY_KEY"]
)
def test_a_variable_that_is_missing_is_named(place: Place, name: str) -> None:
    variables = place.variables()
    del variables[name]
    with pytest.raises(WorkloadError, match=f"no {name}"):
        LotWork.from_environment(variables)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLS_LOT", "today"),
        ("CLS_REVISION", "x"),
        ("CLS_ARC_PROPS_JSON", "{"),
        ("CLS_ARC_PROPS_JSON", "[]"),
        ("CLS_ARC_PROPS_JSON", '{"workloadProps": {}, "sources": 1, "sinks": {}}'),
    ],
)
def test_a_variable_that_is_nonsense_is_an_error_of_ours(place: Place, name: str, value: str) -> None:
    with pytest.raises(WorkloadError):
        LotWork.from_environment({**place.variables(), name: value})


@given(
    st.text()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(["sources", "sinks", "workloadProps", "sourceManifestPaths", "main", "name", "pathURI"]),
            inner,
        ),
    ).map(json.dumps)
)
def test_no_props_make_a_traceback(text: str) -> None:
    variables = {"CLS_LOT": LOT, "CLS_ATTEMPT": "a", "CLS_REVISION": "0", "CLS_IDEMPOTENCY_KEY": "k"}
    with suppress(ClsError):
        LotWork.from_environment({**variables, "CLS_ARC_PROPS_JSON": text})


def test_stores_can_be_given(place: Place) -> None:
    opened = []

    def open_store(uri: str) -> ObjectStore:
        opened.append(uri)
        return FileStore(uri)

    place.fill("a")
    work = LotWork.from_environment(place.variables(), open_store)
    assert opened == []
    assert [each.read() for each in work.source()] == [b"a"]
    assert place.uri("in") in opened


def test_progress_is_a_line_on_the_output(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    work = place.work()
    work.progress(3, 7, "wörds")
    work.progress(3)
    assert capsys.readouterr().out == (
        'CLS_PROGRESS {"done": 3, "total": 7, "message": "wörds"}\n'
        'CLS_PROGRESS {"done": 3, "total": null, "message": ""}\n'
    )


CODE = """
def count(work):
    with work.sink().open("count") as stream:
        stream.write(str(len(list(work.source()))).encode())

def fail(work):
    raise ValueError("a bad row")
"""


def _command(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    (place.base / "steps.py").write_text(CODE)
    command = [sys.executable, "-m", "clusterless.sdk", *arguments]
    return subprocess.run(command, cwd=place.base, env=place.variables(), capture_output=True, text=True, check=False)


def test_a_function_is_run_once_from_the_command_line(place: Place) -> None:
    place.fill("a", "b")
    done = _command(place, "steps:count")
    assert (done.returncode, done.stderr) == (0, "")
    assert place.store("main").get("count") == b"2"
    assert place.staged() == [("complete", ["count"])]


def test_a_function_that_fails_on_the_command_line_exits_with_1(place: Place) -> None:
    done = _command(place, "steps:fail")
    assert done.returncode == 1
    assert "ValueError: a bad row" in done.stderr
    assert place.staged() == []


def test_the_command_line_says_how_it_is_used(place: Place) -> None:
    done = _command(place)
    assert done.returncode == 2
    assert "module:function" in done.stderr


def test_text_is_refused_where_bytes_are_written(place: Place) -> None:
    work = place.work()
    with pytest.raises(InvalidValueError, match=r"write takes bytes, not str: encode the text"):
        work.sink().write("a", "text")  # type: ignore[arg-type]
    assert work.sink().size == 0


def test_an_error_is_shown_by_the_users_own_lines_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Python's own modules are left out, and an import that finds nothing has none to show."""
    (tmp_path / "reads_badly.py").write_text("import json\n\njson.loads('{')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WorkloadError, match=r"reads_badly\.py") as caught:
        find("reads_badly:f")
    assert "decoder.py" not in caught.value.problem
    assert "importlib" not in caught.value.problem
    with pytest.raises(WorkloadError) as caught:
        find("not_there_at_all:f")
    assert "\n" not in caught.value.problem
