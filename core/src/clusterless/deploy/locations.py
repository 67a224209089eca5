"""Where datasets lie: what a project file says, as an absolute URI that ends with a slash."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import attrs

from clusterless import layout
from clusterless.codec.names import below, stored_names
from clusterless.engine.uris import parts
from clusterless.errors import InvalidValueError, cut
from clusterless.model.boundary import EgressBoundary
from clusterless.model.dataset import ClockDataset, JoinedDataset, LocatedDataset, SourceDataset
from clusterless.model.naming import check_path
from clusterless.model.notifier import LocatedNotifier

T = TypeVar("T")

_SHOWN = 60
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.*")


def location(path_uri: str, base: Path) -> str:
    """The location URI that *path_uri* means in a project file of folder *base* (absolute).

    Without a scheme it is a local path: relative ones start at *base*.

    Raises:
        InvalidValueError: it is empty, too long, not printable, or a file URI that is not absolute.
    """
    if not path_uri.isprintable():
        msg = f"{cut(repr(path_uri), _SHOWN)} has characters that no location can have"
        raise InvalidValueError(msg)
    if not _ABSOLUTE.fullmatch(path_uri):
        check_path(path_uri)
        path_uri = layout.uri("file://", os.path.normpath(base / path_uri))
    if path_uri.startswith("file://") and not path_uri.startswith("file:///"):
        msg = f"{path_uri!r} names a host: write file:/// and an absolute path, or a path alone"
        raise InvalidValueError(msg)
    check_path(unquote(parts(path_uri).path).removeprefix("/") or "/")
    return path_uri.replace(" ", "%20").removesuffix("/") + "/"


def located(value: T, base: Path) -> T:
    """*value* (an element, or part of one) with every dataset's location absolute.

    Raises:
        InvalidValueError: with the JSON path, below *value*, of the location that is none.
    """
    return _located(value, base, "")  # type: ignore[no-any-return]


def _located(value: Any, base: Path, path: str) -> Any:
    if isinstance(value, JoinedDataset | ClockDataset) and not value.path_uri:
        return value  # it lies where its sources do, or nowhere
    if isinstance(value, LocatedDataset):
        return attrs.evolve(value, path_uri=_at(value.path_uri, base, below(path, "pathURI")))
    if isinstance(value, Mapping):
        return {key: _located(item, base, below(path, key)) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_located(item, base, below(path, index)) for index, item in enumerate(value))
    if not attrs.has(type(value)):
        return value
    if isinstance(value, SourceDataset):
        return attrs.evolve(value, inbox=_at(value.inbox, base, below(path, "inbox"))) if value.inbox else value
    if isinstance(value, EgressBoundary | LocatedNotifier):
        value = attrs.evolve(value, path_uri=_at(value.path_uri, base, below(path, "pathURI")))
    model: Any = type(value)
    changed = {
        name: after
        for name, key in stored_names(model).items()
        if (after := _located(before := getattr(value, name), base, below(path, key))) is not before
    }
    return attrs.evolve(value, **changed) if changed else value


def _at(path_uri: str, base: Path, path: str) -> str:
    try:
        return location(path_uri, base)
    except InvalidValueError as exc:
        msg = f"{path}: {exc.problem}"
        raise InvalidValueError(msg) from None
