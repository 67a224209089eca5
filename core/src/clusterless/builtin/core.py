"""The components that need no provider: ``cls:core:…``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from clusterless.hookspecs import hookimpl

# What is declared is imported with the answer that describes it: `cls --help` needs none of it.
if TYPE_CHECKING:
    from clusterless.provider import (
        ActivityComponent,
        ArcComponent,
        ArrivalSource,
        BarrierComponent,
        BoundaryComponent,
        EgressComponent,
        NotifierComponent,
        Publisher,
        RunnableActivity,
        Surroundings,
        Workload,
    )

    _Make = Callable[[Any, Surroundings], Workload]


@hookimpl
def cls_boundaries() -> Iterable[BoundaryComponent | EgressComponent]:
    from clusterless.builtin.clock_boundary import ClockBoundary
    from clusterless.builtin.egress import CopyEgressBoundary
    from clusterless.provider import BoundaryComponent, EgressComponent

    return (
        BoundaryComponent(
            type="cls:core:clockBoundary",
            model=ClockBoundary,
            summary="A lot an interval, or whenever a cron fires, without data.",
            load=_clock,
        ),
        EgressComponent(
            type="cls:core:copyEgressBoundary",
            model=CopyEgressBoundary,
            summary="Copy committed lots to a location outside, each with a mark when it is whole.",
            load=_egress,
        ),
    )


@hookimpl
def cls_barriers() -> Iterable[BarrierComponent]:
    from clusterless.builtin.barriers import JoinBarrier, RollupBarrier
    from clusterless.provider import BarrierComponent

    return (
        BarrierComponent(
            type="cls:core:joinBarrier",
            model=JoinBarrier,
            summary="Make one dataset of several, lot by lot.",
            load=_join,
        ),
        BarrierComponent(
            type="cls:core:rollupBarrier",
            model=RollupBarrier,
            summary="Make larger lots of smaller ones.",
            load=_join,
        ),
    )


@hookimpl
def cls_activities() -> Iterable[ActivityComponent]:
    from clusterless.builtin.activities import ExecActivity, PythonActivity
    from clusterless.builtin.retention import RetentionActivity
    from clusterless.provider import ActivityComponent

    return (
        ActivityComponent(
            type="cls:core:execActivity",
            model=ExecActivity,
            summary="Run a command on a clock.",
            load=_exec_activity,
        ),
        ActivityComponent(
            type="cls:core:pythonActivity",
            model=PythonActivity,
            summary="Call a Python function on a clock.",
            load=_python_activity,
        ),
        ActivityComponent(
            type="cls:core:retentionActivity",
            model=RetentionActivity,
            summary="Remove a dataset's lots that are old and consumed.",
            load=_retention,
        ),
    )


@hookimpl
def cls_arcs() -> Iterable[ArcComponent]:
    from clusterless.builtin.arcs import CopyArc, ExecArc, PythonArc
    from clusterless.provider import ArcComponent

    return (
        ArcComponent(
            type="cls:core:copyArc",
            model=CopyArc,
            summary="Copy objects from any store to any store.",
            load=_copy,
        ),
        ArcComponent(
            type="cls:core:execArc",
            model=ExecArc,
            summary="Run a command for each lot.",
            load=_exec,
        ),
        ArcComponent(
            type="cls:core:pythonArc",
            model=PythonArc,
            summary="Call a Python function for each lot.",
            load=_python,
        ),
    )


@hookimpl
def cls_notifiers() -> Iterable[NotifierComponent]:
    from clusterless.builtin.notifiers import ExecNotifier, InboxNotifier, WebhookNotifier
    from clusterless.provider import NotifierComponent

    return (
        NotifierComponent(
            type="cls:core:execNotifier",
            model=ExecNotifier,
            summary="Run a command for each committed lot.",
            load=_exec_notifier,
        ),
        NotifierComponent(
            type="cls:core:inboxNotifier",
            model=InboxNotifier,
            summary="Put an event object for each committed lot in the inbox of a reader elsewhere.",
            load=_inbox,
        ),
        NotifierComponent(
            type="cls:core:webhookNotifier",
            model=WebhookNotifier,
            summary="Post a signed CloudEvents event for each committed lot.",
            load=_webhook,
        ),
    )


def _egress() -> _Make:
    from clusterless.builtin.copy_egress import EgressWorkload

    return EgressWorkload


def _join() -> _Make:
    from clusterless.builtin.join_barrier import JoinWorkload

    return JoinWorkload


def _copy() -> _Make:
    from clusterless.runtime.copying import CopyWorkload

    return lambda arc, around: CopyWorkload(arc.workload.workload_props, around.open_store)


def _exec() -> _Make:
    from clusterless.builtin.exec_arc import ExecWorkload

    return ExecWorkload


def _python() -> _Make:
    from clusterless.builtin.python_arc import PythonWorkload

    return PythonWorkload


def _exec_notifier() -> Callable[[Any, Surroundings], Publisher]:
    from clusterless.builtin.exec_notifier import ExecPublisher

    return ExecPublisher


def _inbox() -> Callable[[Any, Surroundings], Publisher]:
    from clusterless.builtin.inbox_notifier import InboxPublisher

    return InboxPublisher


def _webhook() -> Callable[[Any, Surroundings], Publisher]:
    from clusterless.builtin.webhook_notifier import WebhookPublisher

    return WebhookPublisher


def _clock() -> Callable[[Any, Surroundings], ArrivalSource]:
    from clusterless.builtin.clock_source import ClockSource

    return ClockSource


def _exec_activity() -> Callable[[Any, Surroundings], RunnableActivity]:
    from clusterless.builtin.exec_activity import RunCommand

    return RunCommand


def _python_activity() -> Callable[[Any, Surroundings], RunnableActivity]:
    from clusterless.builtin.python_activity import CallFunction

    return CallFunction


def _retention() -> Callable[[Any, Surroundings], RunnableActivity]:
    from clusterless.builtin.retention_activity import Retention

    return Retention
