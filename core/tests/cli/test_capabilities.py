"""`cls show capabilities`: what providers can do and what not, by what their plugins say."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clusterless.cli.app import main
from clusterless.cli.capabilities import show_capabilities
from clusterless.errors import PluginError
from clusterless.hookspecs import hookimpl
from clusterless.model.capability import Ability, Capability, Support
from clusterless.plugins import Plugin, Plugins, find_plugins
from clusterless.provider import DeployerEntry, Permitting, ProviderEntry, StoreScheme


def show(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", "capabilities", *arguments])


def _never() -> Any:
    """To tell of what there is, nothing of it is loaded."""
    raise AssertionError


class Moon:
    """A provider that says little, and one that has nothing yet."""

    @hookimpl
    def cls_providers(self) -> list[ProviderEntry]:
        can = {
            Capability.STORES: Ability(Support.UNTRIED, "tried on dust"),
            Capability.EVENTS: Ability(Support.YES),
            Capability.DEPLOYMENT: Ability(Support.NOT_YET, "no air"),
        }
        return [
            ProviderEntry(name="moon", summary="far", load=_never, capabilities=can),
            ProviderEntry(name="mars", summary="farther", load=_never, unavailable="nobody was there"),
        ]

    @hookimpl
    def cls_stores(self) -> list[StoreScheme]:
        return [StoreScheme(scheme="crater", summary="dust", load=_never)]

    @hookimpl
    def cls_deployers(self) -> list[DeployerEntry]:
        return [DeployerEntry(provider="moon", summary="rocket", load=_never)]


MOON = Plugins([Plugin(name="moon", answers=Moon())])


def told(capsys: pytest.CaptureFixture[str], output: str = "json") -> Any:
    show_capabilities(MOON, output)
    said = capsys.readouterr().out
    return json.loads(said) if output == "json" else said


def test_every_provider_has_a_row_for_every_capability(capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys)
    assert [(each["provider"], each["capability"]) for each in rows] == [
        (provider, capability.value) for provider in ("mars", "moon") for capability in Capability
    ]
    assert rows[len(Capability)] == {
        "provider": "moon",
        "capability": "stores",
        "support": "untried",
        "offers": "crater://",
        "why": "tried on dust",
    }


def test_what_nobody_says_is_left_open_and_what_is_not_there_yet_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {(each["provider"], each["capability"]): each for each in told(capsys)}
    assert rows["moon", "arcs"]["support"] is None
    assert rows["moon", "events"] == {**rows["moon", "events"], "support": "yes", "why": None}
    assert rows["moon", "native deployment"]["offers"] == "moon"
    assert {rows["mars", each.value]["why"] for each in Capability} == {"nobody was there"}


def test_people_see_providers_side_by_side_and_the_reasons_below(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(capsys, "table")
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "capability mars moon" in lines
    assert "stores not yet untried" in lines
    assert "arcs not yet -" in lines
    assert "untried: it never met the real service, only what stands in for it in tests." in lines
    assert lines[lines.index("moon") + 1 :] == ["stores: untried: tried on dust", "native deployment: not yet: no air"]


@pytest.mark.parametrize(("output", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_it_is_a_report_in_other_forms_too(output: str, delimiter: str) -> None:
    rows = list(csv.DictReader(show("--output", output).stdout.splitlines(), delimiter=delimiter))
    assert rows[0].keys() == {"provider", "capability", "support", "offers", "why"}
    assert len(rows) == len(find_plugins().providers()) * len(Capability)


def test_all_that_is_installed_says_of_each_capability_how_far_it_is() -> None:
    for row in json.loads(show("--output", "json").stdout):
        assert row["support"], row
        assert row["why"] or row["support"] == "yes", row
        assert not (row["offers"] and row["support"] == "no"), row


@pytest.mark.parametrize("entry", find_plugins().providers().values(), ids=lambda entry: str(entry.name))
def test_what_is_said_is_what_is_there(entry: ProviderEntry) -> None:
    there = {each for each, ability in entry.capabilities.items() if ability.support in {Support.YES, Support.UNTRIED}}
    assert (Capability.POLICY in there) is isinstance(entry.load(), Permitting)
    assert (Capability.DEPLOYMENT in there) is (entry.name in find_plugins().deployers())


def test_what_is_no_plain_yes_says_why() -> None:
    with pytest.raises(PluginError, match="'not yet' says why"):
        Ability(Support.NOT_YET)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["capabilities", "--list"], "takes no options but --output"),
        (["schema", "--required"], "show schema: takes no options"),
        (["component", "--list", "--output", "json"], "--output is for cls show capabilities"),
    ],
)
def test_options_that_mean_nothing_are_refused(arguments: list[str], says: str) -> None:
    refused = CliRunner().invoke(main, ["show", *arguments])
    assert refused.exit_code == 2
    assert says in " ".join(refused.output.split())
