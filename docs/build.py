"""Fills in what the pages of this folder take from the code: ``python docs/build.py``, and ``--check`` in the tests.

A page holds a block between ``<!-- from the code: NAME -->`` and ``<!-- end -->``; the rest of the page
is written by hand. What a key means is said in `clusterless/meanings.json`, which must name every key, and no other.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import click
from attrs import evolve
from click.testing import CliRunner
from object_layout import object_layout

import clusterless
from clusterless.cli.app import main as cls
from clusterless.cli.keys import REQUIRED, Key, every_key
from clusterless.cli.keys import keys as keys_of
from clusterless.cli.meanings import definer, meanings, prose
from clusterless.cli.settings import Config
from clusterless.codec.names import stored_names
from clusterless.engine.audit import Kind
from clusterless.engine.gaps import Cause
from clusterless.errors import ClsError
from clusterless.model.activity import Activity
from clusterless.model.arc import Arc, Retry, Wait, WorkloadSettings
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import Boundary, EgressBoundary, IngressBoundary, PathFilter
from clusterless.model.dataset import JoinedDataset, LocatedDataset, SinkDataset, SourceDataset
from clusterless.model.element import Element, Resource
from clusterless.model.notifier import Notifier, PublishRetry
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.model.runtime_props import FunctionProps
from clusterless.plugins import find_plugins
from clusterless.provider import Component
from clusterless.runtime.bucket_boundary import BucketBoundary
from clusterless.runtime.bucket_copy import BucketCopyArc
from clusterless.runtime.container_job import JobSettings

HERE = Path(__file__).parent

UNSAID: set[str] = set()
"""Keys that were shown and have no meaning."""

_BLOCK = re.compile(r"(<!-- from the code: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MODELS = (
    Deployable, Project, Placement, Element, Resource, IngressBoundary, EgressBoundary, SinkDataset, PathFilter, Arc,
    SourceDataset, Wait, Retry, WorkloadSettings, Barrier, JoinedDataset, Activity, Notifier, PublishRetry,
)  # fmt: skip
_TITLES = {
    Deployable: "The project file", Project: "`project`", Placement: "`placement`", Element: "Every element",
    Resource: "`resources`", IngressBoundary: "`boundaries`", EgressBoundary: "`boundaries` that take lots out",
    SinkDataset: "A dataset that is written",
    PathFilter: "`filter`", Arc: "`arcs`", SourceDataset: "A dataset that is read", Wait: "`wait`", Retry: "`retry`",
    WorkloadSettings: "`workload`", Barrier: "`barriers`", JoinedDataset: "A dataset that is joined",
    Activity: "`activities`", Notifier: "`notifiers`",
    PublishRetry: "`retry` of a notifier",
}  # fmt: skip
_OURS = ("local:core:", "cls:core:")


# ---- keys ------------------------------------------------------------------------------------------------------


def keys(model: Any, *, own: bool = False) -> Iterator[Key]:
    """Each key of *model*, or only those that it has not inherited."""
    for key in keys_of(model, name_of):
        if not (own and key.field.inherited):
            yield checked(key)


def checked(key: Key) -> Key:
    if not key.meaning:
        UNSAID.add(f"{definer(key.model, key.field.name).__name__}.{stored_names(key.model)[key.field.name]}")
    return key


def name_of(of: Any) -> str:
    """What an object is called, with a link to the section that has its keys."""
    of = IngressBoundary if of is Boundary else of
    return f"[object](#{anchor(_TITLES[of])})" if of in _TITLES else "object"


def anchor(title: str) -> str:
    return re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-")


def table(keys: Iterable[Key]) -> str:
    lines = [f"| `{key.name}` | {key.given} | {_default(key)} | {key.meaning} |" for key in keys]
    head = ["| key | value | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *lines]) if lines else "No keys of its own."


def _default(key: Key) -> str:
    return {REQUIRED: "**required**", "its own": "its own"}.get(key.default) or f"`{key.default}`"


# ---- the blocks ------------------------------------------------------------------------------------------------


def models() -> str:
    sections = []
    for model in _MODELS:
        # What every element has is said once.
        body = table(keys(model, own=issubclass(model, Element) and model is not Element))
        summary = prose(model.__doc__).partition("\n\n")[0]
        sections.append("\n\n".join(filter(None, (f"## {_TITLES[model]}", summary, body))))
    return "\n\n".join(sections)


def components() -> str:
    offered = {name: each for name, each in find_plugins().components().items() if name.startswith(_OURS)}
    return "\n\n".join(_component(name, offered[name]) for name in sorted(offered, key=_local_first))


def _local_first(name: str) -> tuple[bool, str]:
    return not name.startswith("local:"), name


def _component(name: str, component: Component) -> str:
    parts = [f"## {name}", f"For `{_list_of(component.declares)}`. {prose(component.model.__doc__)}"]
    parts += filter(None, (prose(model.__doc__) for model in _settings(component.model)))
    return "\n\n".join([*parts, table(_every_key(component.model))])


def _settings(model: Any) -> Iterator[Any]:
    """The classes of a component's own settings."""
    for name in ("workload", "workload_props"):
        attrs.resolve_types(model)
        field = attrs.fields_dict(model).get(name)
        model = field.type if field else None
        if model is None or not attrs.has(model):
            return
        if model is not WorkloadSettings:
            yield model


def _every_key(model: Any) -> Iterator[Key]:
    for key in every_key(model, name_of, leave=(LocatedDataset,)):
        yield evolve(checked(key), given=key.given.replace("[object](#", "[object](project-file.md#"))


_KINDS: Mapping[type[Element], str] = {
    Resource: "resources", Boundary: "boundaries", Barrier: "barriers", Arc: "arcs", Activity: "activities",
    Notifier: "notifiers",
}  # fmt: skip


def _list_of(kind: type[Element]) -> str:
    """The key of a project file under which elements of that *kind* stand."""
    return next(name for each, name in _KINDS.items() if issubclass(kind, each))


def errors() -> str:
    for module in pkgutil.walk_packages(clusterless.__path__, "clusterless."):
        if not module.name.startswith("clusterless.testing") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    known = [error for error in _subclasses(ClsError) if error.__module__.startswith("clusterless.")]
    rows = [_error(error) for error in sorted(known, key=lambda error: error.code)]
    head = ["| code | exits with | may simply be tried again | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _error(error: type[ClsError]) -> str:
    meaning = prose(error.__doc__).partition("\n\n")[0].replace("\n", " ")
    return f"| `{error.code}` | {error.exit_code} | {'yes' if error.retryable else 'no'} | {meaning} |"


def _subclasses(error: type[ClsError]) -> Iterator[type[ClsError]]:
    yield error
    for each in error.__subclasses__():
        yield from _subclasses(each)


def gap_causes() -> str:
    rows = [f"| `{cause.code}` | {cause.meaning} |" for cause in Cause]
    return "\n".join(["| cause | meaning |", "|---|---|", *rows])


def audit_kinds() -> str:
    rows = [f"| `{kind.code}` | {kind.meaning} |" for kind in Kind]
    return "\n".join(["| kind | meaning |", "|---|---|", *rows])


def commands() -> str:
    assert isinstance(cls, click.Group)
    context = click.Context(cls)
    offered = {name: cls.get_command(context, name) for name in cls.list_commands(context)}
    # Of plugins that happen to be installed nothing is said here.
    names = [name for name, command in offered.items() if command and _is_ours(command)]
    return "\n\n".join([_help(), *(_help(name) for name in names)])


def _is_ours(command: click.Command) -> bool:
    return getattr(command.callback, "__module__", "").startswith("clusterless.")


def _help(*command: str) -> str:
    shown = CliRunner().invoke(cls, [*command, "--help"], prog_name="cls", terminal_width=80).output.rstrip()
    return f"## cls {' '.join(command)}".rstrip() + f"\n\n```text\n{shown}\n```"


def settings() -> str:
    return table(map(checked, every_key(Config)))


BLOCKS: Mapping[str, Callable[[], str]] = {
    "models": models, "components": components, "errors": errors, "commands": commands, "settings": settings,
    "layout": object_layout, "gap-causes": gap_causes,
    "audit-kinds": audit_kinds,
}  # fmt: skip


# ---- pages -----------------------------------------------------------------------------------------------------


def filled(page: str) -> str:
    return _BLOCK.sub(lambda match: f"{match[1]}\n{BLOCKS[match['name']]()}\n\n{match[3]}", page)


def unknown_meanings() -> set[str]:
    """Meanings of keys that there are not."""
    classes = {each for model in _MODELS for each in model.__mro__ if attrs.has(each)}
    for name, component in find_plugins().components().items():
        if name.startswith(_OURS):
            classes |= {each for model in _with_parts(component.model) for each in model.__mro__}
    classes |= set(_with_parts(Config))
    for_providers = (BucketBoundary, BucketCopyArc, JobSettings, FunctionProps)
    classes |= {part for each in for_providers for part in _with_parts(each)}
    there = {
        f"{definer(model, field).__name__}.{name}"
        for model in classes
        if attrs.has(model)
        for field, name in stored_names(model).items()
    }
    return meanings("clusterless").keys() - there


def _with_parts(model: Any) -> Iterator[Any]:
    """The class *model*, and those of the objects in it."""
    yield model
    attrs.resolve_types(model)
    for field in attrs.fields(model):
        if isinstance(field.type, type) and attrs.has(field.type):
            yield from _with_parts(field.type)


def main() -> int:
    """Fill in the pages; with ``--check``, say which are not up to date, and change nothing."""
    os.environ.pop("COLUMNS", None)
    stale = [f"core/src/clusterless/meanings.json: {key} is no key" for key in sorted(unknown_meanings())]
    for path in sorted(HERE.glob("**/*.md")):
        before = path.read_text(encoding="utf-8")
        after = filled(before)
        if after != before and "--check" in sys.argv:
            stale.append(f"{path.name} is not up to date: python docs/build.py")
        elif after != before:
            path.write_text(after, encoding="utf-8")
    stale += [f"core/src/clusterless/meanings.json says nothing of {key}" for key in sorted(UNSAID)]
    sys.stdout.write("\n".join(stale or ["up to date"]) + "\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
