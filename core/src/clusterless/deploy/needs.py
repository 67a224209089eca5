"""Whether what elements need, and name, is there: datasets, programs, modules, Dockerfiles."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from clusterless.deploy.module_names import names_in
from clusterless.deploy.places import Placed
from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph import Graph
from clusterless.errors import did_you_mean
from clusterless.model.element import Element, Needs


def needed(placed: Placed) -> Iterator[Finding]:
    """Findings: datasets that the project does not write; programs and such that are not found from here."""
    yield from _unwritten(placed)
    for element, path in _elements(placed):
        if element.exclude:
            continue
        for text, remedy in _absent(element.needs, placed.base):
            yield Finding(severity=Severity.WARNING, file=placed.part.file, path=path, text=text, remedy=remedy)


def _unwritten(placed: Placed) -> Iterator[Finding]:
    part = placed.part
    written = {writer.dataset.id for writer in Graph((part,)).writers}
    for index, activity in enumerate(part.deployable.activities):
        for dataset in activity.datasets:
            if not activity.exclude and dataset.id not in written:
                path = f"{part.at}.activities[{index}].dataset"
                text = f"the project does not write {dataset.id}"
                remedy = f"it writes {', '.join(sorted(written)) or 'nothing'}"
                yield Finding(file=part.file, path=path, text=text, remedy=remedy)


def _elements(placed: Placed) -> Iterator[tuple[Element, str]]:
    deployable, at = placed.part.deployable, placed.part.at
    for kind, elements in (
        ("resources", deployable.resources),
        ("arcs", deployable.arcs),
        ("activities", deployable.activities),
        ("notifiers", deployable.notifiers),
    ):
        yield from ((element, f"{at}.{kind}[{index}]") for index, element in enumerate(elements))


def _absent(needs: Needs, base: Path) -> Iterator[tuple[str, str]]:
    if needs.program and not _has_program(needs, base):
        yield (
            f"the program {needs.program} is not found here",
            f"a relative path is meant from {base}, and it must be executable",
        )
    if needs.module:
        yield from _absent_code(needs, base)
    if needs.image and not os.path.isfile(base / needs.image / "Dockerfile"):
        yield (f"there is no Dockerfile in {needs.image}", f"a relative folder is meant from {base}")


def _absent_code(needs: Needs, base: Path) -> Iterator[tuple[str, str]]:
    spec = _found_module(needs, base)
    if spec is None and needs.module not in sys.builtin_module_names:
        folders = ", ".join(needs.folders) or "no folder"
        yield (
            f"the module {needs.module} is not found here",
            f"it is looked for in {folders} (from {base}), then where Python looks",
        )
    elif spec and spec.origin and spec.has_location and needs.function:
        names = names_in(Path(spec.origin))
        if names is not None and needs.function not in names:
            remedy = did_you_mean(needs.function, names, f"it is read from {spec.origin}")
            yield f"the module {needs.module} has no function {needs.function}", remedy


def _has_program(needs: Needs, base: Path) -> bool:
    program = needs.program
    if program.startswith("$"):
        return True  # a lot selects it
    if os.sep in program:
        program = str(base / program)
    return shutil.which(program, path=needs.path) is not None


def _found_module(needs: Needs, base: Path) -> ModuleSpec | None:
    """By its files alone: to import a package may do anything."""
    first, *rest = needs.module.split(".")
    spec = PathFinder.find_spec(first, [*(str(base / each) for each in needs.folders), *sys.path])
    below = first
    for name in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        below = f"{below}.{name}"
        spec = PathFinder.find_spec(below, list(spec.submodule_search_locations))
    return spec
