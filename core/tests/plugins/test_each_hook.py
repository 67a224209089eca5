"""One test for each hook: an answer is found, by its name, ready to use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
import pytest
from attrs import field, frozen

from clusterless.errors import NotInstalledError, PluginError
from clusterless.hookspecs import hookimpl
from clusterless.model.activity import Activity
from clusterless.model.arc import Arc
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import EgressBoundary, IngressBoundary
from clusterless.model.dataset import SourceDataset
from clusterless.model.element import Resource
from clusterless.model.notifier import Notifier
from clusterless.model.placement import Placement
from clusterless.plugins import Plugin, Plugins
from clusterless.provider import (
    ActivityComponent,
    ArcComponent,
    BarrierComponent,
    BoundaryComponent,
    Component,
    Container,
    ContainerEngine,
    DeployerEntry,
    EgressComponent,
    NotifierComponent,
    ProjectFormat,
    ProviderEntry,
    ResourceComponent,
    StoreScheme,
)
from clusterless.store.memory import MemoryStore, open_memory
from clusterless.store.retrying import RetryingStore


@frozen
class Thing:
    """What a component's `load()` makes: it holds what it was made of."""

    declared: object
    surroundings: object


class Answers:
    """Answers hooks by its attributes, as a module does."""


def answering(**hooks: Callable[..., Any]) -> Plugins:
    answers = Answers()
    vars(answers).update({name: hookimpl(hook, specname=name) for name, hook in hooks.items()})
    plugins = Plugins([Plugin(name="tea", distribution="cls-tea", version="1.0", answers=answers)])
    assert not plugins.failures
    return plugins


def offered(hook: str, kind: type[Component], model: type[Any], ask: Callable[[Plugins], Any]) -> None:
    """A component of that *kind* is found by its type, and makes what it describes when it is asked to."""
    loads = []

    def load() -> Any:
        loads.append(1)
        return Thing

    component = kind(type="tea:core:thing", model=model, summary="a thing", load=load)  # type: ignore[call-arg]
    plugins = answering(**{hook: lambda: [component]})
    assert dict(ask(plugins)) == {"tea:core:thing": component}
    assert plugins.component("tea:core:thing") is component
    assert not loads, "a description costs nothing until it is loaded"
    assert component.load()("declared", "around") == Thing("declared", "around")  # type: ignore[attr-defined]


def refused(kind: type[Component], model: type[Any]) -> None:
    """What is declared with another kind's class is refused where it is made."""
    with pytest.raises(PluginError, match="tea:core:thing"):
        kind(type="tea:core:thing", model=model, summary="", load=dict)  # type: ignore[call-arg]


def test_hook_cls_providers() -> None:
    kitchen: Any = Thing("declared", "around")
    there = ProviderEntry(name="tea", summary="a kitchen", load=lambda: kitchen)
    yet = ProviderEntry(name="coffee", summary="a bar", load=lambda: kitchen, unavailable="no beans yet")
    plugins = answering(cls_providers=lambda: [there, yet])
    assert plugins.provider("tea") is kitchen
    with pytest.raises(NotInstalledError, match="no beans yet"):
        plugins.provider("coffee")


def test_hook_cls_stores() -> None:
    plugins = answering(
        cls_stores=lambda: [StoreScheme(scheme="tea", summary="cups", load=lambda: lambda root, _: open_memory(root))]
    )
    store = plugins.open_store("tea://kitchen/")
    assert isinstance(store, RetryingStore)
    assert isinstance(store.plain, MemoryStore)
    assert store.root == "tea://kitchen/"
    assert plugins.variables("tea://kitchen/cup") == {}


def test_stores_tell_the_way_to_them_as_the_placement_goes_that_is_entrusted() -> None:
    def open_tea(root: str, _: Placement | None) -> MemoryStore:
        return open_memory(root)

    def way(placement: Placement | None) -> dict[str, str]:
        return {"KITCHEN": (placement and placement.stage) or ""}

    plugins = answering(
        cls_stores=lambda: [StoreScheme(scheme="tea", summary="", load=lambda: open_tea, variables=way)]
    )
    plugins.entrust("tea://kitchen/", Placement(provider="local", stage="test"))
    assert plugins.variables("tea://kitchen/cups/green") == {"KITCHEN": "test"}
    assert plugins.variables("tea://garden/cups/") == {"KITCHEN": ""}
    assert plugins.variables("coffee://bar/") == plugins.variables("") == {}


def test_hook_cls_resources() -> None:
    offered("cls_resources", ResourceComponent, Resource, Plugins.resources)
    refused(ResourceComponent, Arc)


def test_hook_cls_boundaries() -> None:
    offered("cls_boundaries", BoundaryComponent, IngressBoundary, Plugins.boundaries)
    offered("cls_boundaries", EgressComponent, EgressBoundary, Plugins.boundaries)
    refused(BoundaryComponent, EgressBoundary)
    refused(EgressComponent, IngressBoundary)


def test_hook_cls_barriers() -> None:
    offered("cls_barriers", BarrierComponent, Barrier, Plugins.barriers)
    refused(BarrierComponent, Resource)


def test_hook_cls_arcs() -> None:
    @frozen(kw_only=True)
    class Brew(Arc):
        minutes: int = field(default=3)

    offered("cls_arcs", ArcComponent, Brew, Plugins.arcs)
    refused(ArcComponent, Resource)


def test_hook_cls_activities() -> None:
    offered("cls_activities", ActivityComponent, Activity, Plugins.activities)
    refused(ActivityComponent, Resource)


def test_hook_cls_notifiers() -> None:
    offered("cls_notifiers", NotifierComponent, Notifier, Plugins.notifiers)
    refused(NotifierComponent, Resource)


def test_an_arc_of_a_container_kind_tells_its_container() -> None:
    def container(arc: Arc) -> Container:
        return Container(image=f"tea/{arc.name}")

    component = ArcComponent(type="tea:core:pot", model=Arc, summary="", load=dict, container=container)  # type: ignore[arg-type]
    told = answering(cls_arcs=lambda: [component]).arcs()["tea:core:pot"].container
    assert told is not None
    arc = Arc(type="tea:core:pot", name="green", sources={"main": SourceDataset(name="cups", version="1")})
    assert told(arc) == Container(image="tea/green")


def test_hook_cls_engines() -> None:
    engine = ContainerEngine(name="tea", summary="pours", load=lambda: Thing)  # type: ignore[arg-type,return-value]
    plugins = answering(cls_engines=lambda: [engine])
    assert plugins.engines() == {"tea": engine}
    assert plugins.engine("tea") is engine
    with pytest.raises(NotInstalledError, match=r"'coffee' \(installed: tea\)") as missing:
        plugins.engine("coffee")
    assert missing.value.hint == "pip install cls-coffee"


def test_hook_cls_deployers() -> None:
    entry = DeployerEntry(provider="tea", summary="serves it", load=dict)
    assert answering(cls_deployers=lambda: [entry]).deployers() == {"tea": entry}


def test_hook_cls_project_formats() -> None:
    entry = ProjectFormat(suffix=".tea", summary="JSON, but warm", load=lambda: json.loads)
    assert answering(cls_project_formats=lambda: [entry]).project_formats()[".tea"].load()("[1]") == [1]


def test_hook_cls_commands() -> None:
    command = click.Command("brew")
    assert answering(cls_commands=lambda: [command]).commands() == {"brew": command}


def test_hook_cls_explain_error() -> None:
    def explain(error: BaseException) -> str | None:
        return "boil it" if isinstance(error, TimeoutError) else None

    plugins = answering(cls_explain_error=explain)
    assert plugins.explain(TimeoutError()) == "boil it"
    assert plugins.explain(ValueError()) is None
