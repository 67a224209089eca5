"""`cls arcs` and `cls datasets` over a project that really ran, and over records made by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clusterless.cli.app import main
from clusterless.model.lot import Lot
from clusterless.store.files import FileStore

Cls = Callable[..., Result]

OWNED = {"owner": {"name": "p", "version": "1"}, "dataset": {"name": "a", "version": "1", "pathURI": "file:///a/"}}


@pytest.fixture
def cls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cls:
    """Runs ``cls`` in this process, in the project's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    return lambda *arguments, **environment: CliRunner().invoke(main, arguments, env=environment)


@pytest.fixture
def stores(tmp_path: Path) -> dict[str, FileStore]:
    root = (tmp_path / ".clusterless").as_uri()
    return {kind: FileStore(f"{root}/clusterless-{kind}-local-here/") for kind in ("metadata", "arc-state", "manifest")}


@pytest.fixture
def recorded(stores: dict[str, FileStore]) -> dict[str, FileStore]:
    """Dataset a with lots 100 to 103 of a day (one empty, one partial), arc copy never run, arc old with one lot."""
    stores["metadata"].put("datasets/name=a/version=1/dataset.json", json.dumps(OWNED).encode())
    for arc in ("copy", "old"):
        stores["metadata"].put(f"arcs/project=p/version=1/arc={arc}/arc.json", b"{}")
    for name in ("100/state=complete", "101/state=empty", "102/state=partial/attempt=7", "103/state=complete"):
        key = f"datasets/name=a/version=1/lot=20240131PT5M{name}/manifest.json"
        stores["manifest"].put(key, b"{}")
    stores["arc-state"].put("arcs/project=p/version=1/arc=old/lot=20240131PT5M100/complete.arc", b"")
    return stores


RANGE = ("--earliest", "20240131PT5M098", "--latest", "20240131PT5M106")


def rows(cls: Cls, *arguments: str) -> list[dict[str, str]]:
    shown = cls("--output", "csv", *arguments)
    assert shown.exit_code == 0, shown.stderr
    return list(csv.DictReader(shown.stdout.splitlines()))


def test_columns_are_those_of_the_format(cls: Cls, recorded: object) -> None:
    place = "placement.provider,placement.stage,placement.account,placement.region"
    found = "temporalUnit,earliest,earliestFound,earliestGap,latest,latestFound,latestGap"
    totals = "totalFound,range,rangeGap"
    for arguments, columns in {
        ("arcs",): f"{place},project.name,project.version,name",
        (
            "arcs",
            "status",
        ): f"{place},project.name,project.version,name,{found},running,partial,missing,complete,{totals}",
        ("arcs", "status", "--list"): f"{place},project.name,project.version,name,lotId,arcState",
        ("datasets",): f"{place},dataset.name,dataset.version",
        ("datasets", "status"): f"{place},dataset.name,dataset.version,{found},removed,partial,empty,complete,{totals}",
        ("datasets", "status", "--list"): f"{place},dataset.name,dataset.version,lotId,manifestState",
    }.items():
        assert cls("--output", "csv", *arguments).stdout.splitlines()[0] == columns


def test_lots_are_counted_once_and_gaps_in_lots(cls: Cls, recorded: object) -> None:
    (row,) = rows(cls, "datasets", "status", *RANGE)
    assert {name: row[name] for name in list(row)[6:]} == {
        "temporalUnit": "TWELFTHS",
        "earliest": "20240131PT5M098",
        "earliestFound": "20240131PT5M100",
        "earliestGap": "2",
        "latest": "20240131PT5M105",
        "latestFound": "20240131PT5M103",
        "latestGap": "2",
        "removed": "0",
        "partial": "1",
        "empty": "1",
        "complete": "2",
        "totalFound": "4",
        "range": "8",
        "rangeGap": "4",
    }


def test_an_arc_that_never_ran_aborts_no_report(cls: Cls, recorded: object) -> None:
    copy, old = rows(cls, "arcs", "status", *RANGE)
    assert (copy["name"], copy["temporalUnit"], copy["totalFound"], copy["range"]) == ("copy", "", "0", "")
    assert (old["name"], old["temporalUnit"], old["complete"], old["rangeGap"]) == ("old", "TWELFTHS", "1", "7")


def test_the_list_has_a_row_a_lot(cls: Cls, recorded: object) -> None:
    listed = rows(cls, "datasets", "status", "--list", *RANGE)
    assert [(row["lotId"][-3:], row["manifestState"]) for row in listed] == [
        ("100", "complete"),
        ("101", "empty"),
        ("102", "partial"),
        ("103", "complete"),
    ]


def test_json_nests_the_record_under_its_kind(cls: Cls, recorded: object) -> None:
    place = {"provider": "local", "stage": None, "account": "local", "region": "here"}
    (dataset,) = json.loads(cls("--output", "json", "datasets").stdout)
    assert dataset == {"placement": place, "dataset": {"name": "a", "version": "1"}}
    for arguments, key in ((["--list"], "dataset"), ([], "manifest")):
        shown: list[dict[str, Any]] = json.loads(
            cls("--output", "json", "datasets", "status", *arguments, *RANGE).stdout
        )
        assert shown[0][key] == dataset
    shown = json.loads(cls("--output", "json", "arcs", "status", *RANGE).stdout)
    assert shown[1]["arc"] == {"placement": place, "project": {"name": "p", "version": "1"}, "name": "old"}
    assert shown[1]["complete"] == 1


def test_filters_are_exact_and_see_the_version(cls: Cls, recorded: object) -> None:
    assert [row["name"] for row in rows(cls, "arcs", "--name", "old")] == ["old"]
    refused = cls("arcs", "--name", "ol")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert len(rows(cls, "arcs", "--project", "p")) == len(rows(cls, "arcs", "--project", "p:1")) == 2
    for arguments in (("arcs", "--project", "p:2"), ("datasets", "--project", "q")):
        assert cls("--output", "json", *arguments).exit_code == 2


def test_what_is_mistyped_is_told_with_what_there_is(cls: Cls, recorded: object) -> None:
    asked = cls("arcs", "status", "--name", "copi")
    assert "--name copi: there is none here; there are: copy, old\n" in asked.output
    assert "did you mean --name copy?" in asked.output
    assert "--project nope: there is none here; there are: p:1\n" in cls("datasets", "--project", "nope").output


def test_another_stage_is_another_placement(cls: Cls, recorded: object) -> None:
    assert cls("bootstrap", "--provider", "local", "--stage", "prod", "--approve").exit_code == 0
    assert rows(cls, "datasets", "--stage", "prod") == []


def test_with_files_what_they_declare_is_reported_though_it_never_ran(cls: Cls, project: Path) -> None:
    (arc,) = rows(cls, "arcs", "status", "-p", "project.json", *RANGE)
    assert (arc["name"], arc["temporalUnit"], arc["range"], arc["rangeGap"]) == ("copy", "TWELFTHS", "8", "8")
    assert [row["dataset.name"] for row in rows(cls, "datasets", "-p", "project.json")] == ["a", "b"]


def test_moments_that_make_no_sense_are_refused(cls: Cls, recorded: object) -> None:
    assert cls("datasets", "status", "--earliest", "yesteryear").exit_code == 2
    assert cls("datasets", "status", "--earliest", "2024-02-01", "--latest", "2024-01-01").exit_code == 2


def test_a_table_fits_forty_columns(cls: Cls, recorded: object) -> None:
    shown = cls("datasets", "status", *RANGE, COLUMNS="40").stdout
    assert all(len(line) <= 40 for line in shown.splitlines())
    assert "totalFound          4" in shown


def test_a_run_is_seen_by_every_report(cls: Cls, project: Path, tmp_path: Path) -> None:
    (tmp_path / "data/a").mkdir(parents=True)
    (tmp_path / "data/a/one.csv").write_text("1\n")
    ran = cls("run", "project.json", "--until-idle", "--seal-open")
    assert ran.exit_code == 0, ran.stderr
    wide = ("--earliest", "1h", "--latest", "+1h")
    for arguments in (("-p", "project.json"), ()):
        assert [row["arcState"] for row in rows(cls, "arcs", "status", "--list", *wide, *arguments)] == ["complete"]
        listed = rows(cls, "datasets", "status", "--list", *wide, *arguments)
        assert [(row["dataset.name"], row["manifestState"]) for row in listed] == [("a", "complete"), ("b", "complete")]
    (arc,) = rows(cls, "arcs", "status", *wide)
    assert (arc["complete"], arc["totalFound"]) == ("1", "1")


def test_a_listing_of_more_than_a_page_is_counted_whole(cls: Cls, stores: dict[str, FileStore]) -> None:
    """Stores hand listings out by the thousand."""
    stores["metadata"].put("datasets/name=a/version=1/dataset.json", json.dumps(OWNED).encode())
    stores["metadata"].put("arcs/project=p/version=1/arc=copy/arc.json", b"{}")
    first = Lot.parse("20240131PT1M0000")
    for number in range(1234):
        lot = first.plus(number)
        state = "empty" if number % 3 else "complete"
        stores["manifest"].put(f"datasets/name=a/version=1/lot={lot}/state={state}/manifest.json", b"{}")
        stores["arc-state"].put(f"arcs/project=p/version=1/arc=copy/lot={lot}/complete.arc", b"")
    day = ("--earliest", "20240131PT1M0000", "--latest", "20240201PT1M0000")
    (row,) = rows(cls, "datasets", "status", *day)
    assert (row["complete"], row["empty"], row["totalFound"], row["range"]) == ("412", "822", "1234", "1440")
    assert len(rows(cls, "datasets", "status", "--list", *day)) == 1234
    (row,) = rows(cls, "arcs", "status", *day)
    assert (row["complete"], row["totalFound"], row["rangeGap"]) == ("1234", "1234", "206")


def test_an_empty_report_says_so_where_errors_go(cls: Cls, recorded: object) -> None:
    elsewhere = ("--stage", "none")
    assert cls("bootstrap", "--provider", "local", *elsewhere, "--yes").exit_code == 0
    assert cls("arcs", *elsewhere).stdout == ""
    assert cls("arcs", *elsewhere).stderr == "no arcs are known here; -p FILE looks at those of a project file\n"
    nothing = cls("datasets", "status", "--list", "--earliest", "20200101", "--latest", "20200102")
    assert nothing.stderr.startswith("no dataset has a lot between 2020-01-01 00:00:00Z and 2020-01-02 00:00:00Z\n")
    assert "no lot is in that range; the first after it is 2024" in nothing.stderr
    assert cls("--output", "json", "arcs", *elsewhere).stdout == "[]\n"


def test_lots_that_are_all_older_than_the_range_are_told_of(cls: Cls, recorded: object) -> None:
    for command, newest in (("datasets", "20240131PT5M103"), ("arcs", "20240131PT5M100")):
        shown = cls(command, "status")
        said = f"no lot is in that range; the newest before it is {newest}: --earliest 2024-01-31\n"
        assert (shown.exit_code, shown.stderr) == (0, said)
        assert shown.stdout
    assert "older" not in cls("datasets", "status", *RANGE).stderr
    assert "older" not in cls("datasets", "status", "--earliest", "20200101", "--latest", "20200102").stderr
