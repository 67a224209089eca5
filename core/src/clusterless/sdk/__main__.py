"""``python -m clusterless.sdk module:function``: work the lot that the environment describes, once."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from clusterless.sdk.functions import find
from clusterless.sdk.work import LotWork


def main() -> None:
    """Find the function, here first, and call it with the lot's work."""
    parser = argparse.ArgumentParser(prog="python -m clusterless.sdk", description=__doc__)
    parser.add_argument("function", metavar="module:function", help="what is called with the lot's work")
    name = parser.parse_args().function
    sys.path.insert(0, str(Path.cwd()))
    function = find(name)
    with LotWork.from_environment() as work:
        function(work)


if __name__ == "__main__":
    main()
