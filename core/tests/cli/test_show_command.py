"""`cls show`: templates that could be filled in, and what is installed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clusterless.cli.app import main
from clusterless.cli.keys import every_key
from clusterless.cli.show import _known
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
    synopsis = described.partition("Synopsis\n")[2].partition("\n\n")[0]
    assert described.startswith(f"Type\n    {type_}\n\nSynopsis\n")
    assert " ".join(synopsis.split()) == find_plugins().component(type_).summary
    assert "\nTemplate\n    {\n" in described


def test_all_of_a_kind_are_shown_one_after_another() -> None:
    described = show("arc", "--describe-all").stdout
    assert [described.count(f'"type" : "{type_}"') for type_ in find_plugins().arcs()] == [1] * len(
        find_plugins().arcs()
    )


def test_an_unknown_name_ends_with_1() -> None:
    shown = show("arc", "--model", "cls:core:nothing")
    assert shown.exit_code == 1
    assert "no model found for: cls:core:nothing" in shown.stderr


@pytest.mark.parametrize(
    ("kind", "asked", "found"),
    [
        ("arc", "copyArc", "cls:core:copyArc"),
        ("component", "PUTLISTENERBOUNDARY", "local:core:putListenerBoundary"),
        ("arc", "CLS:core:copyarc", "cls:core:copyArc"),
    ],
)
def test_a_name_is_known_by_its_end_in_any_case(kind: str, asked: str, found: str) -> None:
    assert json.loads(show(kind, "--model", asked).stdout)["type"] == found


@pytest.mark.parametrize(
    ("kind", "asked", "meant"),
    [
        ("arc", "copyArk", "did you mean 'cls:core:copyArc'?"),
        ("arc", "cls:core:copyark", "did you mean 'cls:core:copyArc'?"),
        ("model", "Projekt", "did you mean 'Project'?"),
        ("arc", "zzz", "--list shows what there is"),
    ],
)
def test_what_was_probably_meant_is_said(kind: str, asked: str, meant: str) -> None:
    shown = show(kind, "--describe", asked)
    assert shown.stderr.startswith(f"error[name-unknown]: no model found for: {asked}\n  hint: {meant}")
    assert shown.exit_code == 1


def test_a_description_has_every_key_with_what_it_means() -> None:
    described = show("boundary", "--describe", "putListenerBoundary").stdout
    assert (
        "    lotUnit\n      Sixtieths, Twelfths, Sixths, Fourths, Hours, Days; required\n      how long a lot is"
        in described
    )
    assert "    graceSec\n      number; default 0\n      seconds after an interval's end" in described
    assert (
        "    filter.excludes\n      list of text; default []\n      patterns; what one matches is left out\n"
        in described
    )
    assert "`" not in described


@pytest.mark.parametrize("kind", ["component", "model"])
def test_every_key_of_every_component_and_model_is_explained(kind: str) -> None:
    unsaid = {
        f"{name}.{key.name}"
        for name, what in _known(kind).items()
        for key in every_key(getattr(what, "model", what))
        if not key.meaning
    }
    assert unsaid == set()


def test_descriptions_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (40, 60, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        before, _, _ = show("arc", "--describe", "copyArc").stdout.partition("Template\n")
        # A key is not broken: it is to be typed as it stands.
        assert [line for line in before.splitlines() if len(line) > columns and " " in line.strip()] == []


def test_exactly_one_thing_is_asked() -> None:
    assert show("arc").exit_code == 2
    assert show("arc", "--list", "--model", "x").exit_code == 2
    assert show("provider", "--model", "local").exit_code == 2
    assert show("schema", "--list").exit_code == 2


def test_what_is_of_another_kind_is_told_with_the_command_that_shows_it() -> None:
    told = show("arc", "--describe", "joinBarrier")
    assert told.exit_code == 1
    assert "no arc is called joinBarrier: it is a barrier" in told.stderr
    assert "hint: cls show barrier --describe joinBarrier" in told.stderr


def test_a_key_that_holds_a_model_says_where_that_is_described() -> None:
    assert "see cls show model --describe SourceDataset" in show("model", "--describe", "Arc").stdout
