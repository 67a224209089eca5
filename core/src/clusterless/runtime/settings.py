"""Files in which people set once what holds for all commands: the core's own, and each provider's (FORMATS 7.3)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from clusterless.codec import read_declaration
from clusterless.errors import MalformedError

LOCAL = ".clsconfig"
GLOBAL = Path(".cls/config")  # below the home folder

T = TypeVar("T")


def provider_settings(provider: str, model: type[T]) -> T:
    """What is set for *provider*: ``.clsconfig-<provider>`` here or above over ``~/.cls/config-<provider>``.

    A top-level key of the one takes the place of the other's; *model* is an attrs class with a default for each.

    Raises:
        MalformedError: a file is no TOML, or sets what *model* does not have.
    """
    values: dict[str, Any] = {}
    for file in files(f"-{provider}"):
        try:
            found = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise MalformedError(str(file), [str(error)], hint="mend the file: it is TOML") from None
        read_declaration(found, model, source=str(file), at="")
        values |= found
    return read_declaration(values, model, source=f".clsconfig-{provider}", at="")


def files(kind: str = "") -> Iterator[Path]:
    """Those that are there, the one that holds less first; *kind* is what follows their names."""
    for file in (global_file(kind), local_file(kind)):
        if file and file.is_file():
            yield file


def local_file(kind: str = "") -> Path | None:
    """The nearest ``.clsconfig`` from this folder upward, the home folder not included."""
    here, stop = Path.cwd(), home()
    for folder in (here, *here.parents):
        if folder == stop:
            return None
        if (file := folder / f"{LOCAL}{kind}").is_file():
            return file
    return None


def global_file(kind: str = "") -> Path | None:
    above = home()
    return above / f"{GLOBAL}{kind}" if above else None


def home() -> Path | None:
    """The home folder; None for a user that has none, as in some containers."""
    try:
        return Path.home()
    except RuntimeError:
        return None
