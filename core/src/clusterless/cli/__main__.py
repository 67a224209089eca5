"""Where ``cls`` begins, and ``python -m clusterless.cli``."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run ``cls``; Ctrl-C while it is still being loaded ends it like any other, without a word."""
    _fill_streams()
    # A background job has it ignored, and so it stays.
    watched = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if watched:
        signal.signal(signal.SIGINT, _leave)
    from clusterless.cli.app import main as cls

    if watched:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cls(prog_name="cls")


def _fill_streams() -> None:
    """Have what was closed, as by ``>&-``, lead nowhere: else the next file that is opened takes its place."""
    for fd, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            setattr(sys, name, open(fd, mode, closefd=False))  # noqa: SIM115 -- for as long as we run


def _leave(*_: object) -> None:
    # Nothing is open yet, and an exception would be told by whatever import it happens to hit.
    os._exit(130)


if __name__ == "__main__":
    main()
