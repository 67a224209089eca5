"""What is to be found in no file, or in few."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from clusterless import hookspecs

CEILING = 600  # lines; what is larger has two subjects
REGISTRIES = [  # in two halves, since this file is searched too
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "crates" + ".io",
    "repo1.maven" + ".org",
]
PROGRAMS = ("clusterless/cli/", "clusterless/builtin/supervisor.py")  # the other is a process that ends as its command
SEEN_OUTSIDE = {"exit", "quit", "print", "sys.exit", "os._exit", "click.echo", "click.secho"}


def test_every_hook_has_a_docstring() -> None:
    hooks = [value for value in vars(hookspecs).values() if hasattr(value, f"{hookspecs.NAME}_spec")]
    assert len(hooks) >= 12
    assert [hook.__name__ for hook in hooks if not inspect.getdoc(hook)] == []


def test_no_module_is_too_long(shipped: list[Path]) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in shipped}
    assert {str(path): length for path, length in lengths.items() if length > CEILING} == {}


def test_no_file_names_a_package_registry(texts: list[Path]) -> None:
    assert [
        f"{path}: {host}"
        for path in texts
        for host in REGISTRIES
        if host in path.read_text(encoding="utf-8", errors="replace").lower()
    ] == []


def test_only_cli_prints_and_exits(shipped: list[Path]) -> None:
    outside = [path for path in shipped if not any(each in path.as_posix() for each in PROGRAMS)]
    assert [f"{path}:{line} {name}" for path in outside for line, name in calls(path) if name in SEEN_OUTSIDE] == []


def test_every_folder_of_modules_is_a_package(shipped: list[Path]) -> None:
    """Without `__init__.py`, no type checker finds what is in it."""
    folders = {path.parent for path in shipped}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the dotted name of every call in *path*."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)
