"""Whether another process of this machine is still there."""

from __future__ import annotations

import os


def is_gone(pid: str) -> bool:
    """Whether *pid*, of this machine, surely runs no more; False where that cannot be asked."""
    if os.name != "posix" or not (pid.isascii() and pid.isdigit()):
        return False
    try:
        os.kill(int(pid), 0)  # signal 0 asks, and does nothing
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
