"""The components that need no provider: ``cls:core:…``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from clusterless.hookspecs import hookimpl

# What is declared is imported with the answer that describes it: `cls --help` needs none of it.
if TYPE_CHECKING:
    from clusterless.provider import ArcComponent, NotifierComponent, Publisher, Surroundings, Workload

    _Make = Callable[[Any, Surroundings], Workload]


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
    from clusterless.builtin.notifiers import ExecNotifier, WebhookNotifier
    from clusterless.provider import NotifierComponent

    return (
        NotifierComponent(
            type="cls:core:execNotifier",
            model=ExecNotifier,
            summary="Run a command for each committed lot.",
            load=_exec_notifier,
        ),
        NotifierComponent(
            type="cls:core:webhookNotifier",
            model=WebhookNotifier,
            summary="Post a signed CloudEvents event for each committed lot.",
            load=_webhook,
        ),
    )


def _copy() -> _Make:
    from clusterless.builtin.copy_arc import CopyWorkload

    return CopyWorkload


def _exec() -> _Make:
    from clusterless.builtin.exec_arc import ExecWorkload

    return ExecWorkload


def _python() -> _Make:
    from clusterless.builtin.python_arc import PythonWorkload

    return PythonWorkload


def _exec_notifier() -> Callable[[Any, Surroundings], Publisher]:
    from clusterless.builtin.exec_notifier import ExecPublisher

    return ExecPublisher


def _webhook() -> Callable[[Any, Surroundings], Publisher]:
    from clusterless.builtin.webhook_notifier import WebhookPublisher

    return WebhookPublisher
