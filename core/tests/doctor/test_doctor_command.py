"""`cls doctor`, in real processes, against good stores and against stores that are weak on purpose."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clusterless.cli.app import main

WEAK = '''
"""Stores of files, each with one weakness, by the scheme of its URI."""
import time
from clusterless.errors import ObjectExistsError, ObjectMissingError
from clusterless.hookspecs import hookimpl
from clusterless.provider import StoreScheme
from clusterless.store.files import FileStore

class Weak(FileStore):
    scheme = ""
    def __init__(self, root):
        super().__init__("file://" + root.partition("://")[2])
        self.root = root
        self.kept = {}

class Checks(Weak):
    """Looks, and then writes."""
    scheme = "looks-first"
    def create(self, key, body):
        try:
            self.head(key)
        except ObjectMissingError:
            self.put(key, body)
        else:
            raise ObjectExistsError(key)

class Denies(Weak):
    """Tells every creator that it lost."""
    scheme = "denies"
    def create(self, key, body):
        super().create(key, body)
        raise ObjectExistsError(key)

class Swaps(Weak):
    """Lets one win, and keeps what another wrote."""
    scheme = "swaps"
    def create(self, key, body):
        super().create(key, b"someone")

class StaleLists(Weak):
    """Remembers what it has listed."""
    scheme = "stale-lists"
    def list(self, prefix="", after=""):
        if (prefix, after) not in self.kept:
            self.kept[prefix, after] = list(super().list(prefix, after))
        return iter(self.kept[prefix, after])

class StaleReads(Weak):
    """Remembers what it has read."""
    scheme = "stale-reads"
    def get(self, key):
        if "/read/" not in key:
            return super().get(key)
        if key not in self.kept:
            self.kept[key] = super().get(key)
        return self.kept[key]

class Ghosts(Weak):
    """Lists what was deleted."""
    scheme = "ghosts"
    def delete(self, key):
        if "/list/" not in key:
            super().delete(key)
        self.kept.setdefault(key, 0)

class Unordered(Weak):
    """Lists in any order."""
    scheme = "unordered"
    def list(self, prefix="", after=""):
        return iter(sorted(super().list(prefix, after), key=lambda info: info.key.lower()))

class FromTheStart(Weak):
    """Lists from the start, whatever is asked."""
    scheme = "from-the-start"
    def list(self, prefix="", after=""):
        return super().list(prefix)

class Slow(Weak):
    """Shows others what was written after a while."""
    scheme = "slow"
    def get(self, key):
        written = super().get(key)
        if "shared" in key and time.time() - self.head(key).time.timestamp() < 0.5:
            raise ObjectMissingError(key)
        return written

def opening(kind):
    return lambda: lambda root, _: kind(root)

@hookimpl
def cls_stores():
    kinds = Weak.__subclasses__()
    return [StoreScheme(scheme=kind.scheme, summary="weak", load=opening(kind)) for kind in kinds]
'''


@pytest.fixture
def doctor(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``cls doctor`` with the weak stores installed."""
    folder = tmp_path / "site"
    info = folder / "cls_weak-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "weak_stores.py").write_text(WEAK)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cls-weak\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[clusterless]\nweak = weak_stores\n")
    clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "CLS_LOCAL_ROOT"}}

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "clusterless.cli", "doctor", "--output", "json", *arguments],
            env={**clean, "PYTHONPATH": str(folder), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def results(ran: subprocess.CompletedProcess[str], subject: str = "") -> dict[str, Any]:
    checks = json.loads(ran.stdout)
    assert all(list(check) == ["subject", "check", "result", "detail"] for check in checks)
    return {check["check"]: check["result"] for check in checks if check["subject"].startswith(subject)}


def files(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file()]


def test_files_are_fit_and_nothing_is_left(doctor: Any, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/mine").touch()
    ran = doctor(f"file://{tmp_path}/store")
    assert ran.returncode == 0, ran.stderr
    found = results(ran, "file:")
    assert set(found) == {
        "disk", "clock", "shared", "one creator wins", "read after write", "list after write", "order of a list",
    }  # fmt: skip
    assert set(found.values()) == {"ok"}
    assert files(tmp_path / "store") == [f"{tmp_path}/store/mine"]


def test_memory_is_raced_by_threads_and_shared_by_no_processes(doctor: Any) -> None:
    ran = doctor("memory://here/")
    assert ran.returncode == 0, ran.stderr
    found = results(ran, "memory:")
    assert found.pop("shared") == "note"
    assert set(found.values()) == {"ok"}


@pytest.mark.parametrize(
    ("scheme", "check", "evidence"),
    [
        ("looks-first", "one creator wins", r"all won cls-doctor/\w+/race/\d{3}, which holds what .* wrote"),
        ("denies", "one creator wins", "round 1: nobody won cls-doctor/"),
        ("swaps", "one creator wins", "which holds what someone wrote"),
        ("stale-reads", "read after write", r"/read/000 was overwritten, and here read '1', not '2'"),
        ("stale-lists", "list after write", r"/list/000 was created, and here then listed nothing below"),
        ("ghosts", "list after write", r"/list/000 was deleted, and here then listed 20 \(000, 001"),
        ("unordered", "order of a list", r"listed 11 \(a-b/x, .*\) below .*/order/, not 11 \(Z, a-b/x"),
        ("from-the-start", "order of a list", r"listed 11 .* below cls-doctor/\w+/order/ after .*, not "),
        ("slow", "shared", r"seen by other processes only at look \d, 0.\d s after"),
    ],
)
def test_a_weak_store_is_refused_with_the_evidence(
    doctor: Any, tmp_path: Path, scheme: str, check: str, evidence: str
) -> None:
    ran = doctor(f"{scheme}://{tmp_path}/store/")
    assert ran.returncode == 1
    assert results(ran, f"{scheme}:")[check] == "failed", ran.stdout
    assert ran.stderr.startswith("error[unfit]: not fit to run on: ")
    assert re.search(evidence, ran.stderr), ran.stderr
    assert scheme == "ghosts" or files(tmp_path / "store") == []


def test_a_store_that_says_no_is_a_finding(doctor: Any, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/cls-doctor").touch()
    ran = doctor(f"file://{tmp_path}/store/")
    assert ran.returncode == 1
    assert results(ran, "file:")["reach"] == "failed"
    assert "Not a directory" in ran.stderr


def test_the_stores_of_a_project_are_looked_at(doctor: Any, tmp_path: Path) -> None:
    project = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local", "stage": "dev"}}
    (tmp_path / "project.json").write_text(json.dumps(project))
    ran = doctor("-p", "project.json")
    assert ran.returncode == 0, ran.stderr
    stores = {check["subject"].rsplit("/", 2)[1] for check in json.loads(ran.stdout) if "file:" in check["subject"]}
    assert stores == {f"dev-clusterless-{kind}-local-here" for kind in ("metadata", "arc-state", "manifest")}
    assert files(tmp_path / ".clusterless") == []


def test_the_environment_is_looked_at(doctor: Any) -> None:
    ran = doctor()
    assert ran.returncode == 0, ran.stderr
    found = results(ran, "environment")
    assert {"python", "platform", "clusterless", "attrs", "temporary files"} <= set(found)
    assert results(ran, "plugins")["local"] == "ok"


def test_people_read_it_by_subject(doctor: Any, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    shown = doctor("--output", "table", f"file://{tmp_path}/store").stdout
    environment, _, store = shown.partition(f"file://{tmp_path}/store/\n")
    assert environment.startswith("environment\n  ok      python: 3.")
    assert "\nplugins\n  ok      " in environment
    assert "  ok      one creator wins: 100 races, of 9 each\n" in store


def test_a_broken_plugin_is_a_finding(doctor: Any, tmp_path: Path) -> None:
    (tmp_path / "site/weak_stores.py").write_text("import nothing_of_that_name")
    ran = doctor()
    assert ran.returncode == 1
    assert results(ran, "plugins")["weak"] == "failed"
    assert "nothing_of_that_name" in ran.stderr


def test_no_room_for_temporary_files_is_a_finding(doctor: Any, tmp_path: Path) -> None:
    """Python takes the first folder that it can write to: here none of those it tries."""
    probe = (
        "import tempfile, sys; tempfile._candidate_tempdir_list = lambda: ['/nowhere']; "
        "from clusterless.doctor.environment import environment; "
        "print([check.detail for check in environment() if check.result.value == 'failed'])"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "name a folder in TMPDIR" in ran.stdout


def test_a_scheme_that_nobody_offers(doctor: Any) -> None:
    ran = doctor("nimbus://bucket/")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "pip install cls-nimbus" in ran.stderr


@pytest.mark.parametrize("spelled", ["{0}/none", "file://{0}/none"])
def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path, spelled: str) -> None:
    told = CliRunner().invoke(main, ["doctor", spelled.format(tmp_path)])
    assert told.exit_code == 74
    assert "there is no such folder" in told.stderr
    assert not (tmp_path / "none").exists()


def test_a_project_file_is_named_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("{}")
    told = CliRunner().invoke(main, ["doctor", str(tmp_path / "p.json")])
    assert f"cls doctor -p {tmp_path}/p.json" in told.stderr


def test_where_no_store_is_named_it_is_said_that_none_was_tried() -> None:
    assert "no store was tried" in CliRunner().invoke(main, ["doctor"]).stderr


def test_a_folder_is_a_store_by_its_path(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["doctor", str(tmp_path)])
    assert told.exit_code == 0, told.stderr
    assert f"{tmp_path.as_uri()}/\n" in told.stdout
    assert list(tmp_path.rglob("*.*")) == []
