"""What each key of a declared model means, for whoever reads about it: in a terminal, an editor, or the docs.

The text lies in ``meanings.json`` of the package that the model's class comes from, so that plugins say what their
own keys mean: ``{"CopyProps.rename": "…"}``, by the class that defines the field, and the key as it is typed.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from clusterless.codec.names import stored_name, stored_names

FILE = "meanings.json"

_FIELD = re.compile(r"``([a-z]+(?:_[a-z]+)+)``|\*([a-z_]+)\*")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@cache
def meanings(package: str) -> Mapping[str, str]:
    """The meanings that *package* (a top-level name) ships, by ``Class.key``; none where it has no file."""
    try:
        text = (resources.files(package) / FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, ModuleNotFoundError, TypeError):
        return {}  # the last: a plugin of one module has no place for files
    return {str(key): str(meaning) for key, meaning in json.loads(text).items()}


def definer(model: Any, name: str) -> Any:
    """The class that says what the field *name* of *model* is."""
    return next(each for each in model.__mro__ if name in inspect.get_annotations(each))


def meaning(model: Any, name: str) -> str:
    """What the field *name* of *model* means, in Markdown; empty where nobody has said it."""
    of = definer(model, name)
    package = of.__module__.partition(".")[0]
    return meanings(package).get(f"{of.__name__}.{stored_names(model)[name]}", "")


def plain(markdown: str) -> str:
    """A meaning as it reads without markup: links are their words."""
    return _LINK.sub(r"\1", markdown).replace("`", "")


def prose(text: str | None) -> str:
    """A docstring as Markdown, without what it raises; fields under the names that are typed."""
    words = inspect.cleandoc(text or "").partition("Raises:")[0].strip()
    words = _FIELD.sub(lambda match: f"`{stored_name(match[1] or match[2])}`", words)
    return words.replace("``", "`")
