"""Whether the resources that elements refer to are declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from clusterless.codec.names import below, stored_names
from clusterless.deploy.places import Placed
from clusterless.engine.findings import Finding
from clusterless.engine.references import referred
from clusterless.errors import InvalidValueError


def references(placed: Placed) -> Iterator[Finding]:
    """Keys such as ``databaseRef`` that name no resource of the project, or more than one."""
    deployable = placed.part.deployable
    for kind in ("resources", "activities", "boundaries", "arcs"):
        for index, element in enumerate(getattr(deployable, kind)):
            for path, reference in _written(element, f"{placed.part.at}.{kind}[{index}]"):
                try:
                    referred(reference, deployable.resources)
                except InvalidValueError as error:
                    yield Finding(file=placed.part.file, path=path, text=error.problem, remedy=error.hint)


def _written(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The references in a declared value, each with its JSON path."""
    if not attrs.has(type(value)):
        return
    model: Any = type(value)
    for name, key in stored_names(model).items():
        found = getattr(value, name)
        if name.endswith("_ref") and found:
            yield below(path, key), found
        else:
            yield from _written(found, below(path, key))
