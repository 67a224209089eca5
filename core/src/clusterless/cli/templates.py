"""Declarations with nothing filled in: every key, with its default or null."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import attrs

from clusterless import codec
from clusterless.codec.names import stored_names


def template(model: Any, type_: str | None = None, *, required: bool = False) -> dict[str, Any]:
    """JSON values for *model*, of the component *type_*; only what must be given, where *required*."""
    attrs.resolve_types(model)
    names = stored_names(model)
    fields = {field.name: field for field in attrs.fields(model)}
    shown = {name: key for name, key in names.items() if not required or fields[name].default is attrs.NOTHING}
    values = {key: _value(fields[name], required=required) for name, key in shown.items()}
    return {**values, "type": type_} if type_ else values


def _value(field: Any, *, required: bool) -> Any:
    default: Any = field.default
    if default is attrs.NOTHING:
        return _blank(field.type, required=required)
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory()
    return codec.to_json(default)


def _blank(kind: Any, *, required: bool) -> Any:
    """What stands where the model has no default."""
    if isinstance(kind, type) and attrs.has(kind):
        return template(kind, required=required)
    origin = typing.get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    return [] if origin is tuple else None
