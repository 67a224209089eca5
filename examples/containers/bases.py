"""Makes the images that the examples begin ``FROM`` of what this machine has, where no registry of images is in reach.

``python bases.py [NAME...]``: all of them, or some of python, shell, node and java. Linux only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

import docker

import clusterless

PREFIX = "cls-example/"
PACKAGES = Path("/opt/packages")
UNREAD = {"__pycache__", "site-packages", "dist-packages", "test", "idlelib", "ensurepip"}

_LIBRARY = re.compile(r"(/\S+) \(0x")
_NAME = re.compile(r"[\w.-]+")


class Root:
    """The files of an image, as they are being gathered."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._held: set[Path] = set()

    def hold(self, path: Path, at: Path | None = None) -> None:
        """Put *path*, a file or a folder, *at* a place in the image: the one it has here, unless it is told."""
        if (at or path) not in self._held:
            self._held.add(at or path)
            self._tar.add(path, at or path, filter=_wanted)

    def link(self, name: str, target: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)

    def folder(self, name: str, mode: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._tar.addfile(entry)

    def program(self, path: Path, at: Path | None = None) -> None:
        """Put a program, and the libraries that it is linked with."""
        self.hold(path.resolve(), at)
        self.libraries([path])

    def libraries(self, files: Iterable[Path]) -> None:
        for library in sorted({each for file in files for each in _linked(file)}):
            self.hold(Path(library).resolve(), Path(library))


def python(root: Root) -> None:
    """This interpreter, and clusterless with all that it requires."""
    shell(root)
    standard = Path(sysconfig.get_path("stdlib"))
    root.program(Path(sys.executable), Path("/usr/bin/python3"))
    root.hold(standard)
    root.libraries(standard.glob("lib-dynload/*.so"))
    root.hold(Path(clusterless.__file__).parent, PACKAGES / "clusterless")
    for each in required("clusterless"):
        for file in each.files or ():
            if file.suffix != ".pth" and ".." not in file.parts and file.parts[0] != "clusterless":  # which is held
                root.hold(Path(str(file.locate())), PACKAGES / file)


def required(name: str) -> Iterable[Distribution]:
    """The distribution *name*, and those that it requires on this machine."""
    found, open_names = {}, [name]
    while open_names:
        each = distribution(open_names.pop())
        found[each.name] = each
        plain = (requirement for requirement in each.requires or () if ";" not in requirement)
        open_names += [match[0] for one in plain if (match := _NAME.match(one)) and match[0] not in found]
    return found.values()


def shell(root: Root) -> None:
    """The programs of busybox, and jq."""
    busybox = _program("busybox")
    root.program(busybox, Path("/bin/busybox"))
    for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if name != "busybox":
            root.link(f"bin/{name}", "busybox")
    root.program(_program("jq"), Path("/usr/bin/jq"))
    root.folder("tmp", 0o1777)


def node(root: Root) -> None:
    root.program(_program("node"), Path("/usr/bin/node"))


def java(root: Root) -> None:
    """A Java runtime with its compiler, and no more."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "java"
        subprocess.run([_program("jlink"), "--add-modules", "java.base,jdk.compiler", "--output", made], check=True)
        root.hold(made, Path("/opt/java"))
        root.libraries([*made.glob("bin/*"), *made.rglob("*.so")])
    for name in ("java", "javac"):
        root.link(f"usr/bin/{name}", f"/opt/java/bin/{name}")
    root.folder("tmp", 0o1777)


BASES: Mapping[str, Callable[[Root], None]] = {"python": python, "shell": shell, "node": node, "java": java}


def make(name: str) -> None:
    """Make one of `BASES` anew, on the engine that the environment names."""
    variables = [f"ENV PYTHONPATH={PACKAGES}"] if name == "python" else []
    engine = docker.from_env()
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            BASES[name](Root(tar))
        file.seek(0)
        blocks = iter(lambda: file.read(1 << 20), b"")
        engine.api.import_image_from_stream(blocks, repository=PREFIX + name, tag="latest", changes=variables)
    engine.close()


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """An entry as it is to be in an image: of root, and none of what is not read there."""
    if UNREAD & set(entry.name.split("/")) or entry.name.endswith(".a"):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def _linked(file: Path) -> list[str]:
    done = subprocess.run(["ldd", file], capture_output=True, text=True, check=False)
    return _LIBRARY.findall(done.stdout)


def _program(name: str) -> Path:
    found = shutil.which(name)
    if not found:
        sys.exit(f"{name} is not here: install it, or take a base image of a registry (see README.md)")
    return Path(found)


if __name__ == "__main__":
    for _name in sys.argv[1:] or BASES:
        make(_name)
