"""The keys of a declared model, in words: what may be given, what stands where nothing is, and what it means."""

from __future__ import annotations

import enum
import json
import typing
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from attrs import frozen

from clusterless import codec
from clusterless.cli.meanings import meaning
from clusterless.codec.names import stored_names
from clusterless.model.lot import LotUnit

REQUIRED = "required"

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true, false", Any: "anything"}


@frozen(kw_only=True)
class Key:
    """*given* and *meaning* are Markdown; *default* is JSON, ``required``, or ``its own`` (an object's)."""

    name: str
    given: str
    default: str
    meaning: str
    model: Any
    field: Any


def stored_fields(model: Any) -> list[Any]:
    """The fields of *model* that can be declared, with their types."""
    attrs.resolve_types(model)
    return [field for field in attrs.fields(model) if field.name in stored_names(model)]


def keys(model: Any, name_of: Callable[[Any], str] = lambda _: "object") -> Iterator[Key]:
    """Each key of *model*, in order; *name_of* says what an object of some class is called."""
    for field in stored_fields(model):
        yield Key(
            name=stored_names(model)[field.name],
            given=kind(field.type, name_of),
            default=default(field),
            meaning=meaning(model, field.name),
            model=model,
            field=field,
        )


def every_key(
    model: Any,
    name_of: Callable[[Any], str] = lambda _: "object",
    *,
    leave: tuple[Any, ...] = (),
    below: str = "",
    of: Any = None,
) -> Iterator[Key]:
    """Each key of *model* and of the objects in it, dotted; objects of the classes in *leave* are not entered.

    Where *of* is the value of *model* that stands where nothing is given, its defaults are told.
    """
    for key in keys(model, name_of):
        inner: Any = key.field.type
        name = f"{below}{key.name}"
        value = _default(key.field) if of is None else getattr(of, key.field.name)
        if attrs.has(inner) and not issubclass(inner, leave):
            own = value if isinstance(value, inner) else None
            yield from every_key(inner, name_of, leave=leave, below=f"{name}.", of=own)
        else:
            yield attrs.evolve(key, name=name, default=key.default if of is None else _json(value))


def kind(of: Any, name_of: Callable[[Any], str]) -> str:
    """What may be given, in words."""
    arguments = typing.get_args(of)
    if type(None) in arguments:
        return f"{kind(next(each for each in arguments if each is not type(None)), name_of)}, null"
    if typing.get_origin(of) is tuple:
        return f"list of {kind(arguments[0], name_of)}"
    if arguments:
        return f"map of {kind(arguments[1], name_of)}"
    if of is LotUnit:
        return ", ".join(f"`{unit.label}`" for unit in LotUnit)
    if isinstance(of, type) and issubclass(of, enum.Enum):
        return ", ".join(f"`{each.value}`" for each in of)
    return _WORDS.get(of) or name_of(of)


def default(field: Any) -> str:
    """What stands where nothing is given."""
    value = _default(field)
    if value is attrs.NOTHING:
        return REQUIRED
    if attrs.has(type(value)):
        return "its own"
    return _json(value)


def _default(field: Any) -> Any:
    value: Any = field.default
    if not isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        return value
    return attrs.NOTHING if value.takes_self else value.factory()


def _json(value: Any) -> str:
    return json.dumps(codec.to_json(value), ensure_ascii=False)
