"""Cases that any reader and writer of these formats must agree on, as data with their provenance."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def vectors(name: str) -> list[dict[str, Any]]:
    """The cases of the file *name* (without its suffix); each says what it is in ``case``."""
    document = json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return [{"case": f"{name}-{index}", **case} for index, case in enumerate(document["cases"])]
