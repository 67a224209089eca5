"""Project files into declared values; every mistake in every file is reported at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, field, frozen

from clusterless.codec import read_declaration
from clusterless.codec.lines import with_lines
from clusterless.codec.names import stored_names
from clusterless.codec.text import declared_values
from clusterless.deploy.locations import located
from clusterless.errors import (
    ClsError,
    InvalidValueError,
    MalformedError,
    NotInstalledError,
    ProjectFileMissingError,
    cut,
    did_you_mean,
)
from clusterless.model.element import Element
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.provider import (
    ActivityComponent,
    ArcComponent,
    BarrierComponent,
    BorderComponent,
    Component,
    NotifierComponent,
    ProjectFormat,
    ResourceComponent,
    StoreRoots,
)

STDIN = "-"
_SHOWN = 60

_FOR_EDITORS = "$schema"  # names the schema that they check and complete by

_KINDS: Mapping[str, type[Component]] = {
    "resources": ResourceComponent,
    "activities": ActivityComponent,
    "boundaries": BorderComponent,
    "barriers": BarrierComponent,
    "arcs": ArcComponent,
    "notifiers": NotifierComponent,
}
_TYPE = re.compile(r"(?P<provider>[^:]+):[^:]+:[^:]+")


@frozen
class Declared:
    """A project as its file declares it: *file* for messages, *base* the folder relative paths are meant from.

    *roots* are the stores of its placement where they are known without asking the provider.
    """

    deployable: Deployable
    file: str
    base: Path
    roots: StoreRoots | None = None


def not_installed(type_: str) -> ClsError:
    """What there is to say of a component whose provider nothing is known of."""
    msg = f"no installed plugin offers {type_}"
    return NotInstalledError(msg, hint=f"pip install cls-{type_.partition(':')[0]}")


def read_projects(
    files: Sequence[Path],
    components: Mapping[str, Component],
    formats: Mapping[str, ProjectFormat],
    absence: Callable[[str], ClsError] = not_installed,
) -> tuple[Declared, ...]:
    """The projects in *files*, in order, each file once; it holds one or a list of them, ``-`` is JSON from stdin.

    JSON is read as it is; *formats* (by suffix) are the others that plugins read. *absence* says why a
    type's provider offers nothing.

    Raises:
        ProjectFileMissingError: a file cannot be read; what is wrong in the others is told too.
        MalformedError: with every finding in every file.
    """
    reader = _Reader(components, formats, absence)
    for file in {each.absolute(): each for each in files}.values():
        reader.read(file)
    reader.check_twice()
    reader.report()
    return tuple(reader.declared)


def read_values(value: Any, components: Mapping[str, Component], *, source: str, base: Path) -> tuple[Declared, ...]:
    """The projects in the JSON *value* of *source*, as `read_projects` has them.

    Raises:
        MalformedError: with every finding.
    """
    reader = _Reader(components, {})
    reader.read_values(value, source, base)
    reader.report()
    return tuple(reader.declared)


@frozen(kw_only=True)
class _Head:
    """A deployable whose elements are still to be read, each by its type."""

    project: Project
    placement: Placement
    resources: tuple[Any, ...] = ()
    activities: tuple[Any, ...] = ()
    boundaries: tuple[Any, ...] = ()
    barriers: tuple[Any, ...] = ()
    arcs: tuple[Any, ...] = ()
    notifiers: tuple[Any, ...] = ()


@frozen
class _Reader:
    """Reads on after a mistake, so that all are found in one go."""

    components: Mapping[str, Component]
    formats: Mapping[str, ProjectFormat]
    absence: Callable[[str], ClsError] = not_installed
    declared: list[Declared] = Factory(list)
    findings: dict[str, list[str]] = Factory(dict)  # by file
    missing: list[str] = Factory(list)
    hints: dict[str, None] = field(factory=dict)  # in order, each once

    # ---- files -------------------------------------------------------------------------------------------------

    def read(self, file: Path) -> None:
        source = str(file)
        try:
            loader, text = self._loader(file), _text(file)
            values = loader(text)
        except ProjectFileMissingError as exc:
            self.missing.append(exc.problem)
            self.hints[exc.hint] = None
        except ValueError as exc:
            self.found(source, str(exc))
        else:
            base = Path.cwd() if source == STDIN else file.parent.absolute()
            before = len(self.findings.get(source, ()))
            self.read_values(values, source, base)
            if loader is declared_values and (found := self.findings.get(source, [])[before:]):
                self.findings[source][before:] = with_lines(text, found)

    def _loader(self, file: Path) -> Callable[[str], Any]:
        suffix = file.suffix.lower()
        if str(file) == STDIN or suffix in {"", ".json"}:
            return declared_values
        if suffix not in self.formats:
            known = ", ".join([".json", *sorted(self.formats)])
            msg = f"no installed plugin reads {suffix!r} files, only {known}"
            raise InvalidValueError(msg)
        return self.formats[suffix].load()

    def read_values(self, values: Any, source: str, base: Path) -> None:
        if not isinstance(values, list):
            values, paths = [values], ["$"]
        else:
            paths = [f"$[{index}]" for index in range(len(values))]
        if not values:
            self.found(source, "$: holds no project")
        for value, path in zip(values, paths, strict=True):
            deployable = self._deployable(value, path, source, base)
            if deployable:
                self.declared.append(Declared(deployable, source, base))

    # ---- one deployable ----------------------------------------------------------------------------------------

    def _deployable(self, value: Any, path: str, source: str, base: Path) -> Deployable | None:
        before = self._count()
        if isinstance(value, dict) and isinstance(value.get(_FOR_EDITORS), str):
            value = {key: item for key, item in value.items() if key != _FOR_EDITORS}
        head = self._structured(value, _Head, source, path)
        elements: dict[str, tuple[Any, ...]] = {}
        for kind in _KINDS:
            declared = value.get(kind) if isinstance(value, dict) else None
            if isinstance(declared, list):
                self._check_names(declared, f"{path}.{kind}", source)
                elements[kind] = tuple(
                    self._element(item, kind, f"{path}.{kind}[{index}]", source, base)
                    for index, item in enumerate(declared)
                )
        if head is None or self._count() > before:
            return None
        return Deployable(project=head.project, placement=head.placement, **elements)

    def _element(self, value: Any, kind: str, path: str, source: str, base: Path) -> Element | None:
        name = value.get("type") if isinstance(value, dict) else None
        if not isinstance(name, str):
            self._structured(_common(value, Element), Element, source, path)
            return None
        component = self.components.get(name)
        if not isinstance(component, _KINDS[kind]):
            self.found(source, f"{path}.type: {self._not_offered(name, kind)}")
            # Declared among the wrong kind, it has the right keys of another.
            model = Element if component else _KINDS[kind].declares
            self._structured(_common(value, model), model, source, path)
            return None
        element: Element | None = self._structured(value, component.model, source, path)
        try:
            return located(element, base)
        except InvalidValueError as exc:
            self.found(source, f"{path}{exc.problem}")
            return None

    def _not_offered(self, name: str, kind: str) -> str:
        wanted = _singular(kind)
        if other := self.components.get(name):
            rightly = next(each for each, of in _KINDS.items() if isinstance(other, of))
            return f"{name} is not declared among {kind}: it is of kind {_singular(rightly)}"
        match = _TYPE.fullmatch(name)
        if not match:
            return f"{cut(repr(name), _SHOWN)} is no type: use provider:namespace:component, such as 'cls:core:copyArc'"
        if not any(known.startswith(f"{match['provider']}:") for known in self.components):
            absence = self.absence(name)
            self.hints[absence.hint] = None
            return absence.problem
        known = [known for known, component in self.components.items() if isinstance(component, _KINDS[kind])]
        return "; ".join(filter(None, [f"there is no {wanted} {name}", did_you_mean(name, known)]))

    def _check_names(self, declared: list[Any], path: str, source: str) -> None:
        seen: dict[str, int] = {}
        for index, value in enumerate(declared):
            name = value.get("name") if isinstance(value, dict) else None
            if isinstance(name, str) and seen.setdefault(name, index) != index:
                self.found(source, f"{path}[{index}].name: {name!r} is also the name of {path}[{seen[name]}]")

    def _structured(self, value: Any, into: type[Any], source: str, path: str) -> Any:
        try:
            return read_declaration(value, into, source=source, at=path)
        except MalformedError as exc:
            self.found(source, *exc.findings)
            return None

    # ---- findings ----------------------------------------------------------------------------------------------

    def found(self, source: str, *findings: str) -> None:
        self.findings.setdefault(source, []).extend(findings)

    def _count(self) -> int:
        return sum(map(len, self.findings.values()))

    def check_twice(self) -> None:
        seen: dict[tuple[str, str], str] = {}
        for one in self.declared:
            project, placement = one.deployable.project.id, one.deployable.placement
            if where := seen.get((project, placement.id)):
                self.found(one.file, f"$.project: {project} on {placement.title} is already declared in {where}")
                self.hints["give one of them another name or version"] = None
            seen[project, placement.id] = one.file

    def report(self) -> None:
        hint = "; ".join(filter(None, self.hints))
        errors = [MalformedError(source, findings) for source, findings in self.findings.items()]
        if self.missing:
            raise ProjectFileMissingError("\n".join([*self.missing, *(error.problem for error in errors)]), hint=hint)
        if len(errors) == 1:
            raise MalformedError(errors[0].source, errors[0].findings, hint=hint)
        if errors:
            findings = [f"{error.source}: {finding}" for error in errors for finding in error.findings]
            raise MalformedError(f"{len(errors)} project files", findings, hint=hint)


def _singular(kind: str) -> str:
    return _KINDS[kind].declares.__name__.lower()


def _common(value: Any, model: Any) -> Any:
    """Of an element whose class is not known, the keys that all such elements have, and alike."""
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if key in stored_names(model).values() and key != "workload"}


def _text(file: Path) -> str:
    try:
        body = sys.stdin.buffer.read() if str(file) == STDIN else file.read_bytes()
    except OSError as exc:
        msg = f"{file}: cannot be read: {exc.strerror}"
        hint = "name a file that is there, or - for standard input"
        if isinstance(exc, IsADirectoryError):
            hint = f"name the project file, such as {file / 'project.json'}"
        raise ProjectFileMissingError(msg, hint=hint) from exc
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = body.count(b"\n", 0, exc.start) + 1
        msg = f"line {line}: not UTF-8 (byte 0x{body[exc.start]:02x})"
        raise InvalidValueError(msg) from None
