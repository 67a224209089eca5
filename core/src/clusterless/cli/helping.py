"""Help that fits: below half a line of room, what an option means stands under it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from typing import Any

import click
from click import formatting

_WIDEST = 80
_NARROWEST = 20
_MARGIN = 2


class Formatter(click.HelpFormatter):
    """Click's own never goes below 50 columns, and keeps two columns however narrow they become."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        if width is None and formatting.FORCED_WIDTH is None:
            room = min(shutil.get_terminal_size().columns, max_width or _WIDEST)
            width = max(room - _MARGIN, _NARROWEST)
        super().__init__(indent_increment, width, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Terms and what they mean, side by side or, where that leaves too little room, below each other."""
        rows = list(rows)
        widest = min(max((len(term) for term, _ in rows), default=0), col_max)
        if widest <= self.width // 2:
            super().write_dl(rows, col_max, col_spacing)
            return
        for term, text in rows:
            self.write(f"{'':>{self.current_indent}}{term}\n")
            with self.indentation(), self.indentation():
                self.write_text(text)


class Context(click.Context):
    """A context whose help fits, and that keeps where its command was told to look."""

    formatter_class = Formatter

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        from clusterless.cli.again import keep_place

        keep_place(self)
        return super().invoke(*args, **kwargs)


class MisuseError(click.UsageError):
    """That something was typed wrongly, told in lines that fit, and without an empty one."""

    def show(self, file: Any = None) -> None:
        from clusterless.cli.words import say

        lines = [self.ctx.get_usage(), f"Try '{self.ctx.command_path} --help' for help."] if self.ctx else []
        for line in (*lines, f"Error: {self.format_message()}"):
            say(line)


def misuse(error: click.UsageError) -> click.UsageError:
    """*error* as it is to be told; what shows itself otherwise, such as by all of the help, is left to."""
    return MisuseError(error.format_message(), error.ctx) if type(error).show is click.UsageError.show else error


def fitted(command: click.Command) -> click.Command:
    """*command*, whose help fits, and that of all below it."""
    command.context_class = Context
    for below in getattr(command, "commands", {}).values():
        fitted(below)
    return command
