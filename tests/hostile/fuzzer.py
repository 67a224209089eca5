"""Feeds a reader of `fuzz.py` by atheris, which looks for inputs that take a new way through the code.

``python fuzzer.py READER -runs=100000 CORPUS…``; without a reader, it names them.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

import atheris

OURS = ["clusterless", "cls_aws", "cls_azure", "cls_gcp"]

spec = importlib.util.spec_from_file_location("hostile_fuzz", Path(__file__).with_name("fuzz.py"))
assert spec
assert spec.loader
fuzz = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
with atheris.instrument_imports(include=OURS, enable_loader_override=False):
    spec.loader.exec_module(fuzz)


def main(arguments: list[str]) -> None:
    """Feed the reader that is named."""
    if not arguments or arguments[0] not in fuzz.READERS:
        sys.exit(f"name one of: {' '.join(fuzz.READERS)}")
    reader = fuzz.READERS[arguments[0]]
    with tempfile.TemporaryDirectory(prefix="cls-seeds-") as seeds:
        for number, seed in enumerate(reader.seeds):
            (Path(seeds) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *arguments[1:], seeds], lambda data: fuzz.feed(reader, data) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
