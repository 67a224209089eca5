"""No page shows Python that no test runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

WHOLE = {
    "docs/hooks.md": "tests/docs/test_hooks_page.py",
    "docs/howto/notify.md": "tests/docs/test_notify_page.py",
    "docs/sdk.md": "tests/docs/test_sdk_page.py",
    "examples/flights/README.md": "examples/flights/test_own_arc.py",
}
"""Pages all of whose Python is taken and run by a test of their own."""

_SAVED = re.compile(r"\bas `[\w./-]+\.py`[^\n]*\n\s*```python\n")


def written(root: Path) -> list[str]:
    """Every page of the checkout, by its path."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=root, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def test_every_python_block_is_run(read: Any, root: Path) -> None:
    names = written(root)
    assert {*WHOLE, "README.md"} <= {*names}
    unrun = []
    for name in names:
        page = read(name)
        blocks = len(page.blocks("python"))
        # A walk-through is done by test_walkthroughs.py, which writes the files that it says to save.
        is_walk = name.startswith(("docs/tutorial", "docs/howto/"))
        if blocks and name not in WHOLE and not (is_walk and len(_SAVED.findall(page.text)) == blocks):
            unrun.append(name)
    assert unrun == []


def test_the_tests_of_whole_pages_take_all_their_blocks(root: Path) -> None:
    for page, test in WHOLE.items():
        text = (root / test).read_text()
        assert Path(page).name in text, test
        assert re.search(r'blocks\("python"\)|block\("python"\)', text), test


def test_python_has_no_other_spelling(read: Any, root: Path) -> None:
    """A block marked ``py`` or ``pycon`` would be passed over by the tests."""
    assert [name for name in written(root) if read(name).blocks("py") or read(name).blocks("pycon")] == []
