"""The names that fields are stored under, and the paths that are made of them."""

from __future__ import annotations

import json
import re
from functools import cache
from types import MappingProxyType
from typing import Any

import attrs

from clusterless.errors import cut
from clusterless.model.manifest import Manifest

_UPPER = {"uri": "URI", "mb": "MB"}  # as the format has always written them: pathURI, memorySizeMB
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_SHOWN = 100  # characters of a key
_OWN = {(Manifest, "lot"): "lotId"}


def stored_name(field: str) -> str:
    """``path_uri`` is stored as ``pathURI``, ``for_`` (a Python word) as ``for``."""
    first, *others = field.strip("_").split("_")
    return first + "".join(_UPPER.get(word, word.capitalize()) for word in others)


@cache
def stored_names(model: Any) -> MappingProxyType[str, str]:
    """Field → stored name, for the fields of the attrs class *model* that are stored, in order."""
    return MappingProxyType(
        {
            field.name: _OWN.get((model, field.name)) or stored_name(field.name)
            for field in attrs.fields(model)
            if field.init
        }
    )


def below(path: str, key: str | int) -> str:
    """The path of the member *key* of the object or list at *path*."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    key = cut(key, _SHOWN)
    return f"{path}.{key}" if _PLAIN.fullmatch(key) else f"{path}[{json.dumps(key, ensure_ascii=False)}]"
