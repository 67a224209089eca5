"""What a script looks like, and that bash takes every value as it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

from clusterless.model.lot import Lot
from clusterless.operate.local import written
from clusterless.provider import Script

LOT = Lot.parse("20240131PT5M287")
NASTY = 'it\'s; $HOME `id` "x"\n# two'


def ran(script: Script) -> subprocess.CompletedProcess[str]:
    text = written("p/arc", LOT, script)
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)


def test_what_is_needed_beforehand_is_done_in_order(tmp_path: Path) -> None:
    before = [["mkdir", "a b"], ["touch", f"a b/{NASTY.splitlines()[0]}"], ["echo", "ready"]]
    done = ran(Script(folder=tmp_path, variables={}, command=["ls", "a b"], before=before))
    assert (done.returncode, done.stdout) == (0, f"{NASTY.splitlines()[0]}\n")
    assert done.stderr == "ready\n", "what is printed is the command's alone"


def test_nothing_follows_what_failed_beforehand(tmp_path: Path) -> None:
    script = Script(
        folder=tmp_path, variables={}, command=["touch", "done"], before=[["sh", "-c", "exit 7"], ["touch", "b"]]
    )
    assert ran(script).returncode == 7
    assert list(tmp_path.iterdir()) == []


def test_variables_and_arguments_come_as_they_are(tmp_path: Path) -> None:
    script = Script(
        folder=tmp_path, variables={"SAID": NASTY}, command=["sh", "-c", 'printf %s "$SAID$1"', "sh", NASTY]
    )
    assert ran(script).stdout == NASTY + NASTY
