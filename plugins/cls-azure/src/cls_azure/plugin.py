"""What cls-azure answers when clusterless asks; imports no SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from clusterless.errors import NotInstalledError
from clusterless.hookspecs import hookimpl

if TYPE_CHECKING:
    from clusterless.provider import ProviderEntry


@hookimpl
def cls_providers() -> tuple[ProviderEntry, ...]:
    """Names the provider, so that a project placed on it is refused for the true reason."""
    from clusterless.provider import ProviderEntry

    summary = "Microsoft Azure (nothing yet)"
    return (ProviderEntry(name="azure", summary=summary, load=_load, unavailable=_unavailable()),)


def _load() -> NoReturn:
    raise NotInstalledError(_unavailable(), hint="place the project on 'local' to run it here")


def _unavailable() -> str:
    from importlib.metadata import version

    return f"cls-azure {version('cls-azure')} is installed but offers nothing yet: no stores, boundaries or arcs"
