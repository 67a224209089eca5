"""The one folder below which all is kept that is kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path

ROOT_VARIABLE = "CLS_LOCAL_ROOT"
_NAME = ".clusterless"


def root_folder(base: Path) -> Path:
    """``$CLS_LOCAL_ROOT``, else the nearest ``.clusterless`` at or above folder *base*, else one in it, still to be."""
    if named := os.environ.get(ROOT_VARIABLE):
        return Path(named).expanduser().absolute()
    base = base.absolute()
    found = (folder / _NAME for folder in (base, *base.parents))
    return next((folder for folder in found if folder.is_dir()), base / _NAME)


def output_folder(base: Path) -> Path:
    """Where what attempts of a project in folder *base* print is kept, whichever placement it is in."""
    return root_folder(base) / "output"
