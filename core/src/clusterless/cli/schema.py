"""The JSON Schema (2020-12) of a project file, from the models and what is installed; editors complete from it.

Whatever the reader accepts, the schema accepts. An element's ``type`` picks its branch by ``if`` and ``then``, which
editors know since draft 7, and which leave one clear complaint where ``oneOf`` would leave one for each component.
"""

from __future__ import annotations

import enum
import operator
import re
import typing
from collections.abc import Mapping
from typing import Any

import attrs

from clusterless import codec
from clusterless.cli.keys import stored_fields
from clusterless.cli.meanings import meaning, plain, prose
from clusterless.codec.names import stored_names
from clusterless.errors import ClsError
from clusterless.model.lot import LotUnit
from clusterless.model.naming import NAME_PATTERN, check_name
from clusterless.model.project import Deployable
from clusterless.provider import Component

Schema = dict[str, Any]

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS: Mapping[Any, str] = {
    operator.ge: "minimum",
    operator.gt: "exclusiveMinimum",
    operator.le: "maximum",
    operator.lt: "exclusiveMaximum",
}


def project_schema(components: Mapping[str, Component]) -> Schema:
    """The schema of a file that declares a project, or a list of them, with these *components*."""
    definitions = _Definitions({}, {})
    whole = definitions.project(components)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Clusterless project file",
        "if": {"type": "array"},
        "then": {"minItems": 1, "items": {"$ref": "#/$defs/Deployable"}},
        "else": {"$ref": "#/$defs/Deployable"},
        "$defs": {"Deployable": whole, **definitions.found},
    }


@attrs.frozen
class _Definitions:
    """Schemas of classes, each once, under its name."""

    found: dict[str, Schema]
    names: dict[Any, str]

    # ---- a project ---------------------------------------------------------------------------------------------

    def project(self, components: Mapping[str, Component]) -> Schema:
        whole = self.object(Deployable)
        for field in attrs.fields(Deployable):
            if typing.get_origin(field.type) is tuple:
                (declares, _) = typing.get_args(field.type)
                offered = {name: each for name, each in sorted(components.items()) if issubclass(each.model, declares)}
                whole["properties"][field.name] |= self.elements(offered)
        whole["properties"]["$schema"] = {"type": "string", "description": "the schema that editors go by"}
        return whole

    def elements(self, offered: Mapping[str, Component]) -> Schema:
        if not offered:
            return {"type": "array", "maxItems": 0, "items": True}
        branches = []
        for name, component in offered.items():
            self.found[name] = {
                **self.object(component.model, type_=name),
                "title": component.summary,
                "description": _text(prose(component.model.__doc__)),
            }
            branches.append(
                {
                    "if": {"required": ["type"], "properties": {"type": {"const": name}}},
                    "then": {"$ref": f"#/$defs/{name}"},
                }
            )
        known = {"type": {"enum": list(offered)}, "name": {"type": "string"}}
        return {"items": {"type": "object", "required": ["type"], "properties": known, "allOf": branches}}

    # ---- classes and fields ------------------------------------------------------------------------------------

    def reference(self, model: Any, *, completed: bool) -> Schema:
        """Where an object of *model* stands; one that is *completed* from a default may lack any key."""
        if completed and _required(model):
            return {key: value for key, value in self.object(model).items() if key != "required"}
        if model not in self.names:
            taken = model.__name__ in self.names.values()
            name = self.names[model] = f"{model.__module__}.{model.__name__}" if taken else model.__name__
            self.found[name] = {}  # so that a class within itself ends
            self.found[name] |= self.object(model)
        return {"$ref": f"#/$defs/{self.names[model]}"}

    def object(self, model: Any, *, type_: str = "") -> Schema:
        names = stored_names(model)
        properties = {names[field.name]: self.property(model, field) for field in stored_fields(model)}
        if type_:
            properties["type"] = {"const": type_}
        required = _required(model)
        return {
            "type": "object",
            **({"required": required} if required else {}),
            "properties": properties,
            "additionalProperties": False,
        }

    def property(self, model: Any, field: Any) -> Schema:
        default = _default(field)
        shape = self.shape(field.type, completed=attrs.has(type(default)))
        described = plain(meaning(model, field.name))
        return {
            **shape,
            **_limits(field, shape),
            **({"description": described} if described else {}),
            **({} if default is attrs.NOTHING else {"default": codec.to_json(default)}),
        }

    def shape(self, of: Any, *, completed: bool = False) -> Schema:
        arguments = typing.get_args(of)
        if type(None) in arguments:
            return self.nullable(*(each for each in arguments if each is not type(None)))
        if typing.get_origin(of) is tuple:
            return {"type": "array", "items": self.shape(arguments[0])}
        if arguments and issubclass(typing.get_origin(of) or object, Mapping):
            return {"type": "object", "additionalProperties": self.shape(arguments[1])}
        if of is LotUnit:
            return _unit()
        if isinstance(of, type) and issubclass(of, enum.Enum):
            return {"enum": [each.value for each in of]}
        if attrs.has(of):
            return self.reference(of, completed=completed)
        return {"type": _PLAIN[of]} if of in _PLAIN else {}

    def nullable(self, *kinds: Any) -> Schema:
        shapes = [self.shape(each) for each in kinds]
        if len(shapes) == 1 and isinstance(shapes[0].get("type"), str):
            return {**shapes[0], "type": [shapes[0]["type"], "null"]}
        return {"anyOf": [*shapes, {"type": "null"}]}


def _unit() -> Schema:
    """Its words are offered; the reader takes them in any case."""
    labels = [unit.label for unit in LotUnit]
    spelled = "|".join("".join(f"[{letter.upper()}{letter.lower()}]" for letter in label) for label in labels)
    return {"anyOf": [{"enum": labels}, {"type": "string", "pattern": f"^(?:{spelled})$"}]}


def _default(field: Any) -> Any:
    default = field.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


def _required(model: Any) -> list[str]:
    """What has no default, or one that will not do."""
    names = stored_names(model)
    return [
        names[field.name]
        for field in stored_fields(model)
        if (default := _default(field)) is attrs.NOTHING or _refuses(field, default)
    ]


def _refuses(field: Any, value: Any) -> bool:
    try:
        if field.validator:
            field.validator(None, field, value)
    except (ClsError, ValueError, TypeError):
        return True
    except AttributeError:
        pass  # it looks at the rest of the object, which there is none of
    return False


def _limits(field: Any, shape: Schema) -> Schema:
    """What the field's validators ask for, as far as a schema can say it."""
    limits: Schema = {}
    for each in _validators(field.validator):
        if each is check_name:
            limits["pattern"] = NAME_PATTERN
        elif (bound := _BOUNDS.get(getattr(each, "compare_func", None))) is not None:
            limits[bound] = each.bound
        elif isinstance(pattern := getattr(each, "pattern", None), re.Pattern):
            limits["pattern"] = f"^(?:{pattern.pattern})$"
    kind = shape.get("type")
    if kind == "string" and _refuses(field, ""):
        limits.setdefault("minLength", 1)
    elif kind == "array" and _refuses(field, ()):
        limits["minItems"] = 1
    elif kind == "object" and "additionalProperties" in shape and shape["additionalProperties"] and _refuses(field, {}):
        limits["minProperties"] = 1
    return limits


def _validators(validator: Any) -> typing.Iterator[Any]:
    """One by one, out of what `attrs` combines them in; a null is let pass by the type."""
    if inner := getattr(validator, "_validators", None):
        for each in inner:
            yield from _validators(each)
    elif (optional := getattr(validator, "validator", None)) is not None:
        yield from _validators(optional)
    elif validator is not None:
        yield validator


def _text(markdown: str) -> str:
    return plain(markdown).replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n\n")
