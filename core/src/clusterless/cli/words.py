"""Counts in words, and lines that fit."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from typing import TextIO

import click

from clusterless.cli.again import again

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def some(count: int, thing: str, many: str = "") -> str:
    """``1 lot``, ``2 lots``; *many* where it is more than an s."""
    return f"{count:,} {thing if count == 1 else many or thing + 's'}"


def plain(text: str) -> str:
    """*text* with what a terminal would obey written out, such as ``\\x1b``: names and errors are others' words."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def headline(text: str) -> str:
    """The first line of *text*, as `plain`, with a sign where there are more."""
    first, *more = text.splitlines() or [""]
    return plain(first) + (" …" if more else "")


def fitted(text: str, stream: TextIO) -> str:
    """*text*, as `plain`; where *stream* is a terminal, its lines broken between words, further ones indented."""
    text = plain(text)
    if not stream.isatty():
        return text
    return "\n".join(line for long in text.splitlines() for line in _broken(long, shutil.get_terminal_size().columns))


def say(text: str, *, aside: bool = True) -> None:
    """A line for people, on stderr unless not *aside*, broken where it does not fit; commands in it are complete."""
    click.echo(fitted(again(text), sys.stderr if aside else sys.stdout), err=aside)


def _broken(line: str, room: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, room, subsequent_indent=indent, break_on_hyphens=False) or [""]


def sized(count: float) -> str:
    """So many bytes in their largest unit: ``12.3 KiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
