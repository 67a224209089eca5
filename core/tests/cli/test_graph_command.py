"""``cls graph``, in real runs: what is declared, what is recorded, and how lots stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shop import arrive, copy, daily, shop

from clusterless.cli.app import main

SHOP: dict[str, Any] = {
    **shop(boundaries=[arrive()], barriers=[daily()]),
    "arcs": [
        {
            "type": "cls:core:copyArc",
            "name": "keep",
            "sources": {
                "main": {"name": "orders", "version": "1"},
                "old": {"name": "kept", "version": "1", "subscribe": False},
            },
            "sinks": {"main": {"name": "kept", "version": "1", "pathURI": "kept/"}},
        },
        copy("off", "by-day", "never", exclude=True),
    ],
    "notifiers": [
        {
            "type": "cls:core:execNotifier",
            "name": "tell",
            "command": ["true"],
            "datasets": [{"name": "kept", "version": "1"}],
        }
    ],
    "activities": [
        {
            "type": "cls:core:execActivity",
            "name": "sweep",
            "cron": "*/5 3 * * *",
            "timezone": "Europe/Berlin",
            "workload": {"command": ["true"]},
        }
    ],
}
REPORT = {
    "project": {"name": "report", "version": "2"},
    "placement": {"provider": "local", "stage": "dev"},
    "arcs": [
        {
            "type": "cls:core:copyArc",
            "name": "print",
            "sources": {
                "main": {"name": "kept", "version": "1", "placement": {"provider": "local"}},
                "lost": {"name": "lost", "version": "9"},
            },
            "sinks": {"main": {"name": "printed", "version": "1", "pathURI": "printed/"}},
        }
    ],
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CLS_LOCAL_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.json").write_text(json.dumps(SHOP))
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    (tmp_path / "orders").mkdir()
    return tmp_path


def drawn(*arguments: str) -> str:
    asked = CliRunner().invoke(main, ["graph", *arguments])
    assert (asked.exit_code, asked.stderr) == (0, ""), asked.output
    return asked.stdout


def told(*arguments: str) -> tuple[dict[str, dict[str, Any]], set[tuple[str, str, str]]]:
    """Nodes by kind and name, and edges between such."""
    value = json.loads(drawn("--format", "json", *arguments))
    names = {node["id"]: f"{node['kind']} {node['name']}" for node in value["nodes"]}
    edges = {(names[edge["from"]], names[edge["to"]], edge["flow"]) for edge in value["edges"]}
    return {names[node["id"]]: node for node in value["nodes"]}, edges


def test_everything_declared_is_drawn_across_placements(here: Path) -> None:
    nodes, edges = told("-p", "shop.json", "-p", "report.json")
    assert edges == {
        ("boundary arrive", "dataset orders/1", "lots"),
        ("dataset orders/1", "barrier day", "lots"),
        ("barrier day", "dataset by-day/1", "lots"),
        ("dataset orders/1", "arc keep", "lots"),
        ("dataset kept/1", "arc keep", "read"),
        ("arc keep", "dataset kept/1", "lots"),
        ("dataset by-day/1", "arc off", "lots"),
        ("arc off", "dataset never/1", "lots"),
        ("dataset kept/1", "notifier tell", "news"),
        ("dataset kept/1", "arc print", "lots"),
        ("dataset lost/9", "arc print", "lots"),
        ("arc print", "dataset printed/1", "lots"),
    }
    assert nodes["arc off"]["note"] == "excluded"
    assert nodes["activity sweep"]["note"] == "at */5 3 * * * Europe/Berlin"
    assert nodes["barrier day"]["note"] == "lots of Days"
    assert nodes["dataset lost/9"]["note"] == "not known here"
    assert nodes["dataset kept/1"]["project"] == nodes["arc keep"]["project"] != nodes["arc print"]["project"]


def test_what_was_run_is_drawn_without_its_files_and_with_how_lots_stand(here: Path) -> None:
    (here / "orders" / "one").write_text("1")
    ran = CliRunner().invoke(main, ["run", "shop.json", "--until-idle", "--seal-open"])
    assert ran.exit_code == 0, ran.output
    (here / "shop.json").unlink()
    nodes, _ = told("--earliest", "-2h")
    assert nodes["dataset orders/1"]["state"] == nodes["arc keep"]["state"] == "complete"
    assert nodes["dataset kept/1"]["lots"].get("complete") == 1  # beside it the lot that was open may be sealed empty
    assert nodes["notifier tell"]["lots"] is nodes["arc off"]["lots"] is None
    plain, _ = told()
    assert {node["state"] for node in plain.values()} == {None}


def test_a_part_is_drawn_with_what_it_touches(here: Path) -> None:
    both = ("-p", "shop.json", "-p", "report.json")
    assert set(told(*both, "--project", "report:2")[0]) == {
        *("arc print", "dataset kept/1", "dataset lost/9", "dataset printed/1"),
    }
    assert set(told(*both, "--name", "tell")[0]) == {"dataset kept/1", "notifier tell"}
    assert "arc print" in told(*both, "--name", "kept")[0]


@pytest.mark.parametrize(
    ("form", "begins"), [("text", "shop/1 (local"), ("mermaid", "flowchart LR"), ("dot", "digraph"), ("svg", "<svg ")]
)
def test_each_form_is_printed(here: Path, form: str, begins: str) -> None:
    assert drawn("-p", "shop.json", "--format", form).startswith(begins)


def test_where_nothing_is_known_that_is_said(here: Path) -> None:
    assert CliRunner().invoke(main, ["bootstrap", "--provider", "local", "--yes"]).exit_code == 0
    asked = CliRunner().invoke(main, ["graph"])
    assert (asked.exit_code, asked.stdout) == (0, "")
    assert "nothing to draw" in asked.stderr


def test_its_help_says_when_lots_are_looked_at() -> None:
    said = " ".join(CliRunner().invoke(main, ["graph", "--help"]).output.split())
    assert "without both, no lots are looked at, and the 12 hours are for --latest alone" in said
