"""Every command's help: it has an example that can be typed, and fits however narrow the terminal is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache

import click
import pytest
from click.testing import CliRunner

from clusterless.cli.app import main
from clusterless.cli.helping import Formatter

WIDEST_EXAMPLE = 40


def walked(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below
            yield from walked(below, (*path, name))


PATHS = list(walked(main, ()))


@cache
def shown(path: tuple[str, ...], width: int) -> str:
    asked = CliRunner().invoke(main, [*path, "--help"], prog_name="cls", terminal_width=width)
    assert asked.exit_code == 0
    return asked.stdout


def examples(path: tuple[str, ...]) -> list[str]:
    _, _, below = shown(path, 80).partition("Example")
    return [line.strip() for line in below.splitlines() if line.startswith("    ")]


def test_there_are_commands_and_commands_of_commands() -> None:
    assert {("run",), ("config",), ("config", "init"), ("show",)} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "cls")
def test_every_example_can_be_typed(path: tuple[str, ...]) -> None:
    assert examples(path)
    for example in examples(path):
        inner = re.fullmatch(r"source <\((.*)\)", example)
        program, *arguments = shlex.split(inner[1] if inner else example)
        assert program == "cls"
        parse(main, arguments)


def parse(command: click.Command, arguments: list[str], parent: click.Context | None = None) -> None:
    """As the command line is parsed, and nothing is called."""
    try:
        context = command.make_context("cls", list(arguments), parent=parent)
    except click.exceptions.Exit:
        return  # --help
    rest = [*context._protected_args, *context.args]
    if isinstance(command, click.Group) and rest:
        _, below, remaining = command.resolve_command(context, rest)
        assert below, rest
        parse(below, remaining, context)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "cls")
@pytest.mark.parametrize("width", [40, 59, 80])
def test_help_fits(path: tuple[str, ...], width: int) -> None:
    assert [line for line in shown(path, width).splitlines() if len(line) > width] == []


def test_help_takes_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, width in (("40", 38), ("10", 20), ("300", 78)):
        monkeypatch.setenv("COLUMNS", columns)
        assert Formatter().width == width
    assert Formatter(width=33).width == 33


def test_terms_stand_beside_their_meaning_where_there_is_room() -> None:
    wide, narrow = Formatter(width=80), Formatter(width=40)
    for formatter in (wide, narrow):
        formatter.write_dl([("--a-rather-long-option", "means this")])
    assert wide.getvalue() == "--a-rather-long-option  means this\n"
    assert narrow.getvalue() == "--a-rather-long-option\n    means this\n"
