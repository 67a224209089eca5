"""Saying how far the work has come."""

from __future__ import annotations

import json
import sys


def progress(done: float, total: float | None, message: str) -> None:
    """Print *done* of *total* as a line that whoever watches the output understands."""
    line = json.dumps({"done": done, "total": total, "message": message}, ensure_ascii=False)
    sys.stdout.write(f"CLS_PROGRESS {line}\n")
    sys.stdout.flush()
