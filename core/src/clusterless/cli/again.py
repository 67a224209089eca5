"""Commands that are named to people, as these have to type them: with the files or the placement that they named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
from click.core import ParameterSource

_NAMED = re.compile(r"\bcls ([a-z]+)(?: status)?\b(?! FILE| \S+\.json)")
_PLACE = ("files", "provider", "stage", "account", "region")
_KEPT = "clusterless.place"

Place = dict[str, tuple[str, ...]]


def keep_place(ctx: click.Context) -> None:
    """Keep what the command of *ctx* was told of where to look, also for when it has ended."""
    ctx.meta[_KEPT] = {
        name: tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)
        for name in _PLACE
        if (value := ctx.params.get(name)) and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def again(text: str) -> str:
    """*text*, in which each command of ours that can be told where to look is told what this one was."""
    ctx = click.get_current_context(silent=True)
    given: Place = ctx.meta.get(_KEPT, {}) if ctx else {}
    return _NAMED.sub(lambda found: found[0] + _options(found[1], text, given), text) if given else text


def _options(name: str, text: str, given: Place) -> str:
    root = click.get_current_context().find_root()
    command = root.command.get_command(root, name) if isinstance(root.command, click.Group) else None
    taken = command.params if command else ()
    return "".join(f" {word}" for param in taken for word in _words(param, text, given.get(param.name or "", ())))


def _words(param: click.Parameter, text: str, values: tuple[str, ...]) -> Iterator[str]:
    """As *param* takes them, unless *text* has it already."""
    option = "" if isinstance(param, click.Argument) else param.opts[0]
    for value in values:
        if not option:
            yield shlex.quote(value)
        elif not re.search(rf"(?<!\S){option}(?!\S)", text):
            yield f"{option} {shlex.quote(value)}"
