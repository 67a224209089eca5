"""Commands that are named to people, as these have to type them: with the files, placement and settings they named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
from click.core import ParameterSource

_NAMED = re.compile(r"\bcls (([a-z]+)(?: status)?)\b(?! FILE| \S+\.json)")
_PLACE = ("files", "provider", "stage", "account", "region")
_SETTING = "-D"
_KEPT = "clusterless.place"

Place = dict[str, tuple[str, ...]]


def keep_place(ctx: click.Context) -> None:
    """Keep what the command of *ctx* was told of where to look, also for when it has ended."""
    place = {
        name: tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)
        for name in _PLACE
        if (value := ctx.params.get(name)) and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    settings: tuple[str, ...] = getattr(ctx.obj, "settings", ())
    ctx.meta[_KEPT] = place | ({_SETTING: settings} if settings else {})


def again(text: str) -> str:
    """*text*, in which each command of ours that can be told where to look is told what this one was."""
    ctx = click.get_current_context(silent=True)
    given: Place = ctx.meta.get(_KEPT, {}) if ctx else {}
    return _NAMED.sub(lambda found: _complete(found, text, given), text) if given else text


def _complete(found: re.Match[str], text: str, given: Place) -> str:
    root = click.get_current_context().find_root()
    command = root.command.get_command(root, found[2]) if isinstance(root.command, click.Group) else None
    taken = [param for param in command.params if param.name in _PLACE] if command else []
    settings = [f"{_SETTING} {shlex.quote(each)}" for each in given.get(_SETTING, ())] if taken else []
    options = [word for param in taken for word in _words(param, text, given.get(param.name or "", ()))]
    return " ".join(["cls", *settings, found[1], *options])


def _words(param: click.Parameter, text: str, values: tuple[str, ...]) -> Iterator[str]:
    """As *param* takes them, unless *text* has it already."""
    option = "" if isinstance(param, click.Argument) else param.opts[0]
    for value in values:
        if not option:
            yield shlex.quote(value)
        elif not re.search(rf"(?<!\S){option}(?!\S)", text):
            yield f"{option} {shlex.quote(value)}"
