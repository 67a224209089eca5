"""Whatever is read of what others wrote: it is taken, or refused in words, within bounds; nothing else comes of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUZZER = Path(__file__).with_name("fuzzer.py")
DEEP = 100_000

NASTY = {
    "nothing": b"",
    "not UTF-8": b"\xff\xfe\xfd",
    "half a character": b'"\xed\xa0\x80"',
    "half a character, spelled": b'{"by": "\\ud800", "putId": "\\ud800", "uris": ["\\ud800"]}',
    "UTF-16": '{"a": "b"}'.encode("utf-16"),
    "deep lists": b"[" * DEEP,
    "deep objects": b'{"a":' * DEEP,
    "deep lists of a manifest": b'{"uris":' + b"[" * DEEP,
    "deep records of S3": b'{"Records":' + b"[" * DEEP,
    "deep TOML": b"a=" + b"[" * DEEP,
    "a number that is none": b'{"revision": NaN, "size": Infinity, "attempts": NaN}',
    "a number without end": b'{"revision": ' + b"9" * 10_000 + b"}",
    "a number too large": b'{"revision": 1e999, "size": -1e999}',
    "a key twice": b'{"lotId": "20240131PT5M144", "lotId": "20240131PT5M145"}',
    "NUL": b'"\x00"\x00',
    "above": b"../../../../etc/passwd",
    "above, encoded": b"file:///a/%2e%2e/%2e%2e/etc\nfile:///a/",
    "no address": b"http://[::1",
    "a bracket in a URI": b"s3://[\ns3://[",
    "commands": b"'\"`$(touch x)`; touch x",
    "right to left": "\u202egnp.exe".encode(),
    "a terminal's": b"\x1b]0;x\x07\x1b[2J",
    "digits of others": "\u0662\u0660\u0662\u0664\u0660\u0661\u0663\u0661PT5M\u0661\u0664\u0664".encode(),
    "only blanks": b" " * 1_000_000,
    "many commas": b"[" + b"," * 1_000_000,
    "many lines": b"\n" * 1_000_000,
    "many stars": b"*a" * 2_000 + b"\n" + b"a" * 2_000,
    "many groups": b"(" * 5_000 + b")" * 5_000 + b"\nx",
    "a list that repeats itself": b"(a+)+$\n" + b"a" * 5_000 + b"!",
    "many slashes": b"/" * 100_000,
    "many dots": b"../" * 30_000,
    "a comment without end": b"/*" * 100_000,
    "many quotes": b'"' * 200_000,
    "many escapes": b'"' + b"\\" * 200_001,
}  # fmt: skip


@pytest.mark.timeout(300)
def test_what_is_known_to_hurt_does_not(reader: Any, fuzz: ModuleType) -> None:
    for data in NASTY.values():
        if (refusal := fuzz.feed(reader, data)) is not None:
            check_words(refusal)


def check_words(refusal: Any) -> None:
    """A refusal is short, in one piece, and does nothing to a terminal."""
    said = f"{refusal} {refusal.hint}"
    assert 10 < len(said) < 110_000
    assert max(map(len, said.split("\n"))) < 1500
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|Traceback|object at 0x", said)


def test_what_is_as_it_should_be_is_taken(reader: Any, fuzz: ModuleType, request: pytest.FixtureRequest) -> None:
    if reader is fuzz.READERS["webhook"]:
        pytest.skip("a signature cannot be made up; test_webhooks takes what is signed")
    assert any(fuzz.feed(reader, seed) is None for seed in reader.seeds), fuzz.feed(reader, reader.seeds[0])


# ---- by Hypothesis ---------------------------------------------------------------------------------------------

odd = st.sampled_from(
    [None, True, -1, 1e308, 10**400, "", "\ud800", "x" * 3000, "../..", "http://[", "\0", [], {}, [[]], "file:///a\nb"]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | odd
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


@st.composite
def changed(draw: st.DrawFn, seed: Any) -> Any:
    """*seed* with some of it left out, and some replaced by anything."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    if isinstance(seed, dict):
        return {key: draw(changed(value)) for key, value in seed.items() if draw(st.integers(0, 19))}
    if isinstance(seed, list):
        return [draw(changed(value)) for value in seed]
    return seed


@st.composite
def spliced(draw: st.DrawFn, seed: bytes) -> bytes:
    """*seed* with some bytes cut out and others put in."""
    body = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 4))] = draw(
            st.binary(max_size=6) | st.sampled_from([b"://[", b"\\u", b"(?", b"%"])
        )
    return bytes(body)


def inputs(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    strategies: list[st.SearchStrategy[bytes]] = [st.binary(max_size=200), *map(spliced, seeds)]
    for seed in seeds:
        try:
            document = json.loads(seed)
        except ValueError:
            continue
        strategies.append(changed(document).map(lambda each: json.dumps(each).encode()))
    return st.one_of(strategies)


@pytest.mark.timeout(3600)
def test_whatever_it_is_it_is_taken_or_refused_in_words(reader: Any, fuzz: ModuleType, night: int, count: Any) -> None:
    @settings(max_examples=5000 if night else 25, suppress_health_check=list(HealthCheck), database=None)
    @given(inputs(reader.seeds))
    def fed(data: bytes) -> None:
        count("inputs fuzzed", 1)
        if (refusal := fuzz.feed(reader, data)) is not None:
            check_words(refusal)

    fed()


# ---- by a fuzzer that watches the code -------------------------------------------------------------------------

_CI_RUNS = 300
_DONE = re.compile(r"^Done (\d+) runs", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(21600)
def test_a_fuzzer_that_looks_for_new_ways_finds_no_fault(fuzzed: str, night: int, tmp_path: Path, count: Any) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this platform")
    length = f"-max_total_time={night}" if night else f"-runs={_CI_RUNS}"
    command = [sys.executable, str(FUZZER), fuzzed, length, "-seed=1", "-max_len=4096", "-rss_limit_mb=2048"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[-4000:]}"
    runs = _DONE.search(done.stderr)
    assert runs, done.stderr[-2000:]
    assert night or int(runs[1]) == _CI_RUNS
    count("inputs fuzzed", int(runs[1]))
