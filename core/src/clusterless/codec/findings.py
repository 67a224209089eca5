"""What a reader is told about a document that cannot be read: one line a mistake, each with its JSON path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)

from clusterless.codec.names import below, stored_names
from clusterless.codec.values import CLOSE, suggestion
from clusterless.errors import InvalidValueError, closest, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 60
_COMMENT = re.compile(r"\W*_*(comments?|//)_*\W*|[/#]+", re.IGNORECASE)


def findings(error: BaseException, path: str) -> list[str]:
    """Every mistake in what stood at *path*, in the order they were found."""
    return [f"{where}: {what}" for where, what in _walk(error, path, None)]


def unknown_key(path: str, key: str, known: list[str]) -> tuple[str, str]:
    """Where and what is wrong with an unknown *key* of the object at *path*."""
    hint = "; write comments as // lines" if _COMMENT.fullmatch(key) else suggestion(key, known)
    return below(path, key), f"unknown key {cut(repr(key), _SHOWN)}{hint}"


def _walk(error: BaseException, path: str, model: Any) -> Iterator[tuple[str, str]]:
    if isinstance(error, BaseValidationError):
        misspelt = {meant for inner in error.exceptions for meant in _meant(inner, path)}
        for inner in error.exceptions:
            where = _path_of(inner, path, error.cl)
            if not (isinstance(inner, KeyError) and where in misspelt):
                yield from _walk(inner, where, error.cl)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = list(stored_names(error.cl).values())
        yield from (unknown_key(path, key, known) for key in sorted(error.extra_fields))
    elif isinstance(error, KeyError):
        yield path, "is missing"
    else:
        said = _reworded(error, model)
        yield path, said.replace("a number,", "a number of seconds,", 1) if path.endswith("Sec") else said


def _meant(error: BaseException, path: str) -> Iterator[str]:
    """The paths of the keys that unknown ones were probably meant to be."""
    if isinstance(error, ForbiddenExtraKeysError):
        known = list(stored_names(error.cl).values())
        yield from (below(path, meant) for key in error.extra_fields if (meant := closest(key, known, CLOSE)))


def _path_of(error: BaseException, path: str, model: Any) -> str:
    # A note belongs to the innermost level: what is raised there is wrapped in a new error further out.
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return below(path, stored_names(model)[note.name])
        if isinstance(note, IterableValidationNote):
            return below(path, note.index)
    return path


def _reworded(error: BaseException, model: Any) -> str:
    if isinstance(error, InvalidValueError):
        return error.problem
    # Validators of attrs carry more arguments than the sentence, and call the field by its Python name.
    said = str(error.args[0]) if error.args else type(error).__name__
    if attrs.has(model):
        for field, stored in stored_names(model).items():
            said = said.replace(f"'{field}'", f"'{stored}'")
    return said
