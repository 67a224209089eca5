"""Rules of the protocol, each taken out of the shipped code: whoever runs without one must be found out."""

from __future__ import annotations

import os
from collections.abc import Callable

VARIABLE = "CLS_TEST_WITHOUT"
"""The name of the rule that a process is to do without."""

RULES: dict[str, Callable[[], None]] = {}


def mutate() -> None:
    """Take out the rule that this process is told to do without, if any."""
    if name := os.environ.get(VARIABLE):
        RULES[name]()
