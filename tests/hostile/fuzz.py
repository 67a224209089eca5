"""What is read of what others wrote, fed with anything: a `ClsError` is an answer, whatever else is raised is a fault.

Hypothesis feeds them in `test_hostile_inputs.py`, and atheris by `fuzzer.py`.
"""

from __future__ import annotations

import json
import tempfile
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen

from clusterless import codec, layout
from clusterless.cli.settings import read_file
from clusterless.codec.text import declared_values
from clusterless.deploy.read import read_projects
from clusterless.engine import locations, uris
from clusterless.engine.moments import parse_moment
from clusterless.engine.ranges import between
from clusterless.errors import ClsError
from clusterless.model.activity import Turn
from clusterless.model.boundary import PathFilter
from clusterless.model.event import Event
from clusterless.model.horizon import Horizon
from clusterless.model.ledger import ENTRIES
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.seal import Batch, Seal
from clusterless.model.switch import Switched
from clusterless.plugins import find_plugins
from clusterless.runtime import contract
from clusterless.runtime.cron import check_cron, check_timezone
from clusterless.runtime.filters import matcher
from clusterless.runtime.key_time import check_key_regex, key_time
from clusterless.runtime.letters import Letter
from clusterless.runtime.printed import Lines, progress_of
from clusterless.sdk.webhooks import verified
from clusterless.sdk.work import LotWork
from clusterless.store import manifests
from clusterless.store.memory import MemoryStore

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)
LOT = "20240131PT5M144"
DATASET = {"name": "orders", "version": "1", "pathURI": "file:///data/orders/"}
EVENT = {"dataset": DATASET, "lot": LOT, "manifest": "file:///m.json", "datasetId": "orders/1", "revision": 0}
NOW_TEXT = "2024-01-31T12:00:00Z"
ENTRY = {"putId": "a", "at": NOW_TEXT, "by": "host:1"}
CLAIM = {**ENTRY, "entry": "claim", "attempt": "0-1-a", "revision": 0, "sources": {}, "expires": ENTRY["at"]}
SEALED = {"lot": LOT, "revision": 0, "state": "complete", "objects": 1, "bytes": 1, "digest": "a"}
BLOB = {
    "specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "time": "2024-01-31T12:00:00Z",
    "subject": "/blobServices/default/containers/c/blobs/a%20b", "data": {"api": "PutBlob", "url": "https://x/c/a"},
}  # fmt: skip
PROJECT = {
    "project": {"name": "orders", "version": "1"},
    "placement": {"provider": "local"},
    "boundaries": [
        {
            "type": "local:core:putListenerBoundary", "name": "in", "lotUnit": "Twelfths", "dataset": DATASET,
            "lotSource": "keyTimestampRegex", "keyRegex": "(?P<year>\\d{4})", "filter": {"includes": ["a/{x:b+}/**"]},
        }
    ],
    "arcs": [
        {
            "type": "cls:core:execArc", "name": "arc", "sources": {"main": {"name": "orders", "version": "1"}},
            "sinks": {"main": {"name": "out", "version": "1", "pathURI": "out/"}},
            "workload": {"command": ["x", "$.lot"]},
        }
    ],
    "notifiers": [{"type": "cls:core:webhookNotifier", "name": "n", "url": "https://example.com/", "secretEnv": ["S"]}],
    "activities": [{"type": "cls:core:execActivity", "name": "a", "cron": "0 3 * * *", "workload": {"command": ["x"]}}],
}  # fmt: skip
NOTICE = {
    "Records": [
        {
            "eventName": "ObjectCreated:Put", "eventTime": "2024-01-31T12:00:00.000Z",
            "s3": {"bucket": {"name": "b"}, "object": {"key": "in/a+b%3Dc"}},
        }
    ]
}  # fmt: skip


@frozen
class Reader:
    """*read* takes what others wrote; *seeds* are things as they should be."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def feed(reader: Reader, data: bytes) -> ClsError | None:
    """The refusal of *data*, unless it is taken; anything else that is raised is a fault."""
    try:
        reader.read(data)
    except ClsError as error:
        str(error).encode()  # it can be printed, in full
        error.hint.encode()
        return error
    return None


def text(data: bytes) -> str:
    return data.decode(errors="replace")


def record(kind: type[Any]) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        # What is read can be written, and is read again as the same.
        value = codec.read_record(data, kind, source="memory:///record")
        assert codec.read_record(codec.record_bytes(value), kind, source="again") == value
        return value

    return read


def ledger_entry(data: bytes) -> object:
    entry = codec.read_ledger_entry(data, source="memory:///0001")
    assert codec.read_ledger_entry(codec.ledger_entry_bytes(entry), source="again") == entry
    return entry


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="cls-fuzz-")


def a_file(data: bytes, name: str) -> Path:
    path = Path(folder().name) / name
    path.write_bytes(data)
    return path


def project(data: bytes) -> object:
    plugins = find_plugins()
    return read_projects(
        [a_file(data, "project.json")], plugins.components(), plugins.project_formats(), plugins.absence
    )


def manifest(data: bytes) -> object:
    """As a small one and as a large one, which must come to the same."""
    found = [_manifest(data, limit) for limit in (manifests.INLINE_LIMIT, 16)]
    small, large = found
    if isinstance(small, ClsError) or isinstance(large, ClsError):
        raise small if isinstance(small, ClsError) else large  # type: ignore[misc]
    assert len(data) <= 16 or b"\\u" in data or small == large, (small, large)  # the parsers differ in half characters
    return small


def _manifest(data: bytes, limit: int) -> object:
    store = MemoryStore()
    store.put("manifest.json", data)
    before, manifests.INLINE_LIMIT = manifests.INLINE_LIMIT, limit
    try:
        found = manifests.decode(store, "manifest.json")
        return (found.state, found.comment, found.lot, found.uri_type, tuple(found.uris))
    except ClsError as error:
        return error
    finally:
        manifests.INLINE_LIMIT = before


def uri(data: bytes) -> object:
    one, _, other = text(data).partition("\n")
    for place in (one, other):
        layout.segments(place)
        layout.scheme(place) if "://" in place else None
        locations.within(place, other)
        uris.key_of(place)
        location, key = layout.split(place)
        if key and not any("\ud800" <= each <= "\udfff" for each in key):
            assert layout.key(location, layout.uri(location, key)) == key
    locations.overlap(one, other)
    for read in (layout.parse_manifest, layout.parse_arc_state, lambda each: layout.key(other, each)):
        try:
            read(one)
        except ClsError:
            continue
    return None


def opened(data: bytes) -> object:
    """A store is opened at whatever is said; nothing is asked of it, or made."""
    return find_plugins().open_store(text(data)).root


def lot(data: bytes) -> object:
    found = Lot.parse(text(data))
    assert Lot.parse(str(found)) == found
    return found


def moment(data: bytes) -> object:
    earliest, _, latest = text(data).partition("\n")
    first, last = parse_moment(earliest, NOW), parse_moment(latest or "now", NOW)
    return len(between(first, last, LotUnit.HOURS))


def pattern(data: bytes) -> object:
    pattern, _, key = text(data).partition("\n")
    keeps = matcher(PathFilter(includes=(pattern,), excludes=(f"x{pattern}",)), "file:///d/")
    return keeps(layout.uri("file:///d/", key or "x"))


def key_regex(data: bytes) -> object:
    regex, _, key = text(data).partition("\n")
    check_key_regex(regex)
    return key_time(regex, key)


def cron(data: bytes) -> object:
    expression, _, zone = text(data).partition("\n")
    check_timezone(zone or "UTC")
    return check_cron(expression)


def printed(data: bytes) -> object:
    lines = Lines()
    shown = [*lines.feed(data), *lines.rest()]
    return deque(map(progress_of, shown), maxlen=0)


def selector(data: bytes) -> object:
    arguments = text(data).split("\n")
    contract.check_command(arguments) if _takes_one() else contract.check_command(None, None, arguments)  # type: ignore[call-arg,arg-type]
    return contract.substitute(arguments, EVENT, {"Execution": {"Name": "x"}})


def _takes_one() -> bool:
    return contract.check_command.__code__.co_argcount == 1


def workload(data: bytes) -> object:
    variables = {"CLS_LOT": LOT, "CLS_ATTEMPT": "a", "CLS_REVISION": "0", "CLS_IDEMPOTENCY_KEY": "t"}
    return LotWork.from_environment({**variables, "CLS_ARC_PROPS_JSON": text(data)}, MemoryStore)


def webhook(data: bytes) -> object:
    head, _, body = data.partition(b"\n\n")
    headers = dict(line.partition(": ")[::2] for line in text(head).split("\n"))
    return verified(headers, body, ["whsec_" + "A" * 44], now=0)


def notice(data: bytes) -> object:
    from cls_aws.bus import read_event
    from cls_aws.notices import read

    try:
        return read(text(data))
    finally:
        feed(Reader(lambda each: read_event(text(each), "queue"), ()), data)


def azure_notice(data: bytes) -> object:
    from cls_azure.events import read_event
    from cls_azure.notices import read

    try:
        return read(text(data))
    finally:
        feed(Reader(lambda each: read_event(text(each), "queue"), ()), data)


def gcp_notice(data: bytes) -> object:
    from cls_gcp.notices import read
    from cls_gcp.topics import read_event

    feed(Reader(lambda each: read_event(each, "subscription"), ()), data)
    return read(dict(line.partition("=")[::2] for line in text(data).split("\n")))


def stored(value: object) -> bytes:
    return json.dumps(value).encode()


READERS = {
    "project": Reader(project, (stored(PROJECT), stored([PROJECT]), b"{ // a comment\n}")),
    "values": Reader(lambda data: declared_values(text(data)), (b'{"a": [1, null, "\\ud83d\\ude00"]} // c',)),
    "settings": Reader(lambda data: read_file(a_file(data, "config")), (b'[report]\noutput = "json"\n',)),
    "ledger": Reader(
        ledger_entry,
        (
            stored(CLAIM),
            *(stored({**ENTRY, "entry": entry.kind, "revision": 0, "reason": "x"}) for entry in ENTRIES),
        ),
    ),
    "seal": Reader(record(Seal), (stored({**ENTRY, "lots": [SEALED], "batches": ["a"], "through": LOT}),)),
    "batch": Reader(record(Batch), (b'{"arrivals":[{"uri":"file:///a","etag":"1","size":1,"time":"2024-01-31T00:00Z"}]}',)),
    "turn": Reader(record(Turn), (stored({**ENTRY, "phase": "began", "lot": LOT, "attempt": "0-1-a"}),)),
    "switch": Reader(record(Switched), (stored({**ENTRY, "element": "arc", "on": True}),)),
    "horizon": Reader(record(Horizon), (stored({**ENTRY, "lot": LOT}),)),
    "letter": Reader(record(Letter), (stored({"event": EVENT, "attempts": 1,
        "firstFailure": NOW_TEXT, "lastError": "x"}),)),
    "event": Reader(record(Event), (stored(EVENT),)),
    "manifest": Reader(
        manifest,
        (
            stored({"state": "complete", "comment": None, "lotId": LOT, "uriType": "identifier", "uris": ["file:///a"]}),
            stored({"uris": ["file:///a", "file:///b"], "lotId": LOT, "state": "partial", "comment": "half"}),
        ),
    ),
    "uri": Reader(uri, (b"s3://bucket/a%20b/c\ns3://bucket/", b"file:///../a\nfile:///")),
    "store": Reader(opened, (b"file:///data/", b"s3://bucket/prefix/", b"memory://x/")),
    "lot": Reader(lot, (LOT.encode(), b"2024013100", b"20240131PT1440M000")),
    "moment": Reader(moment, (b"-1d@d\nnow", b"2024-01-31T12:30:00Z", b"Jan 31st 2024", b"1706702400000")),
    "filter": Reader(pattern, (b"a/**/*.csv\na/b/c.csv", b"{x:[a-z]{2}}-{y}/?\nab-c/d")),
    "keyRegex": Reader(key_regex, (b"(?P<year>\\d{4})\na2024", b"_(?P<timestamp>.+)\\.\nx_2024-01-31.csv")),
    "cron": Reader(cron, (b"*/5 * * * *\nEurope/Berlin", b"0 3 29 2 MON-FRI")),
    "printed": Reader(printed, (b'one\rtwo\nCLS_PROGRESS {"done": 1, "total": 2}\n',)),
    "selector": Reader(selector, (b"$\n$.lot\n$.dataset.name\n$$.Execution.Name",)),
    "workload": Reader(
        workload,
        (
            stored({
                "sources": {"main": DATASET}, "sinks": {"main": DATASET}, "sourceManifestPaths": {"main": "file:///m"},
                "sinkManifestTemplates": {"main": "file:///{lot}"}, "workloadProps": {},
            }),
        ),
    ),
    "webhook": Reader(webhook, (b"webhook-id: a\nwebhook-timestamp: 0\nwebhook-signature: v1,x\n\n{}",)),
    "awsNotice": Reader(notice, (stored(NOTICE), stored({"detail": EVENT}), stored({"Event": "s3:TestEvent"}))),
    "azureNotice": Reader(azure_notice, (stored(BLOB),)),
    "gcpNotice": Reader(gcp_notice, (b"eventType=OBJECT_FINALIZE\nobjectId=a\nbucketId=b\neventTime=2024-01-31",)),
}  # fmt: skip
