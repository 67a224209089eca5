"""`cls policy`, as a process and on a provider that has policies."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clusterless.builtin.folder_provider import FolderProvider
from clusterless.cli.app import main
from clusterless.model.placement import Placement, bootstrap_command
from clusterless.model.project import Deployable

Cls = Callable[..., "subprocess.CompletedProcess[str]"]


def declared(folder: Path, name: str, provider: str = "local") -> str:
    arc = {
        "type": "cls:core:copyArc",
        "name": "copy",
        "sources": {"main": {"name": "a", "version": "1", "placement": {"provider": "local", "stage": "other"}}},
        "sinks": {"main": {"name": "b", "version": "1", "pathURI": "out/"}},
    }
    file = folder / f"{name}.json"
    project = {"project": {"name": name, "version": "1"}, "placement": {"provider": provider}, "arcs": [arc]}
    file.write_text(json.dumps(project))
    return str(file)


def test_a_provider_without_policies_says_so(cls: Cls, tmp_path: Path) -> None:
    done = cls("policy", declared(tmp_path, "p"))
    assert done.returncode == 2
    assert "error[not-installed]: provider local has no policies" in done.stderr
    assert "read and write its stores" in done.stderr


def test_the_policy_of_all_files_is_printed_and_their_placements_are_completed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def policy(_: object, deployables: Sequence[Deployable]) -> Any:
        sources = [each.arcs[0].sources["main"].placement for each in deployables]
        return [[each.placement.id, source.id] for each, source in zip(deployables, sources, strict=True) if source]

    monkeypatch.setattr(FolderProvider, "policy", policy, raising=False)
    done = CliRunner().invoke(main, ["policy", declared(tmp_path, "p"), declared(tmp_path, "q")])
    assert json.loads(done.stdout) == [["local:null:local:here", "local:other:local:here"]] * 2


def test_files_of_several_providers_are_told_of_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def policy(_: object, deployables: Sequence[Deployable]) -> Any:
        return [each.placement.provider for each in deployables]

    monkeypatch.setattr(FolderProvider, "policy", policy, raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "my-project")
    monkeypatch.setenv("GOOGLE_CLOUD_REGION", "europe-west1")
    files = [declared(tmp_path, "p"), declared(tmp_path, "q", "gcp")]
    both = CliRunner().invoke(main, ["policy", *files])
    assert both.exit_code == 2
    assert "gcp and local" in both.output
    assert "use --provider" in both.output
    assert json.loads(CliRunner().invoke(main, ["policy", *files, "--provider", "local"]).stdout) == ["local", "gcp"]
    one = CliRunner().invoke(main, ["policy", files[1]])
    assert "local is asked too: --provider local tells what it must allow" in one.stderr


def test_what_to_type_for_a_placement_names_all_that_is_known_of_it() -> None:
    whole = Placement(provider="aws", stage="dev", account="123456789012", region="us-west-2")
    assert (
        bootstrap_command(whole) == "cls bootstrap --provider aws --stage dev --account 123456789012 --region us-west-2"
    )
    assert bootstrap_command(Placement(provider="local")) == "cls bootstrap --provider local"
