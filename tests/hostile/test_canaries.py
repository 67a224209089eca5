"""Secrets are planted where they are kept, and looked for everywhere else: in what is printed, and in every file."""

from __future__ import annotations

import base64
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

KEY = base64.b64encode(b"canary" * 6).decode()
CANARIES = {
    "HOOK_SECRET": f"whsec_{KEY}",
    "HOOK_AUTHORIZATION": "Bearer canary-of-a-header-7531",
    "AWS_SECRET_ACCESS_KEY": "canary-of-a-cloud-8642",
    "AWS_SESSION_TOKEN": "canary-of-a-session-9753",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/canary-of-another-1357.json",
    "AZURE_STORAGE_KEY": "canary-of-a-third-2468",
    "DOCKER_AUTH_CONFIG": '{"auths": {"registry.example": {"auth": "canary-of-a-registry-3579"}}}',
    "UNRELATED_PASSWORD": "canary-of-somebody-else-4680",
}
WORDS = [KEY, *(word for value in CANARIES.values() for word in value.split('"') if "canary-of" in word)]
STEP = "import os\n\ndef work(lot):\n    print(dict(os.environ))\n    raise RuntimeError(repr(dict(os.environ)))\n"
RUN = ("run", "project.json", "--until-idle", "--seal-open", "--logs")
ASKED = [
    ("verify", "project.json"),
    ("show", "component", "cls:core:webhookNotifier"),
    ("status", "project.json"),
    ("config", "show"),
    ("redrive", "project.json", "--list"),
    ("plugins",),
]


def cls(folder: Path, *arguments: str, umask: int = 0o022) -> str:
    """All that it prints, however it ends: a lot that fails is meant to."""
    done = subprocess.run(
        [sys.executable, "-m", "clusterless.cli", *arguments],
        cwd=folder,
        env={**os.environ, **CANARIES, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        umask=umask,
    )
    assert "Traceback (most recent call last)" not in done.stderr.replace("  | ", ""), done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which a lot fails by each kind of workload that shows all it sees, and which nobody hears."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    arc = {"sources": {"main": {"name": "a", "version": "1"}}, "retry": {"attempts": 1}}
    declared = {
        "project": {"name": "canaries", "version": "1"},
        "placement": {"provider": "local"},
        "boundaries": [
            {"type": "local:core:putListenerBoundary", "name": "in", "lotUnit": "Twelfths",
             "dataset": {"name": "a", "version": "1", "pathURI": "inbox/"}},
        ],
        "arcs": [
            {**arc, "type": "cls:core:pythonArc", "name": "in_python", "workload": {"function": "step:work"},
             "sinks": {"main": {"name": "b", "version": "1", "pathURI": "b/"}}},
            {**arc, "type": "cls:core:execArc", "name": "by_command",
             "workload": {"command": ["sh", "-c", "env; exit 1"]},
             "sinks": {"main": {"name": "c", "version": "1", "pathURI": "c/"}}},
        ],
        "notifiers": [
            {"type": "cls:core:webhookNotifier", "name": "hook", "url": f"http://127.0.0.1:{port}/",
             "secretEnv": ["HOOK_SECRET"], "headersEnv": {"Authorization": "HOOK_AUTHORIZATION"},
             "retry": {"attempts": 1}},
        ],
    }  # fmt: skip
    (tmp_path / "project.json").write_text(json.dumps(declared))
    (tmp_path / "step.py").write_text(STEP)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "1.txt").write_text("apples")
    return tmp_path


def held(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_no_secret_is_printed_or_written(project: Path) -> None:
    said = {arguments: cls(project, *arguments) for arguments in (RUN, *ASKED)}
    (log, *_) = (project / ".clusterless").rglob("in_python/*/*.log")
    lot = log.parent.name
    for more in (("explain", lot, "-p", "project.json"), ("local", "in_python", lot, "-p", "project.json")):
        said[more] = cls(project, *more)
        assert lot in said[more]
    for arguments, text in said.items():
        assert not [word for word in WORDS if word in text], arguments
    found = held(project)
    assert any(path.endswith(".log") for path in found)
    for path, body in found.items():
        assert not [word for word in WORDS if word.encode() in body], path


@pytest.mark.slow
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_no_file_is_open_to_more_than_the_umask_says(project: Path, umask: int) -> None:
    before = set(project.rglob("*"))
    cls(project, *RUN, umask=umask)
    made = set(project.rglob("*")) - before
    assert made
    for path in made:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert path.is_symlink() or not mode & umask, f"{path}: {mode:o}"


@pytest.mark.slow
def test_what_stands_where_a_variables_name_belongs_is_not_repeated(project: Path) -> None:
    text = (project / "project.json").read_text().replace("HOOK_SECRET", CANARIES["HOOK_SECRET"])
    (project / "project.json").write_text(text)
    said = cls(project, "verify", "project.json")
    assert "not the name of an environment variable" in said
    assert KEY not in said
