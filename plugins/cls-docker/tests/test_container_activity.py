"""``docker:core:containerActivity``, on a real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cls_docker.activities import ContainerActivity
from cls_docker.components import ContainerSettings
from cls_docker.confinement import Volume
from cls_docker.container_activity import open_activity
from clusterless.errors import InvalidValueError, VariableUnsetError, WorkloadError
from clusterless.model.lot import Lot, LotUnit
from clusterless.provider import Occasion

LOT = Lot.parse("20240131PT5M287")
EVERY = {"type": "docker:core:containerActivity", "name": "chore", "interval": LotUnit.TWELFTHS}
SHOWN = ["CLS_LOT", "CLS_ATTEMPT", "CLS_IDEMPOTENCY_KEY", "CLS_WORKLOAD_PROPS_JSON", "EXTRA", "TOLD", "SECRET"]


def occasion(base: Path, stopping: Callable[[], bool] = lambda: False, attempt: str = "0-1-x") -> Occasion:
    return Occasion(
        activity="chore",
        lot=LOT,
        attempt=attempt,
        token=f"demo/1/chore/{LOT}",
        stopping=stopping,
        output=base / "outputs" / f"{attempt}.log",
    )


def declared(bench: Any, script: str, **more: Any) -> ContainerActivity:
    settings = {"image": bench.image, **more.pop("workload", {})}
    return ContainerActivity(**EVERY, workload=ContainerSettings(command=("sh", "-euc", script), **settings), **more)


def run(bench: Any, script: str, stopping: Callable[[], bool] = lambda: False, **more: Any) -> str:
    """What is printed by *script*."""
    doing = open_activity(declared(bench, script, **more), bench.surroundings())
    told = occasion(bench.base, stopping)
    try:
        assert doing.run(told) == ""
    finally:
        doing.close()
    return told.output.read_text()


def left(api: Any) -> list[Any]:
    found: list[Any] = api.containers(all=True, filters={"label": "clusterless.activity=chore"})
    return found


def test_it_is_told_what_it_is_run_for_and_sees_no_secrets(
    engine_bench: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hidden")
    monkeypatch.setenv("TOLD", "handed on")
    settings = {"environment": {"EXTRA": "1"}, "pass_environment": ("TOLD",), "workload_props": {"days": [30]}}
    script = "".join(f'echo "${{{name}-none}}"\n' for name in SHOWN)
    printed = run(engine_bench, script, workload=settings)
    lot, attempt, token, props, *others = printed.splitlines()
    assert (lot, attempt, token) == (str(LOT), "0-1-x", f"demo/1/chore/{LOT}")
    assert json.loads(props) == {"days": [30]}
    assert others == ["1", "handed on", "none"]
    assert left(api) == []


def test_it_sees_its_volumes_and_nothing_else_of_this_machine(engine_bench: Any) -> None:
    shared = engine_bench.base / "shared"
    shared.mkdir()
    (shared / "old").touch()
    volumes = (Volume(source=str(shared), target="/data", read_only=False),)
    printed = run(engine_bench, f"rm /data/old; ls -d {engine_bench.base} || true", workload={"volumes": volumes})
    assert list(shared.iterdir()) == []
    assert "No such file" in printed


def test_what_fails_is_told_with_its_last_words(engine_bench: Any, api: Any) -> None:
    with pytest.raises(WorkloadError, match=r"exited with 3\n  \| no luck"):
        run(engine_bench, "echo no luck; exit 3")
    assert left(api) == []


def test_what_takes_too_long_is_ended(engine_bench: Any, api: Any) -> None:
    with pytest.raises(WorkloadError, match="timed out after 1 s"):
        run(engine_bench, "trap 'exit 0' TERM; sleep 600 & wait", timeout_sec=1)
    assert left(api) == []


def test_what_is_to_be_given_up_is_ended(engine_bench: Any, api: Any) -> None:
    with pytest.raises(WorkloadError, match="stopped"):
        run(engine_bench, "trap 'exit 0' TERM; sleep 600 & wait", stopping=lambda: True)
    assert left(api) == []


def test_what_an_earlier_attempt_left_running_is_removed(engine_bench: Any, api: Any) -> None:
    """A `cls` that is killed leaves its container: the attempt that follows begins when it is gone."""
    doing = open_activity(declared(engine_bench, "sleep 600"), engine_bench.surroundings())
    left_behind = doing._described(occasion(engine_bench.base, attempt="0-1-killed"))
    body = {"Image": engine_bench.image, "Cmd": ["sleep", "600"], "Labels": dict(left_behind.labels)}
    body["HostConfig"] = {"NetworkMode": "none"}
    api.start(api.create_container_from_config(body))
    assert len(left(api)) == 1
    doing.close()
    assert run(engine_bench, "echo done") == "done\n"
    assert left(api) == []


def test_its_image_may_be_built_from_a_folder(engine_bench: Any) -> None:
    folder = engine_bench.base / "chore"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {engine_bench.image}\nCOPY said /\n")
    (folder / "said").write_text("built")
    assert run(engine_bench, "cat /said", workload={"image": "", "image_path": "chore"}).endswith("built")


# ---- declared: no engine is needed -----------------------------------------------------------------------------


def test_a_variable_to_pass_on_must_be_set(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOLD", raising=False)
    with pytest.raises(VariableUnsetError, match="TOLD"):
        open_activity(declared(bench, "true", workload={"pass_environment": ("TOLD",)}), bench.surroundings())


@pytest.mark.parametrize("argument", ["$", "$.arcNotifyEvent.lot", "$$.Execution.Id"])
def test_a_command_selects_nothing(bench: Any, argument: str) -> None:
    with pytest.raises(InvalidValueError, match="CLS_LOT"):
        declared(bench, argument)


@pytest.mark.parametrize("images", [{"image": ""}, {"image": "a:1", "image_path": "a"}])
def test_it_has_one_image(bench: Any, images: dict[str, str]) -> None:
    with pytest.raises(InvalidValueError, match="imagePath"):
        declared(bench, "true", workload=images)
