"""Plugins given as objects: what they offer, and what is said when they do not keep to the interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import pytest

from clusterless.errors import ClsError, NotInstalledError, PluginError, StoreUnavailableError
from clusterless.hookspecs import hookimpl
from clusterless.model.activity import Activity
from clusterless.model.arc import Arc
from clusterless.model.element import Resource
from clusterless.model.notifier import Notifier
from clusterless.model.placement import Placement
from clusterless.plugins import Plugin, Plugins
from clusterless.provider import (
    ActivityComponent,
    ArcComponent,
    NotifierComponent,
    ProjectFormat,
    ProviderEntry,
    ResourceComponent,
    StoreScheme,
)
from clusterless.store.memory import MemoryStore, open_memory


class Answers:
    """Answers hooks by its attributes, as a module does."""


def answering(**hooks: Callable[..., Any]) -> object:
    answers = Answers()
    vars(answers).update({name: hookimpl(hook, specname=name) for name, hook in hooks.items()})
    return answers


def plugins(*answers: object, disabled: Iterable[str] = ()) -> Plugins:
    named = (
        Plugin(name=f"p{number}", distribution=f"cls-p{number}", version=f"{number}.0", answers=answer)
        for number, answer in enumerate(answers, start=1)
    )
    return Plugins(named, disabled=[Plugin(name=each) for each in disabled])


def arc(type_: str = "p1:core:copyArc") -> ArcComponent:
    return ArcComponent(type=type_, model=Arc, summary="copies", load=lambda: _never)


def _never(*_: object) -> Any:
    raise AssertionError


def scheme(name: str, load: Callable[[], Any] = lambda: lambda root, _: open_memory(root)) -> StoreScheme:
    return StoreScheme(scheme=name, summary="objects", load=load)


def provider(name: str, load: Callable[[], Any] = object, unavailable: str = "") -> ProviderEntry:
    return ProviderEntry(name=name, summary="a place", load=load, unavailable=unavailable)


def test_every_kind_is_offered_by_name() -> None:
    resource = ResourceComponent(type="p1:core:folder", model=Resource, summary="", load=lambda: _never)
    activity = ActivityComponent(type="p1:core:tick", model=Activity, summary="", load=lambda: _never)
    notifier = NotifierComponent(type="p1:core:mail", model=Notifier, summary="", load=lambda: _never)
    found = plugins(
        answering(
            cls_providers=lambda: [provider("p1")],
            cls_stores=lambda: [scheme("mem")],
            cls_resources=lambda: [resource],
            cls_arcs=lambda: [arc()],
            cls_activities=lambda: [activity],
            cls_notifiers=lambda: [notifier],
            cls_project_formats=lambda: [ProjectFormat(suffix=".toml", summary="", load=lambda: str)],
            cls_commands=lambda: [click.Command("doctor")],
        )
    )
    assert list(found.providers()) == ["p1"]
    assert list(found.stores()) == ["mem"]
    assert list(found.resources()) == ["p1:core:folder"]
    assert list(found.arcs()) == ["p1:core:copyArc"]
    assert list(found.activities()) == ["p1:core:tick"]
    assert list(found.notifiers()) == ["p1:core:mail"]
    assert list(found.boundaries()) == list(found.barriers()) == list(found.deployers()) == []
    assert list(found.project_formats()) == [".toml"]
    assert list(found.commands()) == ["doctor"]
    assert set(found.components()) == {"p1:core:folder", "p1:core:copyArc", "p1:core:tick", "p1:core:mail"}
    assert found.component("p1:core:tick") is activity
    assert not found.failures


def test_a_hook_is_asked_once() -> None:
    asked = []

    def answer() -> list[ArcComponent]:
        asked.append(1)
        return [arc()]

    found = plugins(answering(cls_arcs=answer))
    assert found.arcs() == found.arcs()
    assert found.components()
    assert asked == [1]


def test_a_plugin_that_answers_none_offers_nothing() -> None:
    found = plugins(answering(cls_arcs=lambda: None))
    assert not found.arcs()
    assert not found.failures


@pytest.mark.parametrize(
    ("hook", "answer", "ask", "kind"),
    [
        ("cls_arcs", lambda: [arc()], Plugins.arcs, "component 'p1:core:copyArc'"),
        ("cls_stores", lambda: [scheme("mem")], Plugins.stores, "scheme 'mem'"),
        ("cls_providers", lambda: [provider("here")], Plugins.providers, "provider 'here'"),
        ("cls_commands", lambda: [click.Command("doctor")], Plugins.commands, "command 'doctor'"),
        (
            "cls_project_formats",
            lambda: [ProjectFormat(suffix=".toml", summary="", load=lambda: str)],
            Plugins.project_formats,
            r"suffix '\.toml'",
        ),
    ],
)
def test_two_claims_of_one_name_name_both_plugins(
    hook: str, answer: Callable[[], Any], ask: Callable[[Plugins], Any], kind: str
) -> None:
    found = plugins(answering(**{hook: answer}), answering(**{hook: answer}))
    with pytest.raises(PluginError, match=rf"{kind} is claimed twice: by p1 \(cls-p1 1\.0\) and by p2 \(cls-p2 2\.0\)"):
        ask(found)
    with pytest.raises(PluginError):
        found.check()


def test_a_type_is_claimed_across_kinds() -> None:
    resource = ResourceComponent(type="p1:core:copyArc", model=Resource, summary="", load=lambda: _never)
    found = plugins(answering(cls_arcs=lambda: [arc()]), answering(cls_resources=lambda: [resource]))
    with pytest.raises(PluginError, match="claimed twice"):
        found.components()


# ---- what does not keep to the interface -----------------------------------------------------------------------


def test_an_unknown_hook_is_a_failure_of_its_plugin_alone() -> None:
    found = plugins(answering(cls_arks=lambda: [arc()]), answering(cls_arcs=lambda: [arc()]))
    assert [failure.plugin.name for failure in found.failures] == ["p1"]
    assert "cls_arks" in found.failures[0].error.problem
    assert list(found.arcs()) == ["p1:core:copyArc"]


def test_an_argument_that_the_hook_does_not_have_is_a_failure() -> None:
    found = plugins(answering(cls_arcs=lambda nonsense: [arc()]))
    assert "nonsense" in found.failures[0].error.problem
    assert not found.installed


def test_two_entry_points_of_one_name_are_a_failure_of_the_second() -> None:
    twins = [Plugin(name="p", distribution=dist, answers=answering()) for dist in ("cls-a", "cls-b")]
    found = Plugins(twins)
    assert [plugin.distribution for plugin in found.installed] == ["cls-a"]
    assert [failure.plugin.distribution for failure in found.failures] == ["cls-b"]


def test_a_hook_that_breaks_costs_only_its_own_answers() -> None:
    def broken() -> list[ArcComponent]:
        raise ZeroDivisionError("by design")

    found = plugins(answering(cls_arcs=broken), answering(cls_arcs=lambda: [arc("p2:core:copyArc")]))
    assert list(found.arcs()) == ["p2:core:copyArc"]
    assert "p1 (cls-p1 1.0)" in found.failures[0].error.problem
    assert "ZeroDivisionError: by design" in found.failures[0].error.problem


def test_an_answer_of_the_wrong_kind_is_named() -> None:
    found = plugins(answering(cls_arcs=lambda: [scheme("mem")]))
    assert not found.arcs()
    assert "answered cls_arcs with a StoreScheme, not a ArcComponent" in found.failures[0].error.problem


# ---- what is not there -----------------------------------------------------------------------------------------


def test_what_is_not_installed_says_what_to_install() -> None:
    with pytest.raises(NotInstalledError, match="no provider named 'aws' \\(installed: p1\\)") as raised:
        plugins(answering(cls_providers=lambda: [provider("p1")])).provider("aws")
    assert raised.value.hint == "pip install cls-aws"
    with pytest.raises(NotInstalledError) as raised:
        plugins().component("aws:core:s3CopyArc")
    assert raised.value.hint == "pip install cls-aws"
    for uri, package in (
        ("s3://b/", "cls-aws"),
        ("gs://b/", "cls-gcp"),
        ("abfs://b/", "cls-azure"),
        ("x://b", "cls-x"),
    ):
        with pytest.raises(NotInstalledError) as raised:
            plugins().open_store(uri)
        assert raised.value.hint == f"pip install {package}"


def test_a_plugin_that_offers_nothing_yet_says_so_itself() -> None:
    found = plugins(answering(cls_providers=lambda: [provider("aws", unavailable="cls-aws offers nothing yet")]))
    for ask in (
        lambda: found.provider("aws"),
        lambda: found.component("aws:core:s3CopyArc"),
        lambda: found.open_store("s3://bucket/"),
    ):
        with pytest.raises(NotInstalledError, match="cls-aws offers nothing yet"):
            ask()


def test_a_typing_error_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(NotInstalledError) as raised:
        plugins(answering(cls_arcs=lambda: [arc()])).component("p1:core:copyArk")
    assert raised.value.hint == "did you mean 'p1:core:copyArc'?"


@pytest.mark.parametrize("name", ["locl", "Local", "lokal"])
def test_a_provider_that_is_mistyped_is_not_to_be_installed(name: str) -> None:
    found = plugins(answering(cls_providers=lambda: [provider("local")]))
    for ask in (lambda: found.provider(name), lambda: found.component(f"{name}:core:putListenerBoundary")):
        with pytest.raises(NotInstalledError) as raised:
            ask()
        assert raised.value.hint == "did you mean 'local'?"


def test_a_load_that_breaks_is_told_from_what_is_not_installed() -> None:
    def load() -> object:
        raise ModuleNotFoundError("No module named 'boto3'")

    found = plugins(
        answering(cls_providers=lambda: [provider("aws", load=load)], cls_stores=lambda: [scheme("s3", load)])
    )
    for ask in (lambda: found.provider("aws"), lambda: found.open_store("s3://bucket/")):
        with pytest.raises(PluginError, match=r"its plugin is installed, but loading it broke: .*boto3"):
            ask()


def test_what_was_disabled_says_so() -> None:
    with pytest.raises(NotInstalledError) as raised:
        plugins(disabled=["aws"]).provider("aws")
    assert raised.value.hint == "take 'aws' out of CLS_DISABLE_PLUGINS"


# ---- stores, commands, explanations ----------------------------------------------------------------------------


def test_a_location_is_opened_once(tmp_path: Path) -> None:
    found = plugins(answering(cls_stores=lambda: [scheme("memory")]))
    location = f"memory://{tmp_path.name}/"
    assert found.open_store(location) is found.open_store(location.removesuffix("/"))
    assert found.open_store(location).root == location


def test_a_store_that_does_not_answer_is_asked_again() -> None:
    class Moody(MemoryStore):
        answers = 0

        def get(self, key: str) -> bytes:
            self.answers += 1
            if self.answers == 1:
                raise StoreUnavailableError("not now")
            return super().get(key)

    found = plugins(answering(cls_stores=lambda: [scheme("moody", lambda: lambda root, _: Moody(root))]))
    store = found.open_store("moody://cup/")
    store.put("a", b"x")
    assert store.get("a") == b"x"


def test_a_location_is_reached_as_the_placement_nearest_above_it(tmp_path: Path) -> None:
    asked: list[tuple[str, Placement | None]] = []

    def opening(root: str, placement: Placement | None) -> Any:
        asked.append((root, placement))
        return open_memory(root)

    found = plugins(answering(cls_stores=lambda: [scheme("tea", lambda: opening)]))
    theirs, ours = Placement(provider="a"), Placement(provider="b")
    found.open_store("tea://pot/x/")
    found.entrust("tea://pot/", theirs)
    found.entrust("tea://pot/", ours)  # too late: it is somebody's
    found.entrust("tea://pot/x/ours/", ours)
    for root in ("tea://pot/x/", "tea://pot/x/ours/y/", "tea://pot/xx/", "tea://potter/", "tea://pot/x/"):
        found.open_store(root)
    assert asked == [
        ("tea://pot/x/", None),
        ("tea://pot/x/", theirs),
        ("tea://pot/x/ours/y/", ours),
        ("tea://pot/xx/", theirs),
        ("tea://potter/", None),
    ]


def test_the_first_plugin_that_knows_an_exception_explains_it() -> None:
    found = plugins(answering(cls_explain_error=lambda error: "log in" if isinstance(error, PermissionError) else None))
    assert found.explain(PermissionError()) == "log in"
    assert found.explain(KeyError()) is None


def test_an_explanation_that_breaks_explains_nothing() -> None:
    def broken(error: BaseException) -> str:
        raise ClsError("no")

    assert plugins(answering(cls_explain_error=broken)).explain(KeyError()) is None


def test_what_one_plugin_offers_is_listed_by_kind() -> None:
    found = plugins(answering(cls_arcs=lambda: [arc()]), answering(cls_stores=lambda: [scheme("mem")]))
    assert [dict(found.offers(plugin)) for plugin in found.installed] == [
        {"arcs": ["p1:core:copyArc"]},
        {"stores": ["mem://"]},
    ]
