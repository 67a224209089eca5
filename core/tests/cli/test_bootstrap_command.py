"""`cls bootstrap`, `cls placements` and `cls projects`, as real processes on the local provider."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from clusterless.cli import placements
from clusterless.cli.app import Session
from clusterless.errors import StoreRefusedError
from clusterless.model.placement import Placement
from clusterless.provider import ProviderEntry

Cls = Callable[..., "subprocess.CompletedProcess[str]"]

STORES = [f"clusterless-{kind}-local-here" for kind in ("arc-state", "manifest", "metadata")]


def made(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".clusterless").glob("*"))


def ask(folder: Path, answer: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """`cls` with a terminal to be asked on, and what is answered there."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    command = [sys.executable, "-m", "clusterless.cli", "bootstrap", *arguments]
    ended = subprocess.run(command, stdin=theirs, capture_output=True, cwd=folder, check=False, timeout=60)
    os.close(ours)
    os.close(theirs)
    return ended


def test_the_three_stores_are_made_and_recorded(cls: Cls, tmp_path: Path) -> None:
    done = cls("bootstrap", "--approve")
    assert done.returncode == 0
    assert done.stdout.count("  create  file://") == 3
    assert done.stdout.endswith("local:null:local:here is bootstrapped\n")
    assert made(tmp_path) == STORES
    recorded = json.loads((tmp_path / ".clusterless/clusterless-metadata-local-here/metadata.json").read_bytes())
    assert list(recorded) == ["createDateTime", "exports", "version", "placement"]
    assert recorded["exports"]["arcState"] == {"name": "clusterless-arc-state-local-here"}
    assert recorded["version"] == "1"


def test_again_changes_nothing(cls: Cls, tmp_path: Path) -> None:
    cls("bootstrap", "--yes")
    file = tmp_path / ".clusterless/clusterless-metadata-local-here/metadata.json"
    before = file.stat().st_mtime_ns
    again = cls("bootstrap")  # nothing to ask about
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "local:null:local:here is bootstrapped already")
    assert file.stat().st_mtime_ns == before


def test_what_is_missing_is_made_and_the_first_time_kept(cls: Cls, tmp_path: Path) -> None:
    cls("bootstrap", "--approve")
    file = tmp_path / ".clusterless/clusterless-metadata-local-here/metadata.json"
    since = json.loads(file.read_bytes())["createDateTime"]
    (tmp_path / ".clusterless/clusterless-manifest-local-here").rmdir()
    assert cls("bootstrap", "--approve").stdout.count("create") == 1
    assert made(tmp_path) == STORES
    assert json.loads(file.read_bytes())["createDateTime"] == since


def test_nothing_is_done_without_being_asked_for(cls: Cls, tmp_path: Path) -> None:
    shown = cls("bootstrap", "--dry-run")
    assert (shown.returncode, shown.stdout.count("create")) == (0, 3)
    unasked = cls("bootstrap")
    assert unasked.returncode == 2
    assert "no terminal to ask on: give --approve" in unasked.stderr
    assert cls("bootstrap", "--with-data").returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_a_person_is_asked(tmp_path: Path, answer: bytes, code: int) -> None:
    ended = ask(tmp_path, answer, "--stage", "dev")
    assert ended.returncode == code, ended
    assert b"Make this? [y/N]" in ended.stderr
    assert (tmp_path / ".clusterless").exists() == (code == 0)
    assert (b"nothing was done" in ended.stdout) == (code == 1)


def test_what_holds_nothing_is_removed(cls: Cls, tmp_path: Path) -> None:
    cls("bootstrap", "--approve")
    done = cls("bootstrap", "--destroy", "--approve")
    assert done.stdout.count("  remove  ") == 3
    assert done.stdout.endswith("is removed\n")
    assert not (tmp_path / ".clusterless").exists()
    assert cls("bootstrap", "--destroy").stdout == "local:null:local:here is not bootstrapped\n"


def test_data_is_kept_unless_it_is_named(cls: Cls, project: Path, tmp_path: Path) -> None:
    cls("bootstrap", "--approve")
    assert cls("run", str(project), "--until-idle").returncode == 0
    kept = cls("bootstrap", "--destroy", "--approve")
    assert "clusterless-metadata-local-here/  (it holds data)" in kept.stdout
    assert "projects that are still known there: p/1" in kept.stdout
    assert kept.stdout.endswith("is no longer bootstrapped; its data is kept\n")
    assert [each["account"] for each in listed(cls, "placements")] == ["local"], "something was run there"
    assert cls("projects", "--output", "tsv").stdout.endswith("local\t\tlocal\there\tp\t1\n")
    shown = cls("bootstrap", "--destroy", "--with-data", "--dry-run").stdout
    assert "(with all that it holds)" in shown
    assert "projects that are lost with it: p/1" in shown
    cls("bootstrap", "--destroy", "--with-data", "--approve")
    assert not (tmp_path / ".clusterless").exists()


def test_the_setting_has_data_go_too_and_says_so_first(cls: Cls, tmp_path: Path, project: Path) -> None:
    """Only with --destroy."""
    (tmp_path / ".clsconfig").write_text("resource.removeAllOnDestroy = true\n")
    assert cls("bootstrap", "--approve").returncode == 0
    assert cls("run", str(project), "--until-idle").returncode == 0
    assert "(with all that it holds)" in cls("bootstrap", "--destroy", "--dry-run").stdout
    assert cls("bootstrap", "--destroy", "--approve").returncode == 0
    assert not (tmp_path / ".clusterless").exists()


def test_the_data_of_another_placement_stays(cls: Cls, tmp_path: Path) -> None:
    for stage in ("dev", "prod"):
        cls("bootstrap", "--stage", stage, "--approve")
    cls("bootstrap", "--stage", "dev", "--destroy", "--with-data", "--approve")
    assert made(tmp_path) == [f"prod-{name}" for name in STORES]


class Silent:
    """The bootstrap of a provider whose account nobody has."""

    def placements(self, _base: Path) -> list[Placement]:
        msg = "there are no credentials"
        raise StoreRefusedError(msg, hint="get some")


class Known:
    def placements(self, _base: Path) -> list[Placement]:
        return [Placement(provider="near", account="a", region="r")]


def test_a_provider_that_cannot_be_asked_is_named_and_fails_only_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {
        name: ProviderEntry(name=name, summary="", load=Silent, bootstrap=bootstrap)  # type: ignore[arg-type]
        for name, bootstrap in (("far", Silent), ("near", Known))
    }
    monkeypatch.setattr(placements, "find_plugins", lambda: SimpleNamespace(providers=lambda: entries))
    shown = CliRunner().invoke(placements.placements, ["--output", "csv"], obj=Session())
    assert (shown.exit_code, shown.stdout) == (0, "provider,stage,account,region\nnear,,a,r\n")
    assert shown.stderr == "left out: those of far: there are no credentials\n"
    alone = CliRunner().invoke(placements.placements, ["--provider", "far"], obj=Session())
    assert isinstance(alone.exception, StoreRefusedError)


def test_a_link_is_not_followed(cls: Cls, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (tmp_path / ".clusterless").mkdir()
    (tmp_path / ".clusterless/clusterless-manifest-local-here").symlink_to(tmp_path / "precious")
    for arguments in (["--approve"], ["--destroy", "--with-data", "--approve"]):
        refused = cls("bootstrap", *arguments)
        assert refused.returncode == 74
        assert "is a link" in refused.stderr
    assert (tmp_path / "precious/file").exists()


def test_a_file_in_the_way_is_named(cls: Cls, tmp_path: Path) -> None:
    (tmp_path / ".clusterless").mkdir()
    (tmp_path / ".clusterless/clusterless-manifest-local-here").touch()
    refused = cls("bootstrap", "--approve")
    assert refused.returncode == 74
    assert "clusterless-manifest-local-here is not a folder" in refused.stderr


def test_what_another_version_made_is_left_alone(cls: Cls, tmp_path: Path) -> None:
    cls("bootstrap", "--approve")
    file = tmp_path / ".clusterless/clusterless-metadata-local-here/metadata.json"
    file.write_text(file.read_text().replace('"version":"1"', '"version":"2"'))
    for arguments in (["--approve"], ["--destroy", "--with-data", "--approve"]):
        refused = cls("bootstrap", *arguments)
        assert refused.returncode == 2
        assert "is of bootstrap version '2', and this is '1'" in refused.stderr
    assert made(tmp_path) == STORES


def test_a_provider_with_nothing_to_make_says_so(cls: Cls, tmp_path: Path) -> None:
    source = (
        "from clusterless.hookspecs import hookimpl\nfrom clusterless.provider import ProviderEntry\n@hookimpl\n"
        "def cls_providers():\n    return [ProviderEntry(name='moon', summary='far', load=dict)]\n"
    )
    (tmp_path / "plugin_moon.py").write_text(source)
    info = tmp_path / "cls_moon-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cls-moon\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[clusterless]\nmoon = plugin_moon\n")
    refused = cls("bootstrap", "--provider", "moon", "--approve", PYTHONPATH=str(tmp_path))
    assert refused.returncode == 2
    assert "moon cannot be bootstrapped: its placements need nothing to be made beforehand" in refused.stderr
    unheard = cls("bootstrap", "--provider", "venus", "--approve")
    assert "pip install cls-venus" in unheard.stderr


# ---- placements and projects -----------------------------------------------------------------------------------


def listed(cls: Cls, *arguments: str) -> list[dict[str, object]]:
    shown = cls(*arguments, "--output", "json")
    assert shown.returncode == 0, shown.stderr
    found: list[dict[str, object]] = json.loads(shown.stdout)
    return found


def test_placements_are_listed_as_they_were_named(cls: Cls) -> None:
    assert listed(cls, "placements") == []
    cls("bootstrap", "--approve")
    cls("bootstrap", "--stage", "Dev", "--account", "a-b", "--region", "c-d", "--approve")
    dev = {"provider": "local", "stage": "Dev", "account": "a-b", "region": "c-d"}
    plain = {"provider": "local", "stage": None, "account": "local", "region": "here"}
    assert listed(cls, "placements") == [dev, plain]
    assert listed(cls, "placements", "--stage=") == listed(cls, "placements", "--region", "here") == [plain]
    assert listed(cls, "placements", "--stage", "Dev") == listed(cls, "placements", "--account", "a-b") == [dev]
    assert listed(cls, "placements", "--provider", "nobody") == []
    assert cls("placements", "--output", "csv").stdout.splitlines()[0] == "provider,stage,account,region"


def test_placements_of_the_reference_system_are_listed(cls: Cls, tmp_path: Path) -> None:
    """Its metadata.json does not tell the placement: the store's name does."""
    folder = tmp_path / ".clusterless/dev-clusterless-metadata-123-us-west-2"
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text('{"createDateTime":"2024-01-01T00:00:00Z","exports":{},"version":"1"}')
    assert listed(cls, "placements") == [{"provider": "local", "stage": "dev", "account": "123", "region": "us-west-2"}]


def test_a_broken_record_is_named_after_what_can_be_shown(cls: Cls, tmp_path: Path) -> None:
    cls("bootstrap", "--approve")
    folder = tmp_path / ".clusterless/zoo-clusterless-metadata-local-here"
    folder.mkdir()
    (folder / "metadata.json").write_text("{")
    shown = cls("placements")
    assert "local     -      local    here" in shown.stdout
    assert shown.returncode == 2
    assert "zoo-clusterless-metadata-local-here/metadata.json" in shown.stderr


def test_projects_are_listed_and_filtered(cls: Cls, project: Path) -> None:
    text = project.read_text()
    for version in ("1", "2"):
        project.write_text(text.replace('"name": "p", "version": "1"', f'"name": "p", "version": "{version}"'))
        assert cls("run", str(project), "--until-idle", CLS_LOCAL_ROOT=f"root{version}").returncode == 0
    place = {"provider": "local", "stage": None, "account": "local", "region": "here"}
    shown = cls("projects", "--output", "json", CLS_LOCAL_ROOT="root1").stdout
    assert json.loads(shown) == [{"placement": place, "project": {"name": "p", "version": "1"}}]
    assert listed(cls, "projects", "-p", str(project)) == [
        {"placement": place, "project": {"name": "p", "version": "2"}}
    ]
    assert cls("projects", "-p", str(project), "--project", "p:1").returncode == 2


def test_more_projects_than_a_page_holds(cls: Cls, tmp_path: Path) -> None:
    root = tmp_path / ".clusterless/clusterless-metadata-local-here/projects"
    for number in range(1100):
        folder = root / f"name=p{number:04}/version=1"
        folder.mkdir(parents=True)
        (folder / "project.json").write_text("{}")
    (root / "name=p0000/stray.json").write_text("{}")
    assert len(listed(cls, "projects")) == 1100
    assert len(listed(cls, "projects", "--project", "p1099")) == 1


def test_where_nothing_is_there_it_is_said_what_that_means(cls: Cls) -> None:
    assert "no placement is bootstrapped" in cls("placements").stderr
    assert "nothing was ever run in local local here: file://" in cls("projects").stderr
    assert cls("bootstrap", "--approve").returncode == 0
    assert "no project was run or deployed here yet" in cls("projects").stderr


def test_where_all_is_there_but_the_record_it_is_said_so(cls: Cls, tmp_path: Path) -> None:
    assert cls("bootstrap", "--approve").returncode == 0
    (tmp_path / ".clusterless/clusterless-metadata-local-here/metadata.json").unlink()
    assert "only that it is bootstrapped is still to be noted" in cls("bootstrap", "--dry-run").stdout
