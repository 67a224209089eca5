"""The questions clusterless asks its plugins: the whole plugin interface.

A plugin is a module listed under the ``clusterless`` entry point group that
answers any of these with ``@hookimpl``. Three rules hold for every hook here:

- an answer is cheap: a hook returns *descriptions*, and a description carries
  the callable that does the expensive import when someone finally needs it;
- an answer is typed: each hook returns values of one class, which validates
  itself when it is made, so that a mistake is reported against the plugin's line;
- an argument is never removed or renamed, only added: implementations take the ones they want.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from clusterless.provider import (
        ActivityComponent,
        ArcComponent,
        BarrierComponent,
        BoundaryComponent,
        ContainerEngine,
        DeployerEntry,
        EgressComponent,
        NotifierComponent,
        ProjectFormat,
        ProviderEntry,
        ResourceComponent,
        StoreScheme,
    )

NAME = "clusterless"

hookspec = pluggy.HookspecMarker(NAME)
hookimpl = pluggy.HookimplMarker(NAME)


@hookspec
def cls_providers() -> Iterable[ProviderEntry]:
    """Offer the providers that a project may be placed on."""
    return ()


@hookspec
def cls_stores() -> Iterable[StoreScheme]:
    """Offer object stores, by URI scheme."""
    return ()


@hookspec
def cls_resources() -> Iterable[ResourceComponent]:
    """Offer resources: durable infrastructure that a project owns."""
    return ()


@hookspec
def cls_boundaries() -> Iterable[BoundaryComponent | EgressComponent]:
    """Offer boundaries: where arrivals come from, and where lots go out."""
    return ()


@hookspec
def cls_barriers() -> Iterable[BarrierComponent]:
    """Offer barriers: how several datasets become one."""
    return ()


@hookspec
def cls_arcs() -> Iterable[ArcComponent]:
    """Offer arcs: workloads that turn source lots into sink lots."""
    return ()


@hookspec
def cls_activities() -> Iterable[ActivityComponent]:
    """Offer activities: work on a clock."""
    return ()


@hookspec
def cls_notifiers() -> Iterable[NotifierComponent]:
    """Offer notifiers: how committed lots are announced elsewhere."""
    return ()


@hookspec
def cls_engines() -> Iterable[ContainerEngine]:
    """Offer container engines: what works arcs of a container kind here."""
    return ()


@hookspec
def cls_deployers() -> Iterable[DeployerEntry]:
    """Offer deployers: how a project is run by the provider itself."""
    return ()


@hookspec
def cls_project_formats() -> Iterable[ProjectFormat]:
    """Offer project file formats, by suffix."""
    return ()


@hookspec
def cls_commands() -> Iterable[click.Command]:
    """Offer commands to add to ``cls``."""
    return ()


@hookspec(firstresult=True)
def cls_explain_error(error: BaseException) -> str | None:
    """Turn an exception of an SDK that the plugin owns into a hint, or decline with None.

    The first plugin that does not return None is believed. *error* is the
    original exception: never raise, and never import the SDK to answer.
    """
