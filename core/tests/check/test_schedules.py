"""Expressions that are none are found where they stand, before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clusterless.deploy.check import check
from clusterless.deploy.read import read_projects
from clusterless.engine.findings import Finding
from clusterless.errors import MalformedError
from clusterless.plugins import find_plugins

COMMAND = {"workload": {"command": ["true"]}}


def found(
    folder: Path, *, activity: dict[str, Any] | None = None, clock: dict[str, Any] | None = None
) -> list[Finding]:
    dataset = {"name": "ticks", "version": "1"}
    declared: dict[str, Any] = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}}
    if activity is not None:
        declared["activities"] = [{"type": "cls:core:execActivity", "name": "chore", **COMMAND, **activity}]
    if clock is not None:
        declared["boundaries"] = [{"type": "cls:core:clockBoundary", "name": "clock", "dataset": dataset, **clock}]
    file = folder / "project.json"
    file.write_text(json.dumps(declared))
    plugins = find_plugins()
    return list(check(read_projects([file], plugins.components(), plugins.project_formats()), plugins))


def test_good_ones_are_no_finding(tmp_path: Path) -> None:
    cron = {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}
    assert found(tmp_path, activity=cron, clock=cron) == []
    assert found(tmp_path, activity={"interval": "Hours"}, clock={"lotUnit": "Hours"}) == []


@pytest.mark.parametrize(
    ("wrong", "at", "text"),
    [
        ({"cron": "61 * * * *"}, "cron", "'61 * * * *' is no cron expression: bad minute"),
        ({"cron": "0 0 30 2 *"}, "cron", "'0 0 30 2 *' never fires: there is no such day"),
        ({"cron": "0 3 * * *", "timezone": "Mars/Dome"}, "timezone", "'Mars/Dome' is no time zone known here"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, wrong: dict[str, str], at: str, text: str) -> None:
    findings = found(tmp_path, activity=wrong, clock=wrong)
    assert [(each.path, each.text) for each in findings] == [
        (f"$.activities[0].{at}", text),
        (f"$.boundaries[0].{at}", text),
    ]
    assert all("such as" in each.remedy for each in findings)


@pytest.mark.parametrize(
    ("activity", "text"),
    [
        ({}, "say when: by 'interval'"),
        ({"interval": "Hours", "cron": "0 3 * * *"}, "and not by both"),
        ({"interval": "Hours", "timezone": "Europe/Berlin"}, "'timezone' goes with 'cron'"),
        ({"interval": "Fortnights"}, r"activities\[0\]\.interval: 'Fortnights' is not a lot unit"),
        ({"interval": "Hours", "catchUp": "some"}, r"catchUp: must be one of 'last', 'all', 'none'"),
    ],
)
def test_what_does_not_go_together_is_refused_when_it_is_read(
    tmp_path: Path, activity: dict[str, str], text: str
) -> None:
    with pytest.raises(MalformedError, match=text):
        found(tmp_path, activity=activity)


def test_two_clocks_without_a_location_are_not_in_each_others_way(tmp_path: Path) -> None:
    file = tmp_path / "project.json"
    clocks = [
        {
            "type": "cls:core:clockBoundary", "name": name, "lotUnit": "Hours",
            "dataset": {"name": name, "version": "1"},
        }
        for name in ("one", "two")
    ]  # fmt: skip
    declared = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}, "boundaries": clocks}
    file.write_text(json.dumps(declared))
    plugins = find_plugins()
    assert check(read_projects([file], plugins.components(), plugins.project_formats()), plugins) == ()
