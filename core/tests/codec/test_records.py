"""Records: written whole and in order, read leniently, never with a traceback."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from clusterless import codec
from clusterless.errors import MalformedError, PluginError
from clusterless.model.arrival import Arrival
from clusterless.model.dataset import Dataset, LocatedDataset, OwnedDataset, Owner, SinkDataset
from clusterless.model.event import Event
from clusterless.model.ledger import (
    ENTRIES,
    Claim,
    Complete,
    Failure,
    Missing,
    Partial,
    Pin,
    Rollback,
    SinkRecord,
)
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.model.seal import Batch, Seal, SealedLot

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
counts = st.integers(0, 2**40)
times = st.datetimes(timezones=st.just(UTC))
lots = st.builds(
    Lot.containing,
    st.datetimes(datetime(1000, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(LotUnit),
)
datasets = st.builds(Dataset, name=names, version=names)
readable = st.builds(
    Manifest,
    state=st.sampled_from([ManifestState.COMPLETE, ManifestState.PARTIAL]),
    comment=st.none() | texts,
    lot=lots,
    uri_type=st.sampled_from(UriType),
    uris=st.lists(texts).map(tuple),
)
manifests = readable | st.builds(Manifest, state=st.just(ManifestState.EMPTY), lot=lots)
roles = st.sampled_from(["main", "other"])
pins = st.dictionaries(
    roles,
    st.builds(Pin, dataset=datasets, lot=lots, manifest=texts, state=st.sampled_from(ManifestState), revision=counts),
)
sinks = st.dictionaries(
    roles,
    st.builds(
        SinkRecord,
        state=st.sampled_from(ManifestState),
        objects=counts,
        bytes=st.none() | counts,
        digest=texts,
        manifest=st.none() | manifests,
        staged=st.none() | texts,
    ),
)
stamp = {"put_id": texts, "at": times, "by": texts}
attempt = {"attempt": texts, "revision": counts, "sources": pins}
failed = {**stamp, **attempt, "error": st.builds(Failure, type=texts, message=texts, trace=texts), "sinks": sinks}
entries = st.one_of(
    st.builds(Claim, **stamp, **attempt, expires=times),
    st.builds(Complete, **stamp, **attempt, sinks=sinks),
    st.builds(Partial, **failed),
    st.builds(Missing, **failed),
    st.builds(Rollback, **stamp, revision=counts, reason=texts),
)
arrivals = st.lists(st.builds(Arrival, texts, texts, counts, times), max_size=3).map(tuple)
sealed = st.builds(
    SealedLot,
    lot=lots,
    revision=counts,
    state=st.sampled_from(ManifestState),
    objects=counts,
    bytes=counts,
    digest=texts,
    base=st.none() | texts,
    arrivals=st.none() | arrivals,
    staged=st.none() | texts,
    late=counts,
)
seals = st.builds(
    Seal,
    **stamp,
    lots=st.lists(sealed, max_size=3).map(tuple),
    batches=st.lists(texts).map(tuple),
    through=st.none() | lots,
    looked=st.none() | times,
)
events = st.builds(
    Event,
    dataset=st.builds(LocatedDataset, name=names, version=names, path_uri=texts),
    lot=lots,
    manifest=texts,
    revision=counts,
)

LOT = Lot.parse("20230101PT5M050")
NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)


@given(manifests | seals | events | st.builds(Batch, arrivals=arrivals))
def test_every_record_is_read_back_as_it_was(record: Any) -> None:
    assert codec.read_record(codec.record_bytes(record), type(record), source="x") == record


@given(entries)
def test_every_ledger_entry_is_read_back_as_it_was_and_names_its_kind_first(entry: Any) -> None:
    body = codec.ledger_entry_bytes(entry)
    assert codec.read_ledger_entry(body, source="x") == entry
    assert next(iter(json.loads(body).items())) == ("entry", entry.kind)


def test_all_kinds_of_entries_are_drawn_above() -> None:
    assert {Claim, Complete, Partial, Missing, Rollback} == set(ENTRIES)


def test_a_manifest_that_streams_its_uris_is_written_like_one_that_holds_them() -> None:
    held = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=("a", "b"))
    streamed = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris={"a": 1, "b": 2}.keys())
    assert codec.record_bytes(streamed) == codec.record_bytes(held)


def test_records_say_no_more_than_their_field_does_whatever_class_they_were_given() -> None:
    sink = SinkDataset(name="ds", version="1", path_uri="s3://b/p/", publish=False)
    expected = {"name": "ds", "version": "1", "pathURI": "s3://b/p/"}
    event = Event(dataset=sink, lot=LOT, manifest="m")
    owned = OwnedDataset(owner=Owner(name="p", version="1"), dataset=sink)
    pin = Pin(dataset=sink, lot=LOT, manifest="m", state=ManifestState.COMPLETE, revision=0)
    assert codec.to_json(event)["dataset"] == expected
    assert codec.to_json(owned)["dataset"] == expected
    assert codec.to_json(pin)["dataset"] == {"name": "ds", "version": "1"}


def test_times_are_utc_with_a_z_and_text_is_not_escaped() -> None:
    here = datetime(2024, 1, 31, 13, 30, tzinfo=timezone(timedelta(hours=1, minutes=30)))
    body = codec.record_bytes(Batch(arrivals=(Arrival("s3://b/日本", "e", 1, here),)))
    assert body.decode() == '{"arrivals":[{"uri":"s3://b/日本","etag":"e","size":1,"time":"2024-01-31T12:00:00Z"}]}'


def test_unknown_keys_are_passed_over_at_every_depth() -> None:
    body = b'{"arrivals":[{"uri":"u","etag":"e","size":1,"time":"2024-01-31T12:00:00Z","new":1}],"newer":{}}'
    assert codec.read_record(body, Batch, source="x") == Batch(arrivals=(Arrival("u", "e", 1, NOW),))


def test_a_manifest_of_the_early_days_is_read_with_its_dataset_key() -> None:
    body = (
        b'{"state":"complete","comment":null,"dataset":{},"lotId":"20230101PT5M050","uriType":"identifier","uris":[]}'
    )
    assert codec.read_record(body, Manifest, source="x").lot == LOT


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        (b"", "not JSON"),
        (b'{"arrivals":', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"arrivals":' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "$: must be an object, not a list"),
        (b"{}", "$.arrivals: is missing"),
        (b'{"arrivals":"abc"}', "$.arrivals: must be a list, not text 'abc'"),
        (b'{"arrivals":[{"uri":"u","etag":"e","size":true,"time":"2024-01-31T12:00:00Z"}]}', "$.arrivals[0].size: "),
        (b'{"arrivals":[{"uri":"u","etag":"e","size":1,"time":"2024-01-31T12:00:00"}]}', "$.arrivals[0].time: "),
        (b'{"arrivals":[{"uri":"u","etag":"e","size":1,"time":"yesterday"}]}', "$.arrivals[0].time: must be a time"),
        (b'{"arrivals":[{"uri":"u","etag":"e","size":1,"time":5}]}', "$.arrivals[0].time: must be a time"),
    ],
)
def test_a_broken_record_is_refused_with_its_place_and_path(body: bytes, finding: str) -> None:
    with pytest.raises(MalformedError) as caught:
        codec.read_record(body, Batch, source="s3://here/batch.json")
    assert str(caught.value).startswith("s3://here/batch.json: 1 problem")
    assert caught.value.findings[0].startswith(finding)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'{"entry":"cliam"}', b'{"entry":["claim"]}', b'{"entry":1}'])
def test_an_entry_of_no_known_kind_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"\$\.entry: must be one of claim, complete"):
        codec.read_ledger_entry(body, source="x")


@given(
    st.binary(max_size=40) | st.recursive(st.none() | texts | counts, st.lists).map(lambda v: json.dumps(v).encode())
)
def test_whatever_the_bytes_the_only_errors_are_ours(body: bytes) -> None:
    for into in (Manifest, Seal, Event, Batch):
        with suppress(MalformedError):
            codec.read_record(body, into, source="x")


def test_a_class_that_json_cannot_spell_is_the_plugins_mistake() -> None:
    @frozen
    class Odd:
        what: complex

    with pytest.raises(PluginError, match="Odd cannot be read from JSON"):
        codec.read_record(b'{"what":1}', Odd, source="x")
