"""What is told of a placement that is not there, or of a service that gives no answer, before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clusterless.builtin.folder_provider import FolderProvider
from clusterless.deploy.check import check
from clusterless.deploy.read import Declared, read_projects
from clusterless.deploy.resolve import resolve
from clusterless.errors import ClsError, PlaceMissingError, StoreBusyError, StoreRefusedError, StoreUnavailableError
from clusterless.model.placement import Placement
from clusterless.plugins import find_plugins
from clusterless.store.retrying import RetryingStore


@pytest.fixture
def declared(tmp_path: Path) -> tuple[Declared, ...]:
    dataset = {"name": "a", "version": "1", "pathURI": "data/a/"}
    boundary = {"type": "local:core:putListenerBoundary", "name": "in", "dataset": dataset, "lotUnit": "Hours"}
    project = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}, "boundaries": [boundary]}
    file = tmp_path / "p.json"
    file.write_text(json.dumps(project))
    plugins = find_plugins()
    return read_projects([file], plugins.components(), plugins.project_formats())


def findings(declared: tuple[Declared, ...], monkeypatch: pytest.MonkeyPatch, error: ClsError) -> list[str]:
    """What is found where each look at a record ends with *error*."""

    def get(_: RetryingStore, __: str) -> bytes:
        raise error

    monkeypatch.setattr(RetryingStore, "get", get)
    return [str(finding) for finding in check(declared, find_plugins())]


def says(monkeypatch: pytest.MonkeyPatch, answer: str | ClsError) -> None:
    """Have the provider say whom it asks."""

    class Told(FolderProvider):
        def asked(self, placement: Placement) -> str:
            assert placement.provider == "local"
            if isinstance(answer, ClsError):
                raise answer
            return answer

    monkeypatch.setitem(find_plugins()._loaded, "local", Told())


@pytest.mark.parametrize("error", [StoreBusyError("slow down"), StoreUnavailableError("down")])
def test_no_answer_says_nothing_of_what_is_declared(
    declared: tuple[Declared, ...], monkeypatch: pytest.MonkeyPatch, error: ClsError
) -> None:
    with pytest.raises(type(error)) as raised:
        findings(declared, monkeypatch, error)
    assert raised.value is error


def test_a_placement_that_is_not_there_is_told_with_whom_was_asked(
    declared: tuple[Declared, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, "account 7 was asked, as me")
    [found] = findings(declared, monkeypatch, PlaceMissingError("no bucket"))
    assert ": $.placement: the placement local:" in found
    assert "is not bootstrapped: there is no " in found
    assert "; account 7 was asked, as me; cls bootstrap --provider local" in found


def test_who_asks_in_vain_is_told(declared: tuple[Declared, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "account 7 was asked, as me")
    [found] = findings(declared, monkeypatch, StoreRefusedError("denied", hint="look"))
    assert found.endswith("denied; account 7 was asked, as me; look")


def test_that_another_was_asked_than_is_meant_is_all_that_is_told(
    declared: tuple[Declared, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, StoreRefusedError("these are of account 7", hint="choose a profile"))
    [found] = findings(declared, monkeypatch, PlaceMissingError("no bucket"))
    assert found.endswith("these are of account 7; choose a profile")
    assert "bootstrap" not in found


@pytest.mark.parametrize("answer", [None, StoreUnavailableError("down")])
def test_a_provider_need_not_know_whom_it_asks(
    declared: tuple[Declared, ...], monkeypatch: pytest.MonkeyPatch, answer: ClsError | None
) -> None:
    if answer:
        says(monkeypatch, answer)
    [found] = findings(declared, monkeypatch, PlaceMissingError("no bucket"))
    assert "is not bootstrapped" in found


@pytest.mark.parametrize("error", [PlaceMissingError("no bucket"), StoreRefusedError("denied", hint="look")])
def test_a_run_that_is_refused_does_not_blame_the_files(
    declared: tuple[Declared, ...], monkeypatch: pytest.MonkeyPatch, error: ClsError
) -> None:
    assert findings(declared, monkeypatch, error)
    with pytest.raises(type(error)) as raised:
        resolve(declared, find_plugins())
    assert "p.json: $." in raised.value.problem
    assert raised.value.hint
