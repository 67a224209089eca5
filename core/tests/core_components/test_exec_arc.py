"""``cls:core:execArc``, and the contract between an arc and the code that works its lots."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from textwrap import dedent
from time import monotonic, sleep
from typing import Any

import pytest
from attrs import evolve

from clusterless.builtin.arcs import ExecArc
from clusterless.builtin.exec_arc import ExecWorkload
from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.arc import Arc
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import WorkResult
from clusterless.runtime import contract, output

LOT = Lot.parse("20240131PT5M287")
PYTHON = sys.executable

# What a container does that knows only the published contract.
PREAMBLE = """
    import json, os, pathlib, sys
    from urllib.parse import unquote, urlparse
    props = json.loads(os.environ["CLS_ARC_PROPS_JSON"])
    lot = os.environ["CLS_LOT"]
    def path(uri): return pathlib.Path(unquote(urlparse(uri).path))
    def stage(uris, state="complete", role="main", lotId=lot, comment=None):
        target = path(props["sinkManifestTemplates"][role].replace("{lot}", lot).replace("{state}", state))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(dict(state=state, comment=comment, lotId=lotId, uriType="identifier", uris=uris)))
    sink = {role: each["pathURI"] for role, each in props["sinks"].items()}
"""


def script(bench: Any, text: str) -> list[str]:
    """A command that runs *text* after the preamble."""
    (bench.base / "step.py").write_text(dedent(PREAMBLE) + dedent(text))
    return [PYTHON, "step.py"]


def run(bench: Any, command: list[str], earlier: Any = None, **settings: Any) -> WorkResult:
    arc = bench.declare(ExecArc, command=tuple(command), **settings)
    return ExecWorkload(arc, bench.surroundings()).run(bench.work(earlier))


def printed(bench: Any, text: str, *arguments: str, **settings: Any) -> Any:
    """What *text* printed as JSON; it stages an empty manifest for the sink."""
    run(bench, [*script(bench, f"stage([], 'empty')\n{dedent(text)}"), *arguments], **settings)
    return json.loads(bench.output())


def test_a_command_that_writes_its_manifest_has_worked_the_lot(bench: Any) -> None:
    bench.fill("a", "b")
    command = script(
        bench,
        """
        source = json.loads(path(props["sourceManifestPaths"]["main"]).read_text())
        path(sink["main"]).mkdir()
        for uri in source["uris"]:
            (path(sink["main"]) / path(uri).name).write_bytes(path(uri).read_bytes() * 2)
        stage([sink["main"] + path(uri).name for uri in source["uris"]])
        """,
    )
    result = run(bench, command)
    uris = tuple(f"{bench.uri('sink-main')}{name}" for name in "ab")
    assert result.sinks["main"].manifest == Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=uris)
    assert bench.sink().get("b") == b"bb"


def test_the_variables_of_the_contract(bench: Any) -> None:
    bench.fill("a")
    found = printed(bench, "print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('CLS_')}))")
    assert {name: found[name] for name in found if name != "CLS_ARC_PROPS_JSON"} == {
        "CLS_LOT": str(LOT),
        "CLS_ATTEMPT": "0-1-abc",
        "CLS_REVISION": "0",
        "CLS_IDEMPOTENCY_KEY": f"sink-main/1/{LOT}/0/work",
    }
    staging = "staging/project=demo/version=1/arc=work/sink=main/lot={lot}/attempt=0-1-abc/state={state}/manifest.json"
    assert list(json.loads(found["CLS_ARC_PROPS_JSON"]).items()) == [
        (
            "sources",
            {"main": {"name": "source-main", "version": "1", "subscribe": True, "pathURI": bench.uri("source-main")}},
        ),
        ("sinks", {"main": {"name": "sink-main", "version": "1", "pathURI": bench.uri("sink-main")}}),
        ("sourceManifestPaths", {"main": f"{bench.uri('manifests')}main.json"}),
        ("sinkManifestTemplates", {"main": f"{bench.uri('manifests')}{staging}"}),
        ("workloadProps", {}),
    ]


def test_a_source_that_was_not_waited_for_is_named_without_a_manifest(bench: Any) -> None:
    bench.sources, bench.absent = ("main", "late"), ("late",)
    bench.fill("a")
    props = json.loads(
        contract.variables(bench.declare(ExecArc, command=("x",)), bench.work(), {})["CLS_ARC_PROPS_JSON"]
    )
    assert props["sources"]["late"] == {"name": "source-late", "version": "1", "subscribe": True}
    assert "late" not in props["sourceManifestPaths"]


def test_props_and_declared_variables_are_handed_over_but_not_the_parents(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    found = printed(
        bench,
        "print(json.dumps([dict(os.environ), props['workloadProps']]))",
        environment={"TABLE": "x", "CLS_LOT": "forged"},
        workload_props={"depth": [1, None]},
    )
    assert found[1] == {"depth": [1, None]}
    assert found[0]["TABLE"] == "x"
    assert found[0]["CLS_LOT"] == str(LOT)
    assert found[0]["LC_ALL"] == "C.UTF-8"
    assert found[0]["PATH"] == os.environ["PATH"]
    assert not found[0].keys() & {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"}


def test_arguments_are_substituted_whole(bench: Any) -> None:
    bench.fill("a")
    selectors = ["$.role", "$.arcNotifyEvent.lot", "$.arcNotifyEvent.dataset.pathURI", "$.arcNotifyEvent.datasetId"]
    others = ["$.arcNotifyEvent.manifest", "$$.Execution.Name", "$HOME", "lot=$.role", "*", "$$"]
    found = printed(bench, "print(json.dumps(sys.argv[1:]))", *selectors, *others)
    assert found == [
        *("main", str(LOT), bench.uri("source-main"), "source-main/1"),
        *(f"{bench.uri('manifests')}main.json", "0-1-abc", "$HOME", "lot=$.role", "*", "$$"),
    ]


def test_a_dollar_alone_is_the_whole_context(bench: Any) -> None:
    bench.fill("a")
    context = json.loads(printed(bench, "print(json.dumps(sys.argv[1]))", "$"))
    assert list(context) == ["role", "arcNotifyEvent", "existingPartialManifests"]
    assert list(context["arcNotifyEvent"]) == ["dataset", "lot", "manifest", "datasetId"]
    assert context["existingPartialManifests"] == {}


def test_the_manifests_of_earlier_attempts_can_be_read(bench: Any) -> None:
    bench.fill("a")
    uris = (f"{bench.uri('sink-main')}done",)
    earlier = {"main": [Manifest(state=ManifestState.PARTIAL, lot=LOT, uris=uris)]}
    command = script(
        bench,
        """
        context = json.loads(sys.argv[1])
        (uri,) = context["existingPartialManifests"]["main"]
        stage(json.loads(path(uri).read_text())["uris"])
        """,
    )
    assert run(bench, [*command, "$"], earlier).sinks["main"].manifest.uris == uris
    assert not list((bench.base / "scratch").iterdir())


@pytest.mark.parametrize("selector", ["$.nothing", "$.arcNotifyEvent", "$.arcNotifyEvent.lot.x"])
def test_a_selector_that_leads_to_no_text_fails_the_lot(bench: Any, selector: str) -> None:
    bench.fill("a")
    with pytest.raises(WorkloadError, match="selects no"):
        run(bench, ["true", selector])


@pytest.mark.parametrize("argument", ["$.", "$.a[0]", "$..a", "$$.a b"])
def test_a_selector_that_is_none_is_refused_when_declared(bench: Any, argument: str) -> None:
    with pytest.raises(InvalidValueError, match="selects nothing"):
        bench.declare(ExecArc, command=("true", argument))


def test_an_arc_without_a_command_is_refused_when_declared(bench: Any) -> None:
    with pytest.raises(InvalidValueError, match="'command' is empty"):
        bench.declare(ExecArc)


def test_the_command_runs_in_the_projects_folder_with_nothing_to_read(bench: Any) -> None:
    bench.fill("a")
    assert printed(bench, "print(json.dumps([os.getcwd(), sys.stdin.read(), os.getpgrp() == os.getpid()]))") == [
        str(bench.base),
        "",
        True,
    ]


def test_output_and_errors_are_kept_in_order(bench: Any) -> None:
    bench.fill("a")
    run(bench, script(bench, "stage([], 'empty')\nos.write(1, b'one ')\nos.write(2, b'two ')\nos.write(1, b'three')"))
    assert bench.output() == "one two three"


def test_output_is_bounded_and_the_rest_is_dropped(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "OUTPUT_LIMIT", 100_000)
    bench.fill("a")
    run(bench, script(bench, "print('x' * 3_000_000)\nstage([], 'empty')"))
    text = bench.output()
    assert text.startswith("x" * 100_000 + "\n[clusterless: the output is longer")
    assert len(text) < 100_200


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "exited 0 without a manifest for sink 'main'"),
        ("stage(['file:///etc/passwd', sink['main'] + 'a'])", r"lists what is not below .*: file:///etc/passwd$"),
        ("stage([sink['main'] + 'a/../../b'])", "lists what is not below"),
        ("stage([sink['main'] + '%2e%2e/b'])", "lists what is not below"),
        ("stage([], lotId='20240131PT5M000')", "is of lot 20240131PT5M000"),
        ("stage([], lotId='today')", "'today' is not a lot"),
        ("stage([], 'removed')", "has the state 'removed'"),
        ("stage([], 'finished')", "finished"),
        ("stage([sink['main'] + 'a'], 'empty')", "an empty manifest lists nothing"),
        ("path(sink['main']).mkdir()\nstage(3)", "uris: not a list"),
    ],
)
def test_a_broken_contract_is_named(bench: Any, text: str, problem: str) -> None:
    bench.fill("a")
    with pytest.raises(WorkloadError, match=problem):
        run(bench, script(bench, text))


def test_a_missing_manifest_says_where_to_write_it(bench: Any) -> None:
    bench.sinks = ("main", "spare")
    bench.fill("a")
    with pytest.raises(WorkloadError, match="without a manifest for sink 'spare'") as raised:
        run(bench, script(bench, "stage([], 'empty')"))
    assert raised.value.hint == f"write it to {bench.work().sinks['spare'].staging}"


def test_every_sink_has_its_result(bench: Any) -> None:
    bench.sinks = ("main", "spare")
    bench.fill("a")
    result = run(bench, script(bench, "stage([], 'empty')\nstage([sink['spare'] + 'x'], role='spare')"))
    assert {role: each.manifest.state.value for role, each in result.sinks.items()} == {
        "main": "empty",
        "spare": "complete",
    }


def test_a_manifest_that_says_partial_makes_the_lot_partial(bench: Any) -> None:
    bench.fill("a")
    result = run(bench, script(bench, "stage([sink['main'] + 'x'], 'partial', comment='no more room')"))
    assert result.sinks["main"].manifest.state is ManifestState.PARTIAL
    assert result.problem == "sink 'main': no more room"


def test_a_failure_shows_the_end_of_the_output(bench: Any) -> None:
    bench.fill("a")
    text = "print('first\\n' * 999)\nprint('CLS_PROGRESS {}')\nprint('the reason')\nsys.exit(7)"
    with pytest.raises(WorkloadError) as raised:
        run(bench, script(bench, text))
    message = str(raised.value)
    assert "exited with 7" in message
    assert message.endswith("| the reason")
    assert "CLS_PROGRESS" not in message
    assert len(message) < 1900


def test_a_command_that_is_killed_is_a_failure(bench: Any) -> None:
    bench.fill("a")
    with pytest.raises(WorkloadError, match="killed by signal 9"):
        run(bench, script(bench, "os.kill(os.getpid(), 9)"))


def test_a_failure_hands_on_what_was_staged_as_partial(bench: Any) -> None:
    bench.sinks = ("main", "spare")
    bench.fill("a")
    result = run(bench, script(bench, "stage([sink['main'] + 'x'], 'partial')\nsys.exit('no more')"))
    assert result.sinks["main"].manifest.uris == (f"{bench.uri('sink-main')}x",)
    assert result.sinks["spare"].manifest == Manifest(state=ManifestState.PARTIAL, lot=LOT)
    assert "no more" in result.problem


def test_a_failure_after_a_complete_manifest_is_a_failure(bench: Any) -> None:
    bench.fill("a")
    with pytest.raises(WorkloadError, match="exited with 1"):
        run(bench, script(bench, "stage([sink['main'] + 'x'])\nsys.exit(1)"))


@pytest.mark.parametrize("command", [["./missing.sh"], ["no-such-program-anywhere"], ["plain.txt"]])
def test_a_command_that_cannot_be_started_says_so(bench: Any, command: list[str]) -> None:
    bench.fill("a")
    (bench.base / "plain.txt").write_text("")
    with pytest.raises(WorkloadError, match="cannot be started") as raised:
        run(bench, command)
    assert str(bench.base) in raised.value.hint


def _pids(bench: Any) -> list[int]:
    """Written down by the scripts below: theirs, and a child's that ignores being asked."""
    return [int(word) for word in (bench.base / "pids").read_text().split()]


def _are_gone(bench: Any) -> bool:
    """Soon, at least: who is killed takes a moment to die."""
    deadline = monotonic() + 10
    while any(_is_running(pid) for pid in _pids(bench)) and monotonic() < deadline:
        sleep(0.05)
    return not any(_is_running(pid) for pid in _pids(bench))


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


FAMILY = """
    import signal, subprocess, time
    ignoring = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE)
    child.stdout.read(1)
    pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
"""


def test_a_command_that_takes_too_long_is_ended_with_all_its_processes(bench: Any) -> None:
    bench.fill("a")
    with pytest.raises(WorkloadError, match=r"timed out after 1\.5 s"):
        run(bench, script(bench, f"{dedent(FAMILY)}\ntime.sleep(600)"), timeout_sec=1.5)
    assert _are_gone(bench)


def test_a_command_is_ended_when_the_attempt_is_given_up(bench: Any) -> None:
    bench.fill("a")
    bench.stopping = (bench.base / "pids").exists
    with pytest.raises(WorkloadError, match="stopped"):
        run(bench, script(bench, f"{dedent(FAMILY)}\ntime.sleep(600)"))
    assert _are_gone(bench)


def test_a_command_that_is_asked_to_end_may_say_how_far_it_came(bench: Any) -> None:
    bench.fill("a")
    bench.stopping = (bench.base / "ready").exists
    text = """
    import signal, time
    def end(*_):
        stage([sink["main"] + "x"], "partial")
        sys.exit(1)
    signal.signal(signal.SIGTERM, end)
    pathlib.Path("ready").touch()
    time.sleep(600)
    """
    result = run(bench, script(bench, text))
    assert result.sinks["main"].manifest.uris == (f"{bench.uri('sink-main')}x",)


def test_what_a_command_leaves_running_is_ended(bench: Any) -> None:
    bench.fill("a")
    run(bench, script(bench, f"{dedent(FAMILY)}\nstage([], 'empty')\nos._exit(0)"))
    assert _are_gone(bench)


def test_a_process_that_leaves_its_group_is_ended_too(bench: Any) -> None:
    bench.fill("a")
    text = "import subprocess\nchild = subprocess.Popen(['sleep', '60'], start_new_session=True)\nprint(child.pid)"
    run(bench, script(bench, f"{text}\nstage([], 'empty')"))
    assert not _is_running(int(bench.output()))


def test_the_first_source_that_is_there_is_told_of(bench: Any) -> None:
    work = evolve(bench.work(), role="main")
    assert contract.context(work, {"main": ["a"]})["existingPartialManifests"] == {"main": ["a"]}


def test_settings_keep_to_the_model_of_an_arc(bench: Any) -> None:
    assert isinstance(bench.declare(ExecArc, command=("true",)), Arc)


def test_those_a_command_started_have_the_grace_too(bench: Any) -> None:
    """A shell dies at once when asked; what it had started may still say how far it came."""
    bench.fill("a")
    bench.stopping = (bench.base / "ready").exists
    text = """
    import signal, time
    def end(*_):
        time.sleep(0.5)
        stage([sink["main"] + "x"], "partial")
        sys.exit(1)
    signal.signal(signal.SIGTERM, end)
    pathlib.Path("ready").touch()
    time.sleep(600)
    """
    command = script(bench, text)
    result = run(bench, ["sh", "-c", f"{command[0]} {command[1]}; true"])
    assert result.sinks["main"].manifest.uris == (f"{bench.uri('sink-main')}x",)
