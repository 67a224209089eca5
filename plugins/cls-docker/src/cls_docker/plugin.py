"""What cls-docker answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from clusterless.errors import NotInstalledError
from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from clusterless.provider import ProviderEntry


@hookimpl
def cls_providers() -> tuple[ProviderEntry, ...]:
    """Names the plugin where providers are listed, for want of a place that lists workloads."""
    from clusterless.provider import ProviderEntry

    summary = "Docker containers for workloads, no place for data (nothing yet)"
    return (ProviderEntry(name="docker", summary=summary, load=_load, unavailable=_unavailable()),)


def _load() -> NoReturn:
    raise NotInstalledError(_unavailable(), hint="place the project on 'local', and run docker by a cls:core:execArc")


def _unavailable() -> str:
    from importlib.metadata import version

    return f"cls-docker {version('cls-docker')} is installed but offers nothing yet: no workloads, resources or arcs"
