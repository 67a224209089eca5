"""What other readers and writers of the formats do, as data; each file of vectors has a test here."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clusterless import codec, layout
from clusterless.engine import backoff, names, uris
from clusterless.engine.moments import parse_moment
from clusterless.errors import InvalidValueError
from clusterless.model.boundary import PathFilter
from clusterless.model.dataset import Dataset, OwnedDataset
from clusterless.model.event import Event
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.model.runtime_props import ContainerProps, FunctionProps
from clusterless.testing import vectors as package
from clusterless.testing.vectors import vectors

COUNTS = {
    "lots": 20,
    "keys": 11,
    "states": 8,
    "uris": 12,
    "names": 12,
    "backoff": 4,
    "records": 3,
    "moments": 50,
    "components": 3,
    "aws_components": 10,  # read by the provider that offers them; here only that they are JSON
}
PROJECT = Project(name="Demo", version="20240101")
ARC = layout.ArcKeys(PROJECT, "copyA")
ORDERS = Dataset(name="orders", version="20240101")
STORES = [
    f"s3://{name}/"
    for name in layout.store_names(Placement(provider="aws", stage="qa", account="111122223333", region="eu-west-1"))
]


def each(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in vectors(name)])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_there_are_cases_and_no_file_of_them_is_forgotten() -> None:
    found = {path.stem: len(vectors(path.stem)) for path in Path(package.__path__[0]).glob("*.json")}
    assert found.keys() == COUNTS.keys()
    assert all(found[name] >= count for name, count in COUNTS.items()), found


@each("lots")
def test_lots(case: dict[str, Any]) -> None:
    if case.get("error"):
        with pytest.raises(InvalidValueError):
            Lot.parse(case["lot"])
    elif "moment" in case:
        assert str(Lot.containing(at(case["moment"]), LotUnit.named(case["unit"]))) == case["lot"]
    else:
        lot = Lot.parse(case["lot"])
        assert (str(lot), lot.start) == (case["lot"], at(case["start"]))


@each("keys")
def test_keys_are_built_as_they_always_were(case: dict[str, Any]) -> None:
    metadata, arc_state, manifests = STORES
    lot = Lot.parse(case.get("lot", "20240229PT10M100"))
    if case["what"] == "manifest":
        built = layout.expanded(
            layout.sink_template(manifests, ORDERS), lot, ManifestState(case["state"]), case["attempt"]
        )
    else:
        built = {
            "project": lambda: metadata + layout.project_meta(PROJECT),
            "materials": lambda: metadata + layout.materials(PROJECT),
            "arc": lambda: metadata + layout.arc_meta(ARC),
            "ownership": lambda: metadata + layout.ownership(ORDERS),
            "arc-state-path": lambda: arc_state + ARC.path,
            "arc-state-template": lambda: layout.arc_state_template(arc_state, ARC),
            "arc-state": lambda: arc_state + ARC.marker(lot, case["state"]),
            "manifest-path": lambda: manifests + layout.dataset_path(ORDERS),
            "manifest-template": lambda: layout.sink_template(manifests, ORDERS),
        }[case["what"]]()
    assert built == case["uri"]


@each("states")
def test_states(case: dict[str, Any]) -> None:
    for states in (ArcState, ManifestState):
        assert layout.state_in(case["text"], states) == (states(case["state"]) if case["state"] else None)


@each("uris")
def test_uris(case: dict[str, Any]) -> None:
    if "collapse" in case:
        result = uris.collapsed(case["collapse"])
    elif "key" in case:
        result = uris.key_of(case["key"])
    elif "key_path" in case:
        result = uris.key_path_of(case["key_path"])
    elif "rebase" in case:
        result = uris.rebased(case["rebase"], case["source"], case["target"])
    else:
        result = uris.appended(case["append"], case["last"])
    assert result == case["is"]


@each("names")
def test_names(case: dict[str, Any]) -> None:
    if "words" in case:
        assert names.hyphenated(case["words"]) == case["is"]
    elif "store" in case:
        placement = Placement(provider="aws", stage=case["stage"], account=case["account"], region=case["region"])
        assert case["is"] in layout.store_names(placement)
        assert layout.parse_store_name(case["is"]) == layout.StoreName(
            kind=case["store"], stage=case["stage"], account=case["account"], region=case["region"]
        )
    else:
        placement = Placement(provider="aws", stage=case["stage"], account="1", region="us-west-2")
        called = names.ProjectNames(Project(name=case["project"], version="20230101-00"), placement)
        built = {
            "function": lambda: called.function(case["element"], case["suffix"]),
            "arc_stack": lambda: called.arc_stack(case["element"]),
            "group_stack": lambda: called.group_stack,
            "element": lambda: called.element(case["element"]),
            "bus": lambda: names.PlacementNames(placement).bus,
        }[case["what"]]()
        assert built == case["is"]


@each("backoff")
def test_backoff(case: dict[str, Any]) -> None:
    pauses = backoff.pauses(case["first"], factor=case["factor"], longest=case.get("longest", float("inf")))
    assert backoff.tries_within(case["within"], pauses) == case["tries"]


@each("records")
def test_records_are_read_and_written_byte_for_byte(case: dict[str, Any]) -> None:
    into = {"manifest": Manifest, "event": Event, "ownership": OwnedDataset}[case["record"]]
    body = case["text"].encode()
    assert codec.record_bytes(codec.read_record(body, into, source="vector")) == body


@each("components")
def test_defaults_print_as_they_always_did(case: dict[str, Any]) -> None:
    model = {"FunctionProps": FunctionProps, "ContainerProps": ContainerProps, "PathFilter": PathFilter}[case["model"]]
    assert codec.record_bytes(model()).decode() == case["text"]


@each("moments")
def test_moments(case: dict[str, Any]) -> None:
    now = datetime(2024, 3, 31, 14, 35, 50, 123000, UTC)
    if case.get("error"):
        with pytest.raises(InvalidValueError):
            parse_moment(case["text"], now)
    else:
        assert parse_moment(case["text"], now) == at(case["is"])


@each("aws_components")
def test_the_parts_of_aws_components_that_are_ours_have_the_same_keys_and_defaults(case: dict[str, Any]) -> None:
    declared = json.loads(case["text"])
    assert list(declared)[:3] == ["type", "name", "exclude"]
    if "filter" in declared:
        assert declared["filter"] == codec.to_json(PathFilter())
    if "runtimeProps" in declared:
        assert list(declared["runtimeProps"]) == list(codec.to_json(FunctionProps()))
