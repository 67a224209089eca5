"""The interpreter, the libraries, the room for temporary files, and the plugins."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from clusterless.doctor.checks import Check, Result
from clusterless.plugins import DISABLE, Plugins

_LITTLE = 1 << 30  # bytes; of a disk with less room than that, people should know
_GB = 10**9
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def environment() -> Iterator[Check]:
    """What does not depend on any store."""
    yield _check("python", f"{platform.python_version()} at {sys.executable}")
    yield _check("platform", f"{platform.platform()}, {os.cpu_count()} processors")
    yield _check("clusterless", version("clusterless"))
    yield from _libraries()
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
    except OSError as error:
        yield _check("temporary files", f"none can be written: {error}; name a folder in TMPDIR", Result.FAILED)
    else:
        yield room("environment", tempfile.gettempdir(), "temporary files")


def plugins(found: Plugins) -> Iterator[Check]:
    """Every plugin that is installed; those that do not work are asked first."""
    for plugin in found.installed:
        found.offers(plugin)
    broken = {failure.plugin: failure.error.problem for failure in found.failures}
    for plugin in found.installed:
        if plugin not in broken:
            yield Check(subject="plugins", name=plugin.name, detail=f"{plugin.distribution} {plugin.version}")
    for plugin, problem in broken.items():
        yield Check(subject="plugins", name=plugin.name, result=Result.FAILED, detail=problem)
    for plugin in found.disabled:
        yield Check(subject="plugins", name=plugin.name, result=Result.NOTE, detail=f"disabled by {DISABLE}")


def room(subject: str, folder: str, name: str = "disk") -> Check:
    """How much a disk has left; of *folder*, or of what is to hold it."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free
    result = Result.NOTE if free < _LITTLE else Result.OK
    return Check(subject=subject, name=name, result=result, detail=f"{free / _GB:.1f} GB free at {folder}")


def _libraries() -> Iterator[Check]:
    for requirement in requires("clusterless") or ():
        name = _NAME.match(requirement)
        if name is None or "extra ==" in requirement:
            continue
        try:
            yield _check(name[0], version(name[0]))
        except PackageNotFoundError:
            yield _check(name[0], f"is not installed: pip install {name[0]}", Result.FAILED)


def _check(name: str, detail: str, result: Result = Result.OK) -> Check:
    return Check(subject="environment", name=name, result=result, detail=detail)
