"""Which placement a command looks at: one that is not there, what is only read from, and the commands told to type."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from shop import arrive, copy, shop, source

from clusterless.cli.again import again, keep_place
from clusterless.cli.app import main
from clusterless.runtime.root import output_folder

Cls = Callable[..., Result]
LOT = "20240131PT1H001"


@pytest.fixture
def cls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cls:
    """Runs ``cls`` in this process, in the projects' folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    return lambda *arguments, **environment: CliRunner().invoke(main, arguments, env=environment)


@pytest.fixture
def east_and_west(cls: Cls, tmp_path: Path) -> Cls:
    """`cls`, where shop of account east makes `sold`, which shop of account west copies to a dataset of that name."""
    reads = {**source("sold"), "placement": {"provider": "local", "account": "east"}}
    declare(tmp_path, "east", boundaries=[arrive()], arcs=[copy("sell", "orders", "sold")])
    declare(tmp_path, "west", arcs=[{**copy("sell", "sold", "sold"), "sources": {"main": reads}}])
    west = json.loads((tmp_path / "west.json").read_text())
    west["arcs"][0]["sinks"]["main"]["pathURI"] = "west/"
    (tmp_path / "west.json").write_text(json.dumps(west))
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders/1.csv").write_text("1\n")
    for file in ("east.json", "west.json"):
        ran = cls("run", file, "--until-idle", "--seal-open")
        assert ran.exit_code == 0, ran.stderr
    return cls


def declare(folder: Path, account: str, **parts: Any) -> None:
    declared = shop(**parts) | {"placement": {"provider": "local", "account": account}}
    (folder / f"{account}.json").write_text(json.dumps(declared))


def switches(cls: Cls, *arguments: str) -> list[str]:
    return [each["switch"] for each in json.loads(cls("status", *arguments, "--output", "json").stdout)]


def told(result: Result) -> str:
    return result.stdout + result.stderr


# ---- a placement that is not there -----------------------------------------------------------------------------


ASKING = (
    "status",
    "gaps",
    "graph",
    "arcs",
    "datasets status",
    "projects",
    "plans",
    "audit orders",
    "disable shop",
    f"explain {LOT}",
)


@pytest.mark.parametrize("command", ASKING)
def test_a_placement_that_is_not_there_is_not_one_that_is_well(cls: Cls, tmp_path: Path, command: str) -> None:
    refused = cls(*command.split(), "--account", "nope")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "error[placement-unknown]: nothing was ever run in local nope here: " in refused.stderr
    assert (tmp_path / ".clusterless").as_uri() in refused.stderr
    assert "that are there: none; -p FILE looks" in refused.stderr


@pytest.mark.parametrize(
    "command", ["status", "gaps", "graph --earliest -1d", "arcs status", "datasets status", "plans", "dupes orders"]
)
def test_that_nothing_is_where_the_records_of_a_file_should_be_is_said(
    east_and_west: Cls, tmp_path: Path, command: str
) -> None:
    warned = "nothing was ever run in local east here: file://"
    assert warned not in east_and_west(*command.split(), "-p", "east.json").stderr
    gone = east_and_west(*command.split(), "-p", "east.json", CLS_LOCAL_ROOT=str(tmp_path / "gone"))
    assert gone.stderr.count(warned) == 1
    assert str(tmp_path / "gone") in gone.stderr


def test_a_drawing_of_what_was_not_run_yet_needs_no_records(cls: Cls, tmp_path: Path) -> None:
    declare(tmp_path, "east", boundaries=[arrive()])
    assert cls("graph", "-p", "east.json").stderr == ""


def test_who_names_none_that_is_there_is_told_those_that_are(east_and_west: Cls, tmp_path: Path) -> None:
    assert "that are there: --account east, --account west;" in east_and_west("status", "--account", "eats").stderr
    elsewhere = east_and_west("gaps", CLS_LOCAL_ROOT=str(tmp_path / "unset"))
    assert (elsewhere.exit_code, str(tmp_path / "unset") in elsewhere.stderr) == (2, True)


def test_a_placement_that_is_made_and_holds_nothing_yet_is_there(cls: Cls) -> None:
    assert cls("bootstrap", "--provider", "local", "--account", "new", "--yes").exit_code == 0
    for command in ("projects", "arcs", "datasets"):
        shown = cls("--output", "json", command, "--account", "new")
        assert (shown.exit_code, shown.stdout) == (0, "[]\n")
    assert cls("status", "--account", "new").exit_code == 0


def test_local_placements_are_listed_once_something_was_run_there(east_and_west: Cls) -> None:
    shown = json.loads(east_and_west("--output", "json", "placements", "--provider", "local").stdout)
    assert [each["account"] for each in shown] == ["east", "west"]


# ---- what is only read from ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [("--account", "west"), ("-p", "west.json")])
def test_what_is_upstream_in_another_placement_is_not_asked_about(
    east_and_west: Cls, tmp_path: Path, where: tuple[str, str]
) -> None:
    shown = json.loads(east_and_west("status", *where, "--output", "json").stdout)
    assert [(each["name"], each["placement"]["account"]) for each in shown] == [
        ("shop/sell", "west"),
        ("sold/1", "west"),
    ]
    gaps = json.loads(east_and_west("gaps", *where, "--earliest", "-3h", "--output", "json").stdout)
    assert {each["placement"]["account"] for each in gaps} <= {"west"}
    plan = json.loads(east_and_west("replay", "--which", "all", *where, "--output", "json").stdout)
    assert [(each["arc"], each["placement"]["account"]) for each in plan] == [("sell", "west")]
    assert east_and_west("audit", "sold", *where).exit_code == 0
    (tmp_path / "west/stray").write_text("of nobody")
    os.utime(tmp_path / "west/stray", (0, 0))  # what is young may be somebody's who is still at it
    assert "west/stray" in east_and_west("audit", "sold", *where).stdout
    off = east_and_west("disable", "shop", *where)
    assert (off.exit_code, "shop is disabled" in off.stdout) == (0, True)
    assert switches(east_and_west, "shop/sell", *where) == ["off"]
    assert "off" not in switches(east_and_west, "-p", "east.json")


def test_where_both_are_asked_about_it_is_said_how_to_tell_them_apart(east_and_west: Cls) -> None:
    refused = east_and_west("audit", "sold", "-p", "east.json", "-p", "west.json")
    assert (refused.exit_code, "sold/1 in local east here, sold/1 in local west here" in refused.stderr) == (2, True)
    for command in (("audit", "sold"), ("exec", "sell", LOT), ("disable", "shop/sell")):
        refused = east_and_west(*command, "-p", "east.json", "-p", "west.json")
        assert "name one file with -p, or one placement by --stage, --account and --region" in refused.stderr


def test_a_file_that_is_named_twice_is_read_once(east_and_west: Cls, tmp_path: Path) -> None:
    twice = ("-p", "west.json", "-p", "./west.json", "-p", str(tmp_path / "west.json"))
    assert len(json.loads(east_and_west("projects", *twice, "--output", "json").stdout)) == 1


# ---- commands that are told to type ----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["--account west", "-p west.json"])
def test_a_command_to_type_has_what_this_one_was_told_of_where_to_look(east_and_west: Cls, where: str) -> None:
    place = where.split()
    assert f"cls enable {where} shop/sell\n" in east_and_west("disable", "shop/sell", *place).stdout
    assert f"cls gaps {where} --why says what" in east_and_west("exec", "sell", LOT, *place).stderr
    planned = east_and_west("replay", "sell", "--which", "all", *place)
    resumed = planned.stderr.partition("this works it: cls ")[2].strip()
    assert resumed.startswith(f"replay {where} --resume ")
    worked = east_and_west(*resumed.split())
    assert worked.exit_code == 0, told(worked)


def test_a_command_to_type_has_the_settings_that_this_one_was_given(east_and_west: Cls) -> None:
    setting = "-D placement.account=west"
    planned = east_and_west(*setting.split(), "replay", "sell", "--which", "all")
    resumed = planned.stderr.partition("this works it: cls ")[2].strip()
    assert resumed.startswith(f"{setting} replay --resume ")
    assert east_and_west(*resumed.split()).exit_code == 0
    off = east_and_west("-D", "report.output=table", *setting.split(), "disable", "shop/sell")
    assert f"cls -D report.output=table {setting} enable shop/sell\n" in off.stdout


def test_it_is_left_out_where_nothing_was_told_and_where_it_is_set(cls: Cls, tmp_path: Path) -> None:
    declare(tmp_path, "local", arcs=[copy("sell", "orders", "sold")], boundaries=[arrive()])
    (tmp_path / "orders").mkdir()
    assert cls("run", "local.json", "--until-idle").exit_code == 0
    assert "hint: cls gaps --why says" in cls("exec", "sell", LOT).stderr
    (tmp_path / ".clsconfig").write_text('[placement]\naccount = "local"\n')
    assert "hint: cls gaps --why says" in cls("exec", "sell", LOT).stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cls gaps --why", "cls gaps -p 'a b.json' -p c.json --stage x --why"),
        ("try cls run, or cls nonsense", "try cls run 'a b.json' c.json, or cls nonsense"),
        ("cls run FILE", "cls run FILE"),
        ("cls verify d.json", "cls verify d.json"),
        ("cls datasets status lists", "cls datasets status -p 'a b.json' -p c.json --stage x lists"),
        ("cls arcs --stage y", "cls arcs -p 'a b.json' -p c.json --stage y"),
        ("clss gaps; cls plugins", "clss gaps; cls plugins"),
    ],
)
def test_each_command_is_told_what_it_takes(text: str, expected: str) -> None:
    command = main.get_command(click.Context(main), "status")
    assert command
    with click.Context(main) as root:
        given = ["-p", "a b.json", "-p", "c.json", "--stage", "x"]
        with command.make_context("status", given, parent=root) as ctx:
            assert again(text) == text
            keep_place(ctx)
            assert again(text) == expected
    assert again(text) == text


# ---- what is kept here -----------------------------------------------------------------------------------------


def test_what_attempts_print_is_kept_where_all_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLS_LOCAL_ROOT", str(tmp_path / "root"))
    assert output_folder(tmp_path / "a") == tmp_path / "root/output"
    monkeypatch.delenv("CLS_LOCAL_ROOT")
    assert output_folder(tmp_path / "a") == tmp_path / "a/.clusterless/output"
    (tmp_path / ".clusterless").mkdir()
    assert output_folder(tmp_path / "a") == tmp_path / ".clusterless/output"
