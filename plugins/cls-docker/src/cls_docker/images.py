"""Images: built once a content, pulled when they are wanted."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from cls_docker.client import Engine
from cls_docker.confinement import PullPolicy
from cls_docker.errors import ImageMissingError, asking, registry_hint, said_no
from cls_docker.run import LABEL
from clusterless.errors import WorkloadError

CONTEXT = f"{LABEL}context"  # the label with the digest of what an image was built from
DOCKERFILE = "Dockerfile"
_SHOWN = 15  # lines of a build's log in an error
_COLOUR = re.compile(r"\x1b\[[\d;]*m")  # what the engine marks lines of errors by
_BUILDING = threading.Lock()  # two arcs may be built from one folder

Note = Callable[[str], object]
"""Takes what an engine tells while it builds or pulls."""


def build(engine: Engine, folder: Path, *, platform: str = "", note: Note = lambda _: None) -> str:
    """The id of the image of *folder*, which is built if no image on the engine was built from the same content.

    What ``FROM`` names is fetched where the engine does not have it; that there is a newer one is not looked for.

    Raises:
        WorkloadError: it cannot be built; with the end of the build's log.
        EngineUnavailableError, EngineRefusedError: there is no engine that can be used.
    """
    content = digest(folder, platform)
    with _BUILDING:
        return _built(engine, content) or _build(engine, folder, platform, content, note)


def digest(folder: Path, platform: str = "") -> str:
    """A digest of what *folder* hands to a build: paths, modes and contents, but for what ``.dockerignore`` names.

    Raises:
        WorkloadError: the folder, or its Dockerfile, is not there.
    """
    from docker.utils.build import exclude_paths

    if not (folder / DOCKERFILE).is_file():
        msg = f"no image can be built from {folder}: there is no {DOCKERFILE}"
        raise WorkloadError(msg, hint="'imagePath' is a folder with one, meant from the project file's folder")
    known = hashlib.sha256(platform.encode())
    try:
        for name in sorted(exclude_paths(str(folder), _ignored(folder), dockerfile=DOCKERFILE)):
            known.update(_entry(folder, name))
    except OSError as error:
        msg = f"no image can be built from {folder}: {error}"
        raise WorkloadError(msg) from error
    return known.hexdigest()


def pull(engine: Engine, image: str, *, platform: str = "", note: Note = lambda _: None) -> None:
    """Have the engine fetch *image*, with the credentials that its own configuration has for the registry.

    Raises:
        WorkloadError: there is no such image to be had.
        EngineUnavailableError, EngineRefusedError: there is no engine that can be used, or its disk is full.
    """
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(image)
    what = f"pull the image {image}"
    note(f"pulling {image}\n")
    try:
        with asking(what):
            told = engine.client.api.pull(
                repository, tag=tag or "latest", stream=True, decode=True, platform=platform or None
            )
            refused = next((str(each["error"]) for each in told if "error" in each), "")
    except WorkloadError as error:
        raise WorkloadError(error.problem, hint=registry_hint(repository, error.problem)) from error
    if refused:
        raise said_no(f"cannot {what}: {refused}", refused, registry_hint(repository, refused))


def slug(name: str) -> str:
    """What a repository may be called like, by *name*."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "image"


class Image:
    """The image of one arc, for any number of threads: what is built or fetched is so once while the arc is open."""

    def __init__(self, engine: Engine, name: str, folder: Path | None, policy: PullPolicy, platform: str = "") -> None:
        self._engine = engine
        self._name = name
        self._folder = folder
        self._policy = policy
        self._platform = platform
        self._lock = threading.Lock()
        self._ready = ""

    def ready(self, note: Note) -> str:
        """What to make containers from: an id, or the image's name.

        Raises:
            ClsError: it cannot be built, or fetched.
        """
        with self._lock:
            if not self._ready:
                if self._folder:
                    self._ready = build(self._engine, self._folder, platform=self._platform, note=note)
                else:
                    if self._policy is PullPolicy.ALWAYS:
                        pull(self._engine, self._name, platform=self._platform, note=note)
                    self._ready = self._name
            return self._ready

    def missing(self, error: ImageMissingError, note: Note) -> None:
        """Fetch it, as the engine does not have it.

        Raises:
            ClsError: it cannot be fetched, or is not to be.
        """
        with self._lock:
            if self._folder:  # it was removed meanwhile
                self._ready = ""
                return
            if self._policy is PullPolicy.NEVER:
                hint = f'docker pull {self._name}, or take "pullPolicy": "never" out'
                raise ImageMissingError(error.problem, hint=hint) from error
            pull(self._engine, self._name, platform=self._platform, note=note)


def _built(engine: Engine, content: str) -> str:
    with asking("look for an image"):
        found = engine.client.api.images(filters={"label": f"{CONTEXT}={content}"})
    return str(found[0]["Id"]) if found else ""


def _build(engine: Engine, folder: Path, platform: str, content: str, note: Note) -> str:
    tag = f"clusterless/{slug(folder.resolve().name)}:{content[:12]}"
    what = f"build an image from {folder}"
    with asking(what):
        told = engine.client.api.build(
            path=str(folder),
            tag=tag,
            labels={CONTEXT: content},
            platform=platform or None,
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        problem, log = _followed(told, note)
    if problem:
        shown = "".join(f"\n  | {line}" for line in log)
        raise said_no(f"cannot {what}: {problem}{shown}", problem, f"docker build {folder}")
    return _built(engine, content)


def _followed(told: Iterable[Mapping[str, Any]], note: Note) -> tuple[str, Iterable[str]]:
    """What went wrong, if anything did, and the last lines of the log; all of it is noted."""
    problem, log = "", deque[str](maxlen=_SHOWN)
    for each in told:
        text = _COLOUR.sub("", str(each.get("stream", "")))
        note(text)
        log.extend(line for line in text.splitlines() if line.strip())
        problem = problem or str(each.get("error", "")).strip()
    note(f"{problem}\n" if problem else "")
    return problem, log


def _ignored(folder: Path) -> list[str]:
    file = folder / ".dockerignore"
    if not file.is_file():
        return []
    lines = (line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _entry(folder: Path, name: str) -> bytes:
    path = folder / name
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        content = os.fsencode(os.readlink(path))
    elif stat.S_ISREG(mode):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
    else:
        content = b""
    return hashlib.sha256(b"\0".join((os.fsencode(name), oct(mode).encode(), content))).digest()
