"""``cls completion``: what makes a shell complete ``cls``, printed or put where the shell finds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from clusterless.errors import ClsError, StoreRefusedError

_EXAMPLES = """
\b
Examples:
  cls completion --install
  cls completion bash
  source <(cls completion bash)
"""

_FISH = ".config/fish/completions/cls.fish"  # where fish looks by itself
_KEPT = ".cls/completion.{shell}"
_READ_BY: Mapping[str, str] = {"bash": ".bashrc", "zsh": ".zshrc"}
_SHELLS = ("bash", "zsh", "fish")


class UnknownShellError(ClsError, LookupError):
    """The shell that runs here is none that can be made to complete."""

    code = "shell-unknown"
    exit_code = 2


@click.command(epilog=_EXAMPLES)
@click.argument("shell", required=False, type=click.Choice(_SHELLS), metavar="[SHELL]")
@click.option("--install", is_flag=True, help="Have every new shell complete; says which files it wrote.")
def completion(shell: str | None, install: bool) -> None:
    """Print what makes SHELL complete commands, options, files and names: bash, zsh or fish.

    Without SHELL, for the one in use.
    """
    shell = shell or _in_use()
    script = _script(shell)
    if not install:
        click.echo(script)
        return
    try:
        _install(shell, script)
    except (OSError, RuntimeError) as error:
        msg = f"completion for {shell} cannot be written: {error}"
        raise StoreRefusedError(msg, hint=f"cls completion {shell} prints it") from error
    click.echo(f"a new {shell} completes what begins with cls")


def _in_use() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name in _SHELLS:
        return name
    msg = f"which shell to complete for is not clear: SHELL is {name!r}"
    raise UnknownShellError(msg, hint="name it, as in: cls completion bash")


def _script(shell: str) -> str:
    kind = get_completion_class(shell)
    root = click.get_current_context().find_root()
    assert kind
    return kind(root.command, {}, "cls", "_CLS_COMPLETE").source()


def _install(shell: str, script: str) -> None:
    file = Path.home() / (_FISH if shell == "fish" else _KEPT.format(shell=shell))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(script, encoding="utf-8")
    click.echo(f"wrote {file}")
    if shell in _READ_BY:
        _have_read(file, Path.home() / _READ_BY[shell])


def _have_read(file: Path, by: Path) -> None:
    """Add a line to what the shell reads when it starts, once."""
    line = f'source "{file}"'
    before = by.read_text(encoding="utf-8") if by.exists() else ""
    if line in before.splitlines():
        return
    with by.open("a", encoding="utf-8") as stream:
        stream.write(("" if not before or before.endswith("\n") else "\n") + f"{line}\n")
    click.echo(f"added a line to {by}: {line}")
