"""Plugins as they were found, and what is said of those that do not work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from attrs import field, frozen

from clusterless.errors import PluginError

DISABLE = "CLS_DISABLE_PLUGINS"

T = TypeVar("T")


@frozen(kw_only=True)
class Plugin:
    """An entry point, the distribution it came with, and what answers the hooks: a module or any object."""

    name: str
    distribution: str = "unpackaged"
    version: str = "0"
    answers: object = field(default=None, repr=False, eq=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


@frozen(kw_only=True)
class Failure:
    """A plugin that is installed and does not work, and why."""

    plugin: Plugin
    error: PluginError


def named(kind: str, claims: Iterable[tuple[Plugin, T]], name: Callable[[T], str]) -> dict[str, T]:
    """The claims by name.

    Raises:
        PluginError: two claim one name.
    """
    owners: dict[str, Plugin] = {}
    named: dict[str, T] = {}
    for plugin, claim in claims:
        key = name(claim)
        if key in owners:
            msg = f"{kind} {key!r} is claimed twice: by {owners[key]} and by {plugin}"
            raise PluginError(msg, hint=f"uninstall one, or leave it out: {DISABLE}={plugin.name}")
        owners[key], named[key] = plugin, claim
    return named


def broken(plugin: Plugin, problem: str, cause: BaseException) -> PluginError:
    hint = f"pip install --upgrade {plugin.distribution}, or leave it out: {DISABLE}={plugin.name}"
    error = PluginError(f"plugin {plugin} is installed, and {problem}", hint=hint)
    error.__cause__ = cause
    return error


def words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
