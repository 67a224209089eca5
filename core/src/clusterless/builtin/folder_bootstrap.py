"""What `cls bootstrap` makes for a `local` placement: the folders of its three stores, and of its events."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import frozen

from clusterless import codec, layout
from clusterless.bootstrap import Action, Exports, Plan, Step
from clusterless.builtin.folder_errors import explained
from clusterless.builtin.folder_provider import FolderProvider
from clusterless.errors import StoreRefusedError
from clusterless.model.placement import Bootstrapped, Placement
from clusterless.runtime.root import root_folder

_EXPORTS = ("metadata", "arcState", "manifest")


@frozen
class _Folder:
    """A folder of a placement; *holds* says whether anything but ``metadata.json`` is in it."""

    path: Path
    exists: bool
    holds: bool

    @property
    def uri(self) -> str:
        return f"{self.path.as_uri()}/"


class FolderBootstrap:
    """Running needs none of it: stores and queues make what they need."""

    def make(self, placement: Placement, base: Path) -> Plan:
        folders = _stores(placement, base)
        actions = (Action.KEEP if folder.exists else Action.CREATE for folder in folders)
        steps = [Step(action=action, what=folder.uri) for action, folder in zip(actions, folders, strict=True)]
        return Plan(steps=steps, apply=partial(_make, folders))

    def remove(self, placement: Placement, base: Path, with_data: bool) -> Plan:
        folders = [folder for folder in (*_stores(placement, base), _events(placement, base)) if folder.exists]
        gone = [folder for folder in folders if with_data or not folder.holds]
        steps = [_removal(folder, folder in gone) for folder in folders]
        return Plan(steps=steps, apply=partial(_remove, gone, root_folder(base), with_data))

    def placements(self, base: Path) -> Iterator[Placement]:
        root = root_folder(base)
        with explained(str(root)):
            names = os.listdir(root) if root.is_dir() else []
        for name, told in layout.placements_named("local", names).items():
            file, record = root / name / layout.PLACEMENT_META, None
            with explained(str(file.parent)):
                if file.is_file():
                    record = codec.read_record(file.read_bytes(), Bootstrapped, source=file.as_uri())
            yield (record and record.placement) or told


def _stores(placement: Placement, base: Path) -> Sequence[_Folder]:
    roots = FolderProvider().roots(placement, base)
    uris = (roots.metadata, roots.arc_state, roots.manifest)
    return [_folder(Path(unquote(urlsplit(uri).path))) for uri in uris]


def _events(placement: Placement, base: Path) -> _Folder:
    return _folder(FolderProvider().events(placement, base))


def _folder(path: Path) -> _Folder:
    with explained(str(path)):
        if path.is_symlink():
            msg = f"{path} is a link"
            raise StoreRefusedError(msg, hint="put the folder itself there, or name its place in CLS_LOCAL_ROOT")
        if not os.path.lexists(path):
            return _Folder(path, exists=False, holds=False)
        holds = any(name != layout.PLACEMENT_META for name in os.listdir(path))
    return _Folder(path, exists=True, holds=holds)


def _removal(folder: _Folder, is_gone: bool) -> Step:
    if is_gone:
        return Step(action=Action.REMOVE, what=folder.uri, note="with all that it holds" if folder.holds else "")
    return Step(action=Action.KEEP, what=folder.uri, note="it holds data")


def _make(folders: Sequence[_Folder]) -> Exports:
    for folder in folders:
        with explained(str(folder.path)):
            folder.path.mkdir(parents=True, exist_ok=True)
    return {name: {"name": folder.path.name} for name, folder in zip(_EXPORTS, folders, strict=True)}


def _remove(folders: Sequence[_Folder], root: Path, with_data: bool) -> Exports:
    for folder in folders:
        with explained(str(folder.path)), suppress(FileNotFoundError):
            if with_data:
                shutil.rmtree(folder.path)
            else:
                folder.path.rmdir()
    for folder_above in (root / "events", root):
        with suppress(OSError):  # another placement lives there, or the folder is not ours alone
            folder_above.rmdir()
    return {}
