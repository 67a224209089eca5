"""The two converters: one strict, for what people declare, one lenient, for what programs recorded."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from types import GenericAlias, NoneType, UnionType
from typing import Any, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.cols import (
    homogenous_tuple_structure_factory,
    is_mapping,
    list_structure_factory,
    mapping_structure_factory,
)
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from clusterless.codec import values
from clusterless.codec.names import stored_names
from clusterless.model.element import Element
from clusterless.model.event import Event
from clusterless.model.lot import Lot, LotUnit

Reads = Callable[[Any, Any], Any]


@cache
def declarations() -> Converter:
    """Strict: an unknown key is a mistake, a nested default is completed, not replaced."""
    converter = _base()
    converter.register_structure_hook_factory(attrs.has, lambda model: _declared(model, converter))
    _with_values(converter).register_structure_hook(str, values.typed_text)
    return converter


@cache
def records(*, detailed: bool = True) -> Converter:
    """Lenient with keys it does not know: a newer program may have written them.

    One that is not *detailed* takes half the time, and of what it cannot read it says neither where nor how much.
    """
    converter = _base(detailed=detailed)
    converter.register_structure_hook_factory(attrs.has, lambda model: _recorded(model, converter))
    return _with_values(converter)


def _base(*, detailed: bool = True) -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list}, detailed_validation=detailed)
    converter.register_structure_hook_factory(is_mapping, lambda kind: _mapping(kind, converter))
    converter.register_structure_hook_factory(_is_list, lambda kind: _list(kind, converter))
    converter.register_structure_hook_factory(_is_optional, lambda kind: _optional(kind, converter))
    converter.register_unstructure_hook_func(_is_iterable, list)
    converter.register_structure_hook_factory(_is_enum, values.word_of)
    converter.register_unstructure_hook_factory(attrs.has, lambda model: _stored(model, converter))
    return converter


def _with_values(converter: Converter) -> Converter:
    for kind, read in (
        (str, values.text),
        (int, values.whole_number),
        (float, values.number),
        (bool, values.boolean),
        (datetime, values.moment),
        (Lot, values.lot),
        (LotUnit, values.lot_unit),
    ):
        converter.register_structure_hook(kind, read)
    converter.register_unstructure_hook(datetime, values.moment_text)
    converter.register_unstructure_hook(Lot, str)
    converter.register_unstructure_hook(LotUnit, lambda unit: unit.label)
    converter.register_unstructure_hook(Event, _event)
    return converter


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _is_iterable(kind: Any) -> bool:
    return get_origin(kind) is Iterable


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in {list, tuple, Iterable}


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) is UnionType and NoneType in get_args(kind) and len(_but_none(kind)) == 1


def _but_none(kind: Any) -> list[Any]:
    return [each for each in get_args(kind) if each is not NoneType]


# ---- reading ---------------------------------------------------------------------------------------------------


def _list(kind: Any, converter: Converter) -> Reads:
    if get_origin(kind) is list:
        return _only(list, "a list", list_structure_factory(kind, converter))
    values_of: Any = GenericAlias(tuple, (get_args(kind)[0], ...))
    return _only(list, "a list", homogenous_tuple_structure_factory(values_of, converter))


def _mapping(kind: Any, converter: Converter) -> Reads:
    return _only(dict, "an object", mapping_structure_factory(kind, converter))


def _optional(kind: Any, converter: Converter) -> Reads:
    """As cattrs has it, which looks for the way to read what is there each time."""
    (other,) = _but_none(kind)
    read = converter.get_structure_hook(other)
    return lambda value, _: None if value is None else read(value, other)


def _recorded(model: Any, converter: Converter) -> Reads:
    return _only(dict, "an object", make_dict_structure_fn(model, converter, **_renamed(model)))


def _declared(model: Any, converter: Converter) -> Reads:
    attrs.resolve_types(model)
    fields: dict[str, Any] = {
        field.name: override(
            rename=stored_names(model).get(field.name),
            struct_hook=_checked(converter.get_structure_hook(field.type), field) if field.validator else None,
        )
        for field in attrs.fields(model)
    }
    read = make_dict_structure_fn(model, converter, _cattrs_forbid_extra_keys=True, **fields)
    return _only(dict, "an object", lambda value, kind: read(_completed(model, value, converter), kind))


def _only(wanted: type, name: str, read: Reads) -> Reads:
    """Text can be iterated too, but is no list."""

    def check(value: Any, kind: Any) -> Any:
        if not isinstance(value, wanted):
            raise values.refused(value, name)
        return read(value, kind)

    return check


def _checked(read: Reads, field: attrs.Attribute[Any]) -> Reads:
    """Ask a field's validator at once, so that its complaint has the field's path and does not hide others."""

    def check(value: Any, kind: Any) -> Any:
        result = read(value, kind)
        # A validator that looks at the rest of the value is asked again by the constructor, which has it.
        with suppress(AttributeError):
            field.validator(None, field, result)  # type: ignore[misc]
        return result

    return check


def _completed(model: Any, given: Mapping[str, Any], converter: Converter) -> Mapping[str, Any]:
    """*given*, where an object that has a default keeps from that very default what it does not say."""
    completed = dict(given)
    for field in attrs.fields(model):
        key = stored_names(model).get(field.name, "")
        if isinstance(given.get(key), dict) and attrs.has(type(default := _default(field))):
            completed[key] = _over(default, given[key], converter)
    return completed


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    if not isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return default
    return None if default.takes_self else default.factory()


def _over(default: Any, given: Mapping[str, Any], converter: Converter) -> dict[str, Any]:
    model: Any = type(default)
    merged = {**converter.unstructure(default), **given}
    for name, key in stored_names(model).items():
        if isinstance(given.get(key), dict) and attrs.has(type(inner := getattr(default, name))):
            merged[key] = _over(inner, given[key], converter)
    return merged


# ---- writing ---------------------------------------------------------------------------------------------------


def _renamed(model: Any) -> dict[str, Any]:
    return {name: override(rename=key) for name, key in stored_names(model).items()}


def _stored(model: Any, converter: Converter) -> Callable[[Any], dict[str, Any]]:
    write = make_dict_unstructure_fn(model, converter, **_renamed(model))
    if not issubclass(model, Element):
        return write
    # A project's arcs are declared as Arc, and each is of its component's own class.
    return lambda value: write(value) if type(value) is model else converter.unstructure(value)


def _event(event: Event) -> dict[str, Any]:
    dataset = event.dataset
    return {
        "dataset": {"name": dataset.name, "version": dataset.version, "pathURI": dataset.path_uri},
        "lot": str(event.lot),
        "manifest": event.manifest,
        "datasetId": dataset.id,
        "revision": event.revision,
    }
