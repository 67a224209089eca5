"""Which names a Python module has, found without importing it: that could do anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def names_in(file: Path) -> frozenset[str] | None:
    """What the module *file* binds at its top; None where that cannot be told without running it."""
    if file.suffix != ".py":
        return None
    try:
        module = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    parts = list(ast.walk(module))
    names = {*_bound(module), *(name for each in parts if isinstance(each, ast.Global) for name in each.names)}
    used = {each.id for each in parts if isinstance(each, ast.Name)}
    return None if _MORE & names or _BY_HAND & used else frozenset(names)


_MORE = {"*", "__getattr__"}  # by these, a module has names that are not written in it
_BY_HAND = {"exec", "globals", "setattr", "vars"}  # by these, it may


def _bound(node: ast.AST) -> Iterator[str]:
    """What is bound below *node*, but not in the scope of a function or class."""
    for each in ast.iter_child_nodes(node):
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                continue
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
        yield from _bound(each)
