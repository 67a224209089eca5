"""Where ``cls`` begins, and ``python -m clusterless.cli``."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run ``cls``; Ctrl-C while it is still being loaded ends it like any other, without a word."""
    # A background job has it ignored, and so it stays.
    watched = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if watched:
        signal.signal(signal.SIGINT, _leave)
    from clusterless.cli.app import main as cls

    if watched:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cls(prog_name="cls")


def _leave(*_: object) -> None:
    # Nothing is open yet, and an exception would be told by whatever import it happens to hit.
    os._exit(130)


if __name__ == "__main__":
    main()
