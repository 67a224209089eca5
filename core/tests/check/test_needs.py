"""What a check says of programs, modules, secrets, datasets and stores that are not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusterless.deploy.check import check
from clusterless.deploy.read import read_projects
from clusterless.engine.findings import Severity
from clusterless.plugins import find_plugins

Check = Callable[..., list[tuple[Severity, str]]]
BOUNDARY = {
    "type": "local:core:putListenerBoundary",
    "name": "in",
    "lotUnit": "Hours",
    "dataset": {"name": "a", "version": "1", "pathURI": "data/a/"},
}


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setenv("CLS_LOCAL_ROOT", str(tmp_path / "root"))

    def checked_(**elements: Any) -> list[tuple[Severity, str]]:
        declared = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}}
        file = tmp_path / "p.json"
        file.write_text(json.dumps({**declared, "boundaries": [BOUNDARY], **elements}))
        plugins = find_plugins()
        found = check(read_projects([file], plugins.components(), plugins.project_formats()), plugins)
        return [(each.severity, f"{each.path}: {each.text}; {each.remedy}") for each in found]

    return checked_


def arc(type_: str, uri: str = "data/b/", **workload: Any) -> dict[str, Any]:
    return {
        "type": f"cls:core:{type_}",
        "name": "work",
        "sources": {"main": {"name": "a", "version": "1"}},
        "sinks": {"main": {"name": "b", "version": "1", "pathURI": uri}},
        "workload": workload,
    }


def test_a_location_that_no_store_opens_is_an_error_naming_those_that_do(checked: Check) -> None:
    egress = {"type": "cls:core:copyEgressBoundary", "name": "out", "pathURI": "gopher://x/y/"}
    egress["sources"] = {"main": {"name": "a", "version": "1"}}  # type: ignore[assignment]
    found = checked(arcs=[arc("copyArc", "venus://bucket/b/")], boundaries=[BOUNDARY, egress])
    assert [severity for severity, _ in found] == [Severity.ERROR] * 2
    for (_, text), path, scheme in zip(
        found, ("arcs[0].sinks.main", "boundaries[1]"), ("venus", "gopher"), strict=True
    ):
        assert text.startswith(f"$.{path}.pathURI: {scheme}://")
        assert "installed: " in text
        assert "file" in text
        assert text.endswith(f"pip install cls-{scheme}")


@pytest.mark.parametrize("of", ["a", "nothing"])
def test_only_what_the_project_writes_can_be_retained(checked: Check, of: str) -> None:
    dataset = {"name": of, "version": "1"}
    retention = {"type": "cls:core:retentionActivity", "name": "keep", "interval": "Days", "age": "1d"}
    found = checked(activities=[{**retention, "dataset": dataset}])
    wrong = (Severity.ERROR, "$.activities[0].dataset: the project does not write nothing/1; it writes a/1")
    assert found == ([] if of == "a" else [wrong])


@pytest.mark.parametrize(
    ("command", "is_there"),
    [("sh", True), ("./own.sh", True), ("own.sh", False), ("./plain.txt", False), ("no-such-program", False)],
)
def test_a_program_that_is_not_found_is_a_warning(
    checked: Check, tmp_path: Path, command: str, *, is_there: bool
) -> None:
    for name, mode in (("own.sh", 0o755), ("plain.txt", 0o644)):
        (tmp_path / name).touch(mode)
    notifier = {"type": "cls:core:execNotifier", "name": "tell", "command": [command]}
    activity = {"type": "cls:core:execActivity", "name": "chore", "interval": "Hours"}
    found = checked(
        arcs=[arc("execArc", command=[command])],
        activities=[{**activity, "workload": {"command": [command]}}],
        notifiers=[notifier],
    )
    warned = [text.partition(":")[0] for severity, text in found if severity is Severity.WARNING]
    assert warned == ([] if is_there else ["$.arcs[0]", "$.activities[0]", "$.notifiers[0]"])
    assert all(f"the program {command} is not found" in text for _, text in found)


def test_a_program_is_looked_for_on_the_path_it_is_given(checked: Check, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/own").touch(0o755)
    environment = {"PATH": str(tmp_path / "bin")}
    assert not checked(arcs=[arc("execArc", command=["own"], environment=environment)])
    assert checked(arcs=[arc("execArc", command=["sh"], environment=environment)])


@pytest.mark.parametrize(
    ("function", "is_there"),
    [("own:f", True), ("pack.own:f", True), ("pack.none:f", False), ("none:f", False), ("own.none:f", False),
     ("json.decoder:scanstring", True), ("sys:f", True)],
)  # fmt: skip
def test_a_module_that_is_not_found_is_a_warning_and_none_is_imported(
    checked: Check, tmp_path: Path, function: str, *, is_there: bool
) -> None:
    (tmp_path / "code/pack").mkdir(parents=True)
    for name in ("own.py", "pack/__init__.py", "pack/own.py"):
        (tmp_path / "code" / name).write_text("raise SystemExit('imported')\ndef f(lot): ...")
    settings: dict[str, Any] = {"function": function, "pythonPath": ["code"]}
    activity = {"type": "cls:core:pythonActivity", "name": "chore", "interval": "Hours", "workload": settings}
    found = checked(arcs=[arc("pythonArc", **settings)], activities=[activity])
    assert [severity for severity, _ in found] == ([] if is_there else [Severity.WARNING] * 2)
    assert all(f"the module {function[:-2]} is not found" in text and "in code (from " in text for _, text in found)


@pytest.mark.parametrize(
    ("code", "is_there"),
    [
        ("def work(lot): ...", True), ("async def work(lot): ...", True), ("class work: ...", True),
        ("work = print", True), ("work: object = print", True), ("(work, other) = 1, 2", True),
        ("if print():\n  def work(lot): ...", True), ("try:\n  import work\nexcept ImportError:\n  pass", True),
        ("from json import loads as work", True), ("import work.more", True), ("from json import *", True),
        ("def __getattr__(name): ...", True), ("globals()['work'] = print", True),
        ("def begin():\n  global work\n  work = 1", True), ("def work(", True),
        ("def wrok(lot): ...", False), ("class Job:\n  def work(self): ...", False), ("", False),
        ("def begin():\n  work = 1", False), ("print(work)", False), ("from work import more", False),
    ],
)  # fmt: skip
def test_a_function_that_its_module_does_not_have_is_a_warning(
    checked: Check, tmp_path: Path, code: str, *, is_there: bool
) -> None:
    (tmp_path / "own.py").write_text(f"{code}\nraise SystemExit('imported')\n")
    found = checked(arcs=[arc("pythonArc", function="own:work")])
    assert [severity for severity, _ in found] == ([] if is_there else [Severity.WARNING])
    remedy = "did you mean 'wrok'?" if "wrok" in code else f"it is read from {tmp_path / 'own.py'}"
    assert [text for _, text in found] == [f"$.arcs[0]: the module own has no function work; {remedy}" for _ in found]


def test_what_is_left_out_needs_nothing(checked: Check) -> None:
    assert not checked(arcs=[{**arc("execArc", command=["no-such-program"]), "exclude": True}])


@pytest.mark.parametrize(
    ("secret", "header", "wrong"),
    [
        ("whsec_" + "A" * 32, "plain", []),
        ("abc", "plain", ["SECRET holds no secret"]),
        ("whsec_" + "A" * 32, "two\nlines", ["HEADER cannot be a header"]),
    ],
)
def test_a_secret_or_header_that_could_not_be_used_is_an_error(
    checked: Check, monkeypatch: pytest.MonkeyPatch, secret: str, header: str, wrong: list[str]
) -> None:
    monkeypatch.setenv("SECRET", secret)
    monkeypatch.setenv("HEADER", header)
    notifier = {"type": "cls:core:webhookNotifier", "name": "tell", "url": "https://example.com/hooks"}
    found = checked(notifiers=[{**notifier, "secretEnv": ["SECRET"], "headersEnv": {"X-Own": "HEADER"}}])
    assert [severity for severity, _ in found] == [Severity.ERROR] * len(wrong)
    assert all(text in said for text, (_, said) in zip(wrong, found, strict=True))
    assert not any(secret in said for _, said in found)
