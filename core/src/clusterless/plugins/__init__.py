"""Finds plugins by entry point and asks them; the only user of pluggy's manager.

A plugin that cannot be loaded, or breaks while it answers, is kept in
`Plugins.failures`: what the others offer still works. Two plugins that claim one name are an
error for whoever asks for that kind, since nobody can say which was meant.

``CLS_DISABLE_PLUGINS=a,b`` leaves entry points out by name; ``CLS_TRACE_PLUGINS=1`` writes every hook call to stderr.
"""

from __future__ import annotations

import functools
import os

from attrs import evolve

from clusterless import hookspecs
from clusterless.plugins.found import DISABLE, Failure, Plugin, broken, words
from clusterless.plugins.manager import Plugins

__all__ = ["DISABLE", "TRACE", "Failure", "Plugin", "Plugins", "find_plugins"]

TRACE = "CLS_TRACE_PLUGINS"


@functools.cache
def find_plugins() -> Plugins:
    """The plugins of this environment, found and loaded once a process."""
    from importlib.metadata import entry_points

    unwanted = os.environ.get(DISABLE, "").replace(" ", "").split(",")
    found, failures, disabled = [], [], []
    for point in sorted(entry_points(group=hookspecs.NAME), key=lambda point: point.name):
        dist = point.dist
        plugin = Plugin(name=point.name, distribution=dist.name if dist else "?", version=dist.version if dist else "?")
        if point.name in unwanted:
            disabled.append(plugin)
            continue
        try:
            answers = point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- the import runs the plugin's code, which may do anything
            failures.append(Failure(plugin=plugin, error=broken(plugin, f"import broke: {words(error)}", error)))
        else:
            found.append(evolve(plugin, answers=answers))
    plugins = Plugins(found, failures, disabled)
    if os.environ.get(TRACE, "") not in {"", "0"}:
        plugins.trace()
    return plugins
