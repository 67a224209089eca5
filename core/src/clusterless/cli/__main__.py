"""``python -m clusterless.cli``: the same as ``cls``."""

from __future__ import annotations

from clusterless.cli.app import main

main(prog_name="cls")
