"""What a lot costs on AWS, by every request that is sent for it; anything more is a regression."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from beds.aws import REGION
from beds.placed import placement
from click.testing import CliRunner

from cls_aws import clients
from cls_aws.clients import client
from clusterless import layout
from clusterless.cli.app import main
from clusterless.model.placement import Placement

_LOT = re.compile(r"\d{8}PT5M\d{3}")
_FIXED = 60  # requests of a run that does nothing: about 40, and more the longer it takes

A_LOT = {
    "ListObjectsV2": 1,  # what there is of the source
    "GetObject": 1,  # its manifest
    "PutObject": 4,  # claim, outcome, manifest, marker
    "PutEvents": 1,
    "CopyObject": 1,  # of its one object: the work itself
}
LOTS = [f"20230101PT5M{number:03}" for number in range(10)]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Each request from now on: operation, where it went, what it carried."""
    found: list[tuple[str, str, str]] = []
    made = clients._make

    def note(request: Any, event_name: str, **_: Any) -> None:
        body = request.body if isinstance(request.body, bytes) else b""
        found.append((event_name.rpartition(".")[2], unquote(request.url), body[:1000].decode(errors="replace")))

    def noting(*arguments: Any) -> Any:
        one = made(*arguments)
        one.meta.events.register("before-send", note)
        return one

    monkeypatch.setattr(clients, "_make", noting)
    monkeypatch.setattr(clients, "_made", {})
    return found


def commit(place: Placement, lots: list[str]) -> None:
    """Objects and manifests of a source that somebody else keeps."""
    s3: Any = client("s3", place)
    _, _, manifests = layout.store_names(place)
    for lot in lots:
        uri = f"s3://{place.stage}-data/in/{lot}.csv"
        s3.put_object(Bucket=f"{place.stage}-data", Key=f"in/{lot}.csv", Body=b"1")
        manifest = {"state": "complete", "comment": None, "lotId": lot, "uriType": "identifier", "uris": [uri]}
        key = f"datasets/name=in/version=1/lot={lot}/state=complete/manifest.json"
        s3.put_object(Bucket=manifests, Key=key, Body=json.dumps(manifest).encode())


def cls(*arguments: str) -> None:
    done = CliRunner().invoke(main, [*arguments])
    assert done.exit_code == 0, done.output


def test_a_lot_of_one_source_and_one_sink_takes_so_many_requests(
    ask: Callable[[str], None], ministack_endpoint: str, sent: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    ask(ministack_endpoint)
    place = placement(f"q{uuid4().hex[:8]}")
    cls("bootstrap", "--provider", "aws", "--stage", str(place.stage), "--approve")
    s3: Any = client("s3", place)
    s3.create_bucket(Bucket=f"{place.stage}-data", CreateBucketConfiguration={"LocationConstraint": REGION})
    arc = {
        "type": "aws:core:s3CopyArc",
        "name": "copy",
        "sources": {"main": {"name": "in", "version": "1", "start": "all"}},
        "sinks": {"main": {"name": "out", "version": "1", "pathURI": f"s3://{place.stage}-data/out/"}},
    }
    project = {"project": {"name": "Q", "version": "1"}, "placement": {"provider": "aws", "stage": place.stage}}
    (tmp_path / "project.json").write_text(json.dumps(project | {"arcs": [arc]}))
    owned = {
        "owner": {"name": "Theirs", "version": "1"},
        "dataset": {"name": "in", "version": "1", "pathURI": f"s3://{place.stage}-data/in/"},
    }
    metadata, _, _ = layout.store_names(place)
    s3.put_object(Bucket=metadata, Key="datasets/name=in/version=1/dataset.json", Body=json.dumps(owned).encode())
    commit(place, LOTS)
    sent.clear()
    cls("run", str(tmp_path / "project.json"), "--until-idle")
    of_lots: dict[str, Counter[str]] = {lot: Counter() for lot in LOTS}
    for operation, where, what in sent:
        if lot := _LOT.search(where + what):
            of_lots[lot[0]][operation] += 1
    assert of_lots == dict.fromkeys(LOTS, A_LOT)
    assert len(sent) - len(LOTS) * sum(A_LOT.values()) <= _FIXED
