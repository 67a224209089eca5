"""`aws:core:glueAddPartitionsArc` against catalogs that keep what they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from cls_aws import glue_partitions
from cls_aws.arcs import (
    GlueAddPartitionsArc,
    GluePartitionsProps,
    GluePartitionsSettings,
    PartitionResults,
    PartitionType,
    Table,
    table_at,
)
from cls_aws.clients import client
from cls_aws.glue_partitions import GluePartitions, values
from cls_aws.table_store import open_table
from clusterless.errors import InvalidValueError, ObjectMissingError, StoreRefusedError, WorkloadError
from clusterless.model.dataset import LocatedDataset, SinkDataset, SourceDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import SinkLot, SourceLot, StoreRoots, Surroundings, Work, WorkResult
from clusterless.runtime.clock import SystemClock, random_id

PLACE = Placement(provider="aws", account="000000000000", region="us-west-2")
LOT = Lot.parse("20240131PT5M000")
SOURCE = LocatedDataset(name="in", version="1", path_uri="s3://bucket/a%20b/")


@define
class Catalog:
    """A database of its own with a table that has the partition keys *keys*, and an arc that adds to it."""

    keys: Sequence[str] = ("day", "hour")
    database: str = field(factory=lambda: f"db{random_id()}")
    glue: Any = field(factory=lambda: client("glue", PLACE))
    stopping: Callable[[], bool] = lambda: False

    def make(self, *tables: str) -> Catalog:
        self.glue.create_database(DatabaseInput={"Name": self.database})
        for table in tables or ("t",):
            stored = {
                "Columns": [{"Name": "line", "Type": "string"}],
                "Location": "s3://bucket/a b/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            }
            keys = [{"Name": key, "Type": "string"} for key in self.keys]
            declared = {"Name": table, "StorageDescriptor": stored, "PartitionKeys": keys}
            self.glue.create_table(DatabaseName=self.database, TableInput=declared)
        return self

    @property
    def uri(self) -> str:
        return f"glue:///{self.database}/t/"

    def arc(self, *sinks: str, **props: Any) -> GlueAddPartitionsArc:
        uris = {f"sink-{number}": uri for number, uri in enumerate(sinks or (self.uri,))}
        return GlueAddPartitionsArc(
            type="aws:core:glueAddPartitionsArc",
            name="add",
            sources={"main": SourceDataset(name="in", version="1")},
            sinks={role: SinkDataset(name=role, version="1", path_uri=uri) for role, uri in uris.items()},
            workload=GluePartitionsSettings(workload_props=GluePartitionsProps(**props)),
        )

    def add(self, *keys: str, lot: Lot = LOT, arc: GlueAddPartitionsArc | None = None, **more: Any) -> WorkResult:
        uris = tuple(f"{SOURCE.path_uri}{key}" for key in keys)
        manifest = Manifest(state=ManifestState.COMPLETE, lot=lot, uris=uris, **more)
        return GluePartitions(arc or self.arc(), surroundings()).run(work(manifest, self.stopping))

    @property
    def partitions(self) -> dict[tuple[str, ...], str]:
        """Values to location, of all that the table has."""
        pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName="t")
        found = [each for page in pages for each in page["Partitions"]]
        return {tuple(each["Values"]): each["StorageDescriptor"]["Location"] for each in found}


def surroundings() -> Surroundings:
    return Surroundings(
        project=Project(name="demo", version="1"),
        placement=PLACE,
        roots=StoreRoots(metadata="", arc_state="", manifest=""),
        open_store=lambda _: pytest.fail("no objects are asked for"),
        clock=SystemClock(),
        base=Path(),
        scratch=Path(),
    )


def work(manifest: Manifest, stopping: Callable[[], bool]) -> Work:
    return Work(
        arc="add",
        lot=manifest.lot,
        attempt="0-1-abc",
        revision=0,
        token=f"sink/1/{manifest.lot}/0/add",
        role="main",
        sources={"main": SourceLot(dataset=SOURCE, manifest_uri="", revision=0, read=lambda: manifest)},
        sinks={"sink-0": SinkLot(dataset=SOURCE, staging="")},
        collect=dict,
        stopping=stopping,
        output=Path(),
    )


def listed(result: WorkResult, role: str = "sink-0") -> tuple[str, list[str]]:
    manifest = result.sinks[role].manifest
    return manifest.state.value, list(manifest.uris)


@pytest.fixture(params=["ministack", "moto"])
def catalog(request: pytest.FixtureRequest, ask: Callable[[str], None]) -> Catalog:
    ask(request.getfixturevalue(f"{request.param}_endpoint"))
    return Catalog().make()


def test_each_folder_becomes_a_partition_with_its_location(catalog: Catalog) -> None:
    result = catalog.add("day=1/hour=07/x.csv", "day=1/hour=07/y.csv", "day=1/hour=08/x.csv")
    assert listed(result) == ("complete", [f"{catalog.uri}day=1/hour=07/", f"{catalog.uri}day=1/hour=08/"])
    assert catalog.partitions == {
        ("1", "07"): "s3://bucket/a b/day=1/hour=07/",
        ("1", "08"): "s3://bucket/a b/day=1/hour=08/",
    }


def test_more_than_the_service_takes_at_a_time(catalog: Catalog) -> None:
    keys = [f"day={number:03}/hour=0/x" for number in range(250)]
    state, uris = listed(catalog.add(*keys))
    assert (state, len(uris)) == ("complete", 250)
    assert len(catalog.partitions) == 250
    more = Lot.parse("20240131PT5M001")
    state, uris = listed(catalog.add(*keys, "day=250/hour=0/x", lot=more))
    assert (state, uris) == ("complete", [f"{catalog.uri}day=250/hour=0/"])


def test_what_was_there_before_is_told_apart_from_what_an_earlier_attempt_added(catalog: Catalog) -> None:
    catalog.add("day=1/hour=0/x")
    assert listed(catalog.add("day=1/hour=0/x"))[0] == "complete", "the same lot again, as after a crash"
    assert listed(catalog.add("day=1/hour=0/y", lot=Lot.parse("20240131PT5M001"))) == ("empty", [])


@pytest.mark.parametrize(
    ("results", "expected"), [("none", [""]), ("added", ["day=2/hour=0/"]), ("all", ["day=1/hour=0/", "day=2/hour=0/"])]
)
def test_the_manifest_lists_what_is_asked_for(catalog: Catalog, results: str, expected: list[str]) -> None:
    catalog.add("day=1/hour=0/x")
    arc = catalog.arc(partition_results=PartitionResults(results))
    result = catalog.add("day=1/hour=0/x", "day=2/hour=0/x", lot=Lot.parse("20240131PT5M001"), arc=arc)
    assert listed(result) == ("complete", [f"{catalog.uri}{each}" for each in expected])


def test_a_partition_for_another_folder_is_no_success(catalog: Catalog) -> None:
    catalog.add("day=1/hour=0/x")
    table = {"DatabaseName": catalog.database, "TableName": "t"}
    catalog.glue.delete_partition(**table, PartitionValues=["1", "0"])
    elsewhere = {"Values": ["1", "0"], "StorageDescriptor": {"Location": "s3://elsewhere/"}}
    catalog.glue.create_partition(**table, PartitionInput=elsewhere)
    with pytest.raises(WorkloadError, match="the partition is already there, for s3://elsewhere/"):
        catalog.add("day=1/hour=0/x")
    result = catalog.add("day=1/hour=0/x", "day=2/hour=0/x")
    assert listed(result)[0] == "partial"
    assert "1 of 2 partitions were not added" in result.problem


def test_several_tables_each_get_their_own(ministack_endpoint: str, ask: Callable[[str], None]) -> None:
    ask(ministack_endpoint)
    catalog = Catalog().make("t", "u")
    other = f"glue:///{catalog.database}/u/"
    result = catalog.add("day=1/hour=0/x", arc=catalog.arc(catalog.uri, other))
    assert listed(result, "sink-0")[1] == [f"{catalog.uri}day=1/hour=0/"]
    assert listed(result, "sink-1")[1] == [f"{other}day=1/hour=0/"]


def test_manifests_of_folders_are_taken_as_they_are(catalog: Catalog) -> None:
    assert listed(catalog.add("day=1/hour=0/", uri_type=UriType.PATH))[1] == [
        f"{catalog.uri}day=1/hour=0/",
    ]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("x.csv", "lies in no folder"),
        ("day=1/x.csv", r"gives the values \('1',\), and .* has the keys day, hour"),
        ("day=1/hour=2/min=3/x.csv", "has the keys day, hour"),
        ("day=/hour=2/x.csv", "has the keys day, hour"),
    ],
)
def test_folders_that_are_no_partition_are_named_and_nothing_is_added(catalog: Catalog, key: str, problem: str) -> None:
    with pytest.raises(WorkloadError, match=problem):
        catalog.add("day=1/hour=0/x", key)
    assert not catalog.partitions


def test_a_table_that_is_not_there_is_named(catalog: Catalog) -> None:
    missing = catalog.arc(f"glue:///{catalog.database}/missing/")
    with pytest.raises(WorkloadError, match=f"there is no table {catalog.database}.missing") as refused:
        catalog.add("day=1/hour=0/x", arc=missing)
    assert "aws:core:glueTable" in refused.value.hint


def test_what_is_stopped_is_partial_and_the_next_attempt_adds_the_rest(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glue_partitions, "_BATCH", 1)
    answers = iter([False, True])
    catalog.stopping = lambda: next(answers)
    keys = ["day=1/hour=0/x", "day=2/hour=0/x"]
    result = catalog.add(*keys)
    assert listed(result)[0] == "partial"
    assert "the attempt was stopped" in result.problem
    catalog.stopping = lambda: False
    assert listed(catalog.add(*keys)) == ("complete", [f"{catalog.uri}{key[:-1]}" for key in keys])


# ---- declared --------------------------------------------------------------------------------------------------

names = st.text("abc=+ é", min_size=1).filter(lambda name: name.strip("= "))


@given(st.lists(st.tuples(names.filter(lambda name: "=" not in name), names), min_size=1))
def test_a_named_folder_gives_what_follows_its_first_delimiter(pairs: list[tuple[str, str]]) -> None:
    folder = "/".join(f"{name}={value}" for name, value in pairs)
    assert values(folder, GluePartitionsProps()) == tuple(value for _, value in pairs)
    plain = GluePartitionsProps(partition_type=PartitionType.VALUE)
    assert values(folder, plain) == tuple(f"{name}={value}" for name, value in pairs)


def test_another_delimiter_and_names_without_one() -> None:
    props = GluePartitionsProps(named_partition_delimiter="--")
    assert values("day--1/2", props) == ("1", "2")


def test_a_table_of_another_account_is_asked_for_there() -> None:
    assert table_at("glue://111122223333/db/t/") == Table(catalog="111122223333", database="db", name="t")
    assert table_at("glue://111122223333/db/t").request == {"CatalogId": "111122223333", "DatabaseName": "db"}
    assert table_at("glue:///db/t/").request == {"DatabaseName": "db"}


@pytest.mark.parametrize("uri", ["s3://bucket/t/", "glue:///t/", "glue:///", "glue:///a/b/c/"])
def test_sinks_that_are_no_table_are_refused(uri: str) -> None:
    with pytest.raises(InvalidValueError, match="glue:"):
        Catalog(glue=None).arc(uri)


# ---- a table's partitions as a store ---------------------------------------------------------------------------


def test_partitions_are_seen_and_removed_like_objects(catalog: Catalog) -> None:
    catalog.add("day=2/hour=0/x", "day=1/hour=5/x", "day=1/hour=0/x")
    store = open_table(catalog.uri, PLACE)
    assert [info.key for info in store.list()] == ["day=1/hour=0/", "day=1/hour=5/", "day=2/hour=0/"]
    assert [info.key for info in store.list("day=1/", "day=1/hour=0/")] == ["day=1/hour=5/"]
    assert store.head("day=1/hour=0/").size == 0
    store.delete("day=1/hour=0/")
    store.delete("day=1/hour=0/")
    assert sorted(catalog.partitions) == [("1", "5"), ("2", "0")]
    with pytest.raises(ObjectMissingError, match="there is no partition"):
        store.get("day=1/hour=0/")


@pytest.mark.parametrize("write", ["put", "create"])
def test_nothing_is_written_to_a_table(catalog: Catalog, write: str) -> None:
    with pytest.raises(StoreRefusedError, match="a table has partitions, and no objects"):
        getattr(open_table(catalog.uri, PLACE), write)("x", b"")


def test_evolving_keeps_the_arc_checked(catalog: Catalog) -> None:
    with pytest.raises(InvalidValueError):
        evolve(catalog.arc(), sinks={"main": SinkDataset(name="x", version="1", path_uri="file:///x/")})
