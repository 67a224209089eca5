"""`cls show`: templates that could be filled in, and what is installed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clusterless.cli.app import main
from clusterless.plugins import find_plugins


def show(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", *arguments])


def test_components_are_listed_sorted_by_kind() -> None:
    listed = show("component", "--list").stdout.splitlines()
    assert listed == sorted(find_plugins().components())
    assert "local:core:putListenerBoundary" in listed
    assert show("arc", "--list").stdout.splitlines() == sorted(find_plugins().arcs())
    assert "local" in show("provider", "--list").stdout.splitlines()


def test_models_are_listed_in_their_own_order() -> None:
    assert show("model", "--list").stdout.split() == [
        "Deployable",
        "Project",
        "Placement",
        "Arc",
        "SourceDataset",
        "SinkDataset",
    ]


def test_a_model_has_every_key_and_its_default() -> None:
    assert json.loads(show("model", "--model", "placement").stdout) == {
        "provider": None,
        "stage": None,
        "account": None,
        "region": None,
    }
    shown = show("boundary", "--model", "local:core:putListenerBoundary").stdout
    assert '\n  "lotSource" : "objectModifiedTime",\n' in shown
    assert list(json.loads(shown))[:3] == ["type", "name", "exclude"]


def test_required_shows_only_what_must_be_given() -> None:
    shown = show("boundary", "--model", "local:core:putListenerBoundary", "--required").stdout
    assert json.loads(shown) == {
        "type": "local:core:putListenerBoundary",
        "name": None,
        "dataset": {"name": None, "version": None, "pathURI": None},
        "lotUnit": None,
    }


@pytest.mark.parametrize("type_", sorted(find_plugins().components()))
def test_every_component_has_a_template_and_a_description(type_: str) -> None:
    template: dict[str, Any] = json.loads(show("component", "--model", type_).stdout)
    assert template["type"] == type_
    described = show("component", "--describe", type_).stdout
    assert described.startswith(f"Type\n    {type_}\n\nSynopsis\n    {find_plugins().component(type_).summary}\n")
    assert "\nTemplate\n    {\n" in described


def test_all_of_a_kind_are_shown_one_after_another() -> None:
    described = show("arc", "--describe-all").stdout
    assert [described.count(f'"type" : "{type_}"') for type_ in find_plugins().arcs()] == [1] * len(
        find_plugins().arcs()
    )
    assert show("barrier", "--model-all").stdout == ""


def test_an_unknown_name_ends_with_1() -> None:
    shown = show("arc", "--model", "cls:core:nothing")
    assert shown.exit_code == 1
    assert "no model found for: cls:core:nothing" in shown.stderr


def test_exactly_one_thing_is_asked() -> None:
    assert show("arc").exit_code == 2
    assert show("arc", "--list", "--model", "x").exit_code == 2
    assert show("provider", "--model", "local").exit_code == 2
