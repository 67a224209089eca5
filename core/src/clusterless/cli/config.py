"""``cls config``: what is set, and a file to set it in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from clusterless import codec
from clusterless.cli.app import Session
from clusterless.cli.meanings import meaning, plain
from clusterless.cli.settings import Config, leaves
from clusterless.errors import ObjectExistsError, StoreRefusedError
from clusterless.runtime.settings import LOCAL, global_file

_EXAMPLES = """
\b
Examples:
  cls config show
  cls config init
  cls -D run.concurrency=2 config show
"""


@click.group(epilog=_EXAMPLES)
def config() -> None:
    """Show or write what is set once for all commands.

    A setting is taken from -D, else from the nearest .clsconfig in this folder or above it, else from
    ~/.cls/config. The files are TOML.
    """


@config.command(
    epilog="""
\b
Example:
  cls config show
"""
)
@click.pass_obj
def show(session: Session) -> None:
    """Show what holds here, as TOML."""
    click.echo(as_toml(session.config), nl=False)


@config.command(
    epilog="""
\b
Examples:
  cls config init
  cls config init --global
  cls config init --merge --force
"""
)
@click.option("--global", "everywhere", is_flag=True, help="Write ~/.cls/config, not .clsconfig in this folder.")
@click.option("--merge", is_flag=True, help="Write what holds here, not the defaults.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.pass_obj
def init(session: Session, everywhere: bool, merge: bool, force: bool) -> None:
    """Write a file with every setting, and what it means."""
    file = _file(everywhere)
    text = as_toml(session.config if merge else Config(), explained=True)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        msg = f"{file} is there already"
        raise ObjectExistsError(msg, hint="--force writes over it, --merge --force keeps what it sets") from None
    except OSError as error:
        msg = f"{file} cannot be written: {error.strerror}"
        raise StoreRefusedError(msg) from error
    click.echo(f"wrote {file}")


def _file(everywhere: bool) -> Path:
    if not everywhere:
        return Path.cwd() / LOCAL
    if file := global_file():
        return file
    msg = "this user has no home folder"
    raise StoreRefusedError(msg, hint="set HOME, or leave --global out")


def as_toml(settings: Config, *, explained: bool = False) -> str:
    """The settings, a table for each group; what is not set is left out, or where *explained* commented out."""
    groups: dict[str, list[str]] = {}
    for key, model, field in leaves():
        group, _, name = key.rpartition(".")
        value = codec.to_json(getattr(getattr(settings, group), field.name))
        lines = groups.setdefault(group, [])
        if explained:
            lines.append(f"# {plain(meaning(model, field.name))}")
        if value is not None or explained:
            lines.append(_line(name, value))
    return "\n\n".join("\n".join([f"[{group}]", *lines]) for group, lines in groups.items() if lines) + "\n"


def _line(name: str, value: Any) -> str:
    # What JSON spells text, numbers and truth values by, TOML does too.
    return f"# {name} =" if value is None else f"{name} = {json.dumps(value)}"
