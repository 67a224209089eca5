"""``cls local`` for containers: what is printed makes the container that the arc would make."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from beds.server import free_port
from hypothesis import given
from hypothesis import strategies as st

from cls_docker.confinement import Confinement, Volume
from cls_docker.run import LABEL, Run, creation
from cls_docker.script import script_of
from cls_docker.workload import ContainerWorkload, open_arc
from clusterless.model.runtime_props import Architecture
from clusterless.provider import Script

NASTY = 'it\'s, "x"; $HOME `id`\n# two'
ASIDE = {
    "AutoRemove",  # by hand nobody removes it
    "ConsoleSize",
    "LogConfig",  # nor comes back to it
    "RestartPolicy",  # none is called "no", too
}


def by_hand(script: Script, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What comes of *script*, as it is run where it says."""
    told = {**os.environ, **script.variables, "CLS_LOCAL": "true", **variables}
    for command in script.before:
        subprocess.run(command, cwd=script.folder, env=told, check=True, capture_output=True)
    program, verb, *rest = script.command
    command = [program, verb, *more, *rest]
    return subprocess.run(command, cwd=script.folder, env=told, capture_output=True, text=True, check=False)


def scripted(bench: Any, *command: str, **settings: Any) -> Script:
    with closing(open_arc(bench.arc(*command, **settings), bench.surroundings())) as workload:
        return workload.script(bench.work())


# ---- the same container ----------------------------------------------------------------------------------------


def made(api: Any, container: str) -> dict[str, Any]:
    """What the engine was told, in its own words, but for `ASIDE`."""
    told = api.inspect_container(container)
    api.remove_container(container)
    config, host = told["Config"], told["HostConfig"]
    mounts = sorted(host.pop("Mounts", None) or [], key=lambda mount: mount["Target"])
    return {
        "cmd": config["Cmd"],
        "env": sorted(each for each in config["Env"] if not each.startswith("CLS_LOCAL=")),
        "user": config["User"],
        "mounts": [{name: value for name, value in mount.items() if value} for mount in mounts],
        "host": {name: value or None for name, value in host.items() if name not in ASIDE},
    }


SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "limited": {"memory_size_mb": 64, "cpus": 0.5, "pids_limit": 7, "scratch_size_mb": 3},
    "open": {"read_only_root": False, "user": "1000:1000", "network": "none"},
    "told": {"environment": {"SAID": NASTY, "EMPTY": ""}, "workload_props": {"said": NASTY}},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_container_is_the_same(name: str, engine_bench: Any, api: Any) -> None:
    arc = engine_bench.arc("echo", NASTY, "$.arcNotifyEvent.lot", **SETTINGS[name])
    with closing(open_arc(arc, engine_bench.surroundings())) as workload:
        ours = creation(workload.described(engine_bench.work(), {}), os.environ)
        run = workload.script(engine_bench.work())
    (container,) = by_hand(evolve(run, command=["docker", "create", *run.command[2:]])).stdout.split()
    assert made(api, container) == made(api, api.create_container_from_config(ours)["Id"])


def test_folders_with_commas_and_quotes_are_the_same(engine_bench: Any, api: Any) -> None:
    folder = engine_bench.base / 'a, "b"'
    folder.mkdir()
    (folder / "said").write_text("here")
    volumes = (Volume(source=str(folder), target='/data, "too"'),)
    done = by_hand(scripted(engine_bench, "cat '/data, \"too\"/said'; ! touch '/data, \"too\"/x'", volumes=volumes))
    assert (done.returncode, done.stdout) == (0, "here"), done.stderr


# ---- what comes of it ------------------------------------------------------------------------------------------


def test_a_lot_is_worked_by_it_and_no_container_stays(engine_bench: Any, api: Any) -> None:
    script = scripted(engine_bench, engine_bench.writes("a.txt") + "echo worked; echo $CLS_LOCAL")
    done = by_hand(script)
    assert (done.returncode, done.stdout) == (0, "worked\ntrue\n"), done.stderr
    assert (engine_bench.base / "sink-main/a.txt").read_text() == "a.txt\n"
    assert json.loads(Path(engine_bench.staged()).read_text())["state"] == "complete"
    assert api.containers(all=True, filters={"label": f"{LABEL}arc"}) == []


def test_no_run_takes_its_container_for_one_that_was_left_behind(bench: Any) -> None:
    assert not [each for each in scripted(bench, "true").command if "label" in each or "--name" in each]


def test_its_image_is_built_beforehand_as_the_folder_is_then(engine_bench: Any, api: Any) -> None:
    folder = engine_bench.base / "count"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f'FROM {engine_bench.image}\nCOPY said /\nCMD ["cat", "/said"]\n')
    (folder / "said").write_text("first")
    script = scripted(engine_bench, image_path="count")
    assert by_hand(script).stdout == "first"
    (folder / "said").write_text("second")
    assert by_hand(script).stdout == "second"
    api.remove_image("cls-local/work", force=True)


def test_what_is_passed_is_taken_from_who_runs_it_and_written_nowhere(
    engine_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "hidden")
    script = scripted(engine_bench, "echo $KEY", pass_environment=("KEY",))
    assert "hidden" not in repr(script)
    assert "KEY" in script.notes[0]
    assert by_hand(script, KEY="another").stdout == "another\n"


def test_what_is_declared_does_not_change_what_bash_does(engine_bench: Any) -> None:
    """A PATH of the container's must not be one of the script's: `docker` would not be found."""
    script = scripted(engine_bench, "echo $PATH", environment={"PATH": "/bin:/nowhere"})
    assert "PATH" not in script.variables
    assert by_hand(script).stdout == "/bin:/nowhere\n"


def test_no_engine_is_needed_to_see_it(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{free_port()}")
    assert scripted(bench, "true").command[:2] == ["docker", "run"]


def test_a_machine_is_named_where_the_arc_names_one(bench: Any) -> None:
    arc = bench.arc("true")
    container = evolve(arc.workload.container, architecture=Architecture.ARM_64, image="", image_path="count")
    with closing(ContainerWorkload(arc, container, Confinement(), bench.surroundings())) as workload:
        script = workload.script(bench.work())
    assert script.command[2:4] == ["--rm", "--platform=linux/arm64"]
    assert "--platform=linux/arm64" in script.before[0]


# ---- quoting, without an engine --------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(st.lists(TEXT, max_size=4), st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), TEXT, max_size=3))
def test_arguments_and_variables_are_given_whole(command: Sequence[str], environment: dict[str, str]) -> None:
    run = Run(image="i:1", command=command, environment=environment, labels={f"{LABEL}arc": "a"})
    told = script_of(run, Path("/"), None).command
    again = shlex.split(shlex.join(told))
    assert again == told
    assert again[len(again) - len(command) - 1 :] == ["i:1", *command]
    assert {each for each in again if each.startswith("--env=") and "=" in each[6:]} == {
        f"--env={name}={value}" for name, value in environment.items()
    }
