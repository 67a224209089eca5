"""``cls run`` with notifiers that fail, and ``cls redrive``: real processes, a real receiver."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SECRET = "whsec_" + base64.b64encode(b"t" * 32).decode()
TELL = {"type": "cls:core:execNotifier", "name": "tell", "command": ["sh", "tell.sh", "$.dataset.name"]}


class Hook:
    """A receiver whose *status* is set; *ids* are those of the events that it took."""

    def __init__(self) -> None:
        self.status = 200
        self.ids: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if hook.status == 200:
                    hook.ids.append(body["id"])
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=[0.01])
        self._thread.start()

    @property
    def declared(self) -> dict[str, Any]:
        return {
            "type": "cls:core:webhookNotifier",
            "name": "hook",
            "url": f"http://127.0.0.1:{self.port}/",
            "secretEnv": ["HOOK_SECRET"],
        }

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    hook = Hook()
    yield hook
    hook.close()


def declare(project: Path, *notifiers: dict[str, Any]) -> None:
    """The project with *notifiers*, a file that arrived, and ``tell.sh``, which fails until there is a file ``up``."""
    declared = json.loads(project.read_text())
    declared["boundaries"][0]["settleSec"] = 0
    project.write_text(json.dumps({**declared, "notifiers": [{**each, "retry": RETRY} for each in notifiers]}))
    arrived = project.parent / "data/a/x.txt"
    arrived.parent.mkdir(parents=True, exist_ok=True)
    arrived.write_text("x")
    hour_ago = time.time() - 3600
    os.utime(arrived, (hour_ago, hour_ago))
    (project.parent / "tell.sh").write_text('cat >> asked; test -e up && echo "$1 $CLS_LOT" >> told\n')


RETRY = {"attempts": 2, "backoffSec": 0.01}


def listed(cls: Any) -> list[dict[str, Any]]:
    done = cls("redrive", "project.json", "--list", "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_a_receiver_that_fails_holds_up_no_lot_and_is_told_by_the_next_run(project: Path, cls: Any, hook: Hook) -> None:
    declare(project, hook.declared)
    hook.status = 500
    done = cls("run", "project.json", "--until-idle")
    assert done.returncode == 0
    assert "answered 500" in done.stderr
    assert len(list((project.parent / "data/b").rglob("x.txt"))) == 1
    assert {(row["state"], row["dataset"]["name"]) for row in listed(cls)} == {("pending", "a"), ("pending", "b")}
    hook.status = 200
    deadline = time.monotonic() + 60
    while listed(cls) and time.monotonic() < deadline:
        assert cls("run", "project.json", "--until-idle").returncode == 0
    assert {each.split("/")[0] for each in hook.ids} == {"a", "b"}


def test_what_was_refused_is_listed_and_sent_once_it_is_mended(project: Path, cls: Any, hook: Hook) -> None:
    declare(project, hook.declared)
    hook.status = 401
    done = cls("run", "project.json", "--until-idle")
    assert done.returncode == 0
    assert "error: " in done.stderr
    rows = listed(cls)
    assert [row["state"] for row in rows] == ["dead", "dead"]
    assert "answered 401" in rows[0]["lastError"]
    still = cls("redrive", "project.json")
    assert still.returncode == 1
    assert "2 events could not be sent" in still.stderr
    hook.status = 200
    sent = cls("redrive", "project.json")
    assert (sent.returncode, sent.stdout.count("was announced")) == (0, 2), sent.stderr
    assert (len(hook.ids), listed(cls)) == (2, [])
    assert cls("redrive", "project.json").stdout == "p/hook: nothing was given up\n"


def test_a_command_that_fails_is_asked_again_with_the_same_event(project: Path, cls: Any) -> None:
    declare(project, TELL)
    assert cls("run", "project.json", "--until-idle").returncode == 0
    assert not (project.parent / "told").exists()
    (project.parent / "up").touch()
    deadline = time.monotonic() + 60
    while listed(cls) and time.monotonic() < deadline:
        assert cls("run", "project.json", "--until-idle").returncode == 0
    told = (project.parent / "told").read_text().split()
    assert set(told[::2]) == {"a", "b"}


def test_the_list_may_be_narrowed(project: Path, cls: Any, hook: Hook) -> None:
    hook.status = 401
    declare(project, hook.declared, TELL)
    cls("run", "project.json", "--until-idle")
    assert {row["notifier"] for row in listed(cls)} == {"hook", "tell"}
    table = cls("redrive", "project.json", "--list", "--notifier", "hook").stdout
    assert "hook" in table
    assert "tell" not in table
    assert "hook" not in cls("redrive", "project.json", "--list", "--project", "other").stdout
    assert "hook" in cls("redrive", "project.json", "--list", "--project", "p:1").stdout


def test_letters_of_a_notifier_that_is_declared_no_more_are_still_listed(project: Path, cls: Any, hook: Hook) -> None:
    hook.status = 401
    declare(project, hook.declared)
    cls("run", "project.json", "--until-idle")
    declare(project)
    assert {row["notifier"] for row in listed(cls)} == {"hook"}


def test_no_secret_is_anywhere_in_what_is_kept_or_told(project: Path, cls: Any, hook: Hook) -> None:
    hook.status = 401
    declare(project, {**hook.declared, "headersEnv": {"Authorization": "HOOK_TOKEN"}})
    done = cls("-vv", "run", "project.json", "--until-idle", HOOK_TOKEN="Bearer tea-and-cake")
    kept = b"".join(path.read_bytes() for path in (project.parent / ".clusterless").rglob("*") if path.is_file())
    for secret in ("tea-and-cake", SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in kept


def test_a_secret_that_is_not_set_is_a_warning_at_verify_and_an_error_at_run(
    project: Path, cls: Any, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(project, hook.declared)
    monkeypatch.delenv("HOOK_SECRET")
    verified = cls("verify", "project.json")
    assert (verified.returncode, "warning: project.json: $.notifiers[0]" in verified.stderr) == (0, True)
    assert "HOOK_SECRET is not set here" in verified.stderr
    ran = cls("run", "project.json", "--until-idle")
    assert (ran.returncode, "error[variable-unset]" in ran.stderr) == (2, True)
    assert ran.stderr.count("HOOK_SECRET, which is not set") == 1
    assert "warning" not in ran.stderr
    assert not list((project.parent / "data").rglob("b/*"))


def test_an_excluded_notifier_needs_nothing(project: Path, cls: Any, hook: Hook) -> None:
    declare(project, {**hook.declared, "secretEnv": ["NOT_SET"], "exclude": True})
    assert "nothing is wrong" in cls("verify", "project.json").stdout
    assert cls("run", "project.json", "--until-idle").returncode == 0


def test_a_dataset_that_the_project_does_not_write_is_an_error_at_verify(project: Path, cls: Any) -> None:
    declare(project, {**TELL, "datasets": [{"name": "a", "version": "1"}, {"name": "a", "version": "2"}]})
    done = cls("verify", "project.json")
    assert done.returncode == 2
    assert "$.notifiers[0].datasets[1]" in done.stderr
    assert "it writes a/1, b/1" in done.stderr


def test_of_one_dataset_only_its_lots_are_announced(project: Path, cls: Any, hook: Hook) -> None:
    declare(project, {**hook.declared, "datasets": [{"name": "b", "version": "1"}]})
    assert cls("run", "project.json", "--until-idle").returncode == 0
    assert [each.split("/")[0] for each in hook.ids] == ["b"]
