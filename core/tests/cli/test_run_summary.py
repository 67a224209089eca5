"""What a run says in the end, of two stages or versions of one project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_two_stages_of_a_project_do_not_share_a_row(project: Path, cls: Callable[..., Any]) -> None:
    declared = json.loads(project.read_text())
    for stage, files in (("dev", 1), ("prod", 3)):
        declared["placement"]["stage"] = stage
        declared["boundaries"][0]["dataset"]["pathURI"] = f"{stage}/a/"
        declared["arcs"][0]["sinks"]["main"]["pathURI"] = f"{stage}/b/"
        (project.parent / f"{stage}.json").write_text(json.dumps(declared))
        for number in range(files):
            path = project.parent / stage / "a" / f"{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
    ran = cls("run", "dev.json", "prod.json", "--until-idle", "--seal-open")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-5:] == [
        "p:1@dev/in: 1 arrival, 1 complete",
        "p:1@dev/copy: 1 complete",
        "p:1@prod/in: 3 arrivals, 1 complete",
        "p:1@prod/copy: 1 complete",
        "all is at rest",
    ]
