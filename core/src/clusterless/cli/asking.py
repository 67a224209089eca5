"""Questions to whoever sits at the terminal, which Ctrl-C ends by saying that nothing was done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from clusterless.cli.words import say

T = TypeVar("T")

_NOTHING = "nothing was done"


def is_watched() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(question: str, *, yes: bool, otherwise: str = _NOTHING) -> bool:
    """Whether to go on: as was said with --yes, or where somebody looks, as is answered; if not, *otherwise* is said.

    Raises:
        KeyboardInterrupt: it was answered by Ctrl-C; *otherwise* was said.
    """
    if yes or (is_watched() and confirmed(question, otherwise)):
        return True
    say(otherwise)
    return False


def confirmed(question: str, otherwise: str = _NOTHING) -> bool:
    """Whether the answer is yes; where what is typed is at its end, it is no.

    Raises:
        KeyboardInterrupt: it was answered by Ctrl-C; *otherwise* was said.
    """
    return bool(_answer(lambda: click.confirm(question, err=True), otherwise))


def typed(question: str) -> str | None:
    """What is typed; None where that is at its end.

    Raises:
        KeyboardInterrupt: it was answered by Ctrl-C; that nothing was done was said.
    """
    return _answer(lambda: str(click.prompt(question, err=True)))


def _answer(ask: Callable[[], T], otherwise: str = _NOTHING) -> T | None:
    try:
        return ask()
    except click.Abort as abort:
        click.echo(err=True)  # what is said next is not to stand behind the question
        if isinstance(abort.__context__, EOFError):
            return None
        say(otherwise)
        raise KeyboardInterrupt from abort  # of its own abort, Click exits with 1
