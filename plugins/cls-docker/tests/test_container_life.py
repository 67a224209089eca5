"""Containers that are stopped, killed, left behind, or lost with their engine: each is named, none is doubled."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest
from beds import docker as bed

from cls_docker import following, images, running
from cls_docker.client import Engine
from cls_docker.errors import EngineRefusedError, EngineUnavailableError
from clusterless.errors import WorkloadError

FOREVER = "trap 'echo asked; exit 0' TERM; echo up; while true; do sleep 0.1; done"
DEAF = "trap '' TERM; echo up; while true; do sleep 0.1; done"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "GRACE", 2)


def until(what: Callable[[], object]) -> None:
    for _ in range(600):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def once_up(bench: Any) -> Callable[[], bool]:
    """Whether the container has printed something."""
    return lambda: bench.work().output.exists() and "up" in bench.printed


# ---- stopped ---------------------------------------------------------------------------------------------------


def test_a_run_that_is_told_to_stop_asks_first(engine_bench: Any, api: Any) -> None:
    engine_bench.stopping = once_up(engine_bench)
    with pytest.raises(WorkloadError, match="the container stopped, since this attempt is to be given up"):
        engine_bench.run(FOREVER)
    assert engine_bench.printed.splitlines() == ["up", "asked"]
    assert engine_bench.containers(api) == []


def test_one_that_does_not_hear_is_killed(engine_bench: Any, api: Any) -> None:
    engine_bench.stopping = once_up(engine_bench)
    with pytest.raises(WorkloadError, match="to be given up"):
        engine_bench.run(DEAF)
    assert engine_bench.containers(api) == []


def test_one_that_is_killed_from_outside_is_named(engine_bench: Any, api: Any) -> None:
    def kill() -> None:
        until(once_up(engine_bench))
        api.kill(found(engine_bench, api))

    with in_the_background(kill), pytest.raises(WorkloadError, match="the container was ended by signal 9") as failed:
        engine_bench.run(FOREVER)
    assert "docker kill" in failed.value.hint


def test_a_build_is_not_waited_for(engine_bench: Any, api: Any) -> None:
    folder = engine_bench.base / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {engine_bench.image}\nRUN echo up {folder}; sleep 4\n")
    engine_bench.stopping = once_up(engine_bench)
    with pytest.raises(WorkloadError, match="stopped, since this attempt is to be given up"):
        engine_bench.run("true", image_path="image")
    assert api.images(filters={"label": f"{images.CONTEXT}={images.digest(folder)}"}) == []
    assert engine_bench.containers(api) == []


# ---- left behind -----------------------------------------------------------------------------------------------


def test_what_another_attempt_left_is_removed_before_the_next_begins(engine_bench: Any, api: Any) -> None:
    left = leave(engine_bench, api, "0-1-old", FOREVER)
    engine_bench.attempt = "0-2-new"
    engine_bench.run(engine_bench.writes("a"))
    assert api.containers(all=True, filters={"id": left}) == []
    assert engine_bench.containers(api) == []


def test_what_works_another_lot_or_for_another_store_is_left_alone(engine_bench: Any, api: Any, tmp_path: Any) -> None:
    other = type(engine_bench)(tmp_path / "other", image=engine_bench.image)
    other.base.mkdir()
    left = leave(other, api, "0-1-old", FOREVER)
    try:
        engine_bench.run(engine_bench.writes("a"))
        assert other.containers(api) == ["0-1-old"]
    finally:
        api.remove_container(left, force=True)


@pytest.mark.parametrize("begun", [False, True])
def test_that_of_the_same_attempt_is_gone_on_with(engine_bench: Any, api: Any, begun: bool) -> None:
    script = "echo once; " + engine_bench.writes("a") + f"echo x >>{engine_bench.base}/sink-main/times"
    left = leave(engine_bench, api, engine_bench.attempt, script, begun=begun)
    if begun:
        api.wait(left)
    engine_bench.run("exit 1")  # never run: the container that is there is the attempt's
    assert engine_bench.printed == "once\n"
    assert (engine_bench.base / "sink-main/times").read_text() == "x\n"
    assert engine_bench.containers(api) == []


# ---- an engine that goes away ----------------------------------------------------------------------------------


class TestEngine:
    """On an engine of its own, which is ended and started again."""

    pytestmark = [
        pytest.mark.slow,
        pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
        pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the SDK leaves the sockets of failed connections
    ]

    @pytest.fixture
    def on(self, bench: Any, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """Starts an engine, which is the environment's, and has the image."""
        with ExitStack() as stack:

            def start(*options: str, disk: str = "") -> Any:
                own = stack.enter_context(bed.private(tmp_path_factory, *options, disk=disk))
                monkeypatch.setenv("DOCKER_HOST", own.host)
                bench.image = bed.busybox(own.host)
                return own

            yield start

    def test_it_is_waited_for_and_its_container_followed_on(self, on: Any, bench: Any) -> None:
        own = on("--live-restore")  # whose containers do not end with it
        script = f"echo up; until test -e {bench.base}/source/go; do sleep 0.1; done; echo on\n" + bench.writes("a")

        def away() -> None:
            until(once_up(bench))
            own.end(signal.SIGKILL)
            own.start()
            until(lambda: "the engine was away" in bench.printed)
            (bench.base / "source/go").touch()

        with in_the_background(away):
            result = bench.run(script)
        assert len(result.sinks["main"].manifest.uris) == 1
        assert bench.printed == "up\n\n[clusterless: the engine was away]\non\n"

    def test_one_that_takes_its_containers_with_it_is_named(self, on: Any, bench: Any) -> None:
        own = on()

        def away() -> None:
            until(once_up(bench))
            own.end(signal.SIGKILL)
            own.start()

        with (
            in_the_background(away),
            pytest.raises(WorkloadError, match="while the engine was away"),
        ):
            bench.run(DEAF)

    def test_one_that_stays_away_is_named(self, on: Any, bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(following, "PATIENCE", 2.0)
        own = on()

        def away() -> None:
            until(once_up(bench))
            own.end(signal.SIGKILL)

        with in_the_background(away), pytest.raises(EngineUnavailableError, match="the engine does not answer") as gone:
            bench.run(DEAF)
        assert gone.value.retryable

    def test_no_lot_is_begun_before_it_is_there(self, on: Any, bench: Any) -> None:
        own = on()
        with closing(running_workload(bench, "true")) as workload:
            workload.check_ready()
            own.end(signal.SIGTERM)
            with pytest.raises(EngineUnavailableError, match=f"cannot use the engine at {own.host}") as gone:
                workload.check_ready()
            assert gone.value.retryable
            own.start()
            workload.check_ready()

    def test_a_full_disk_is_named(self, on: Any, bench: Any) -> None:
        own = on(disk="24m")
        with suppress(OSError), (own.folder / "data/ballast").open("wb") as ballast:
            while True:
                ballast.write(b"x" * 4096)
        with pytest.raises(EngineRefusedError, match="no space left on device") as full:
            bench.run("true")
        assert "docker system df" in full.value.hint


def in_the_background(what: Callable[[], None]) -> Any:
    """*what* is done meanwhile, and must have gone well at the end."""

    class Meanwhile:
        problem: BaseException | None = None

        def work(self) -> None:
            try:
                what()
            except BaseException as error:  # noqa: BLE001  raised again below
                self.problem = error

        def __enter__(self) -> None:
            self.thread = threading.Thread(target=self.work)
            self.thread.start()

        def __exit__(self, *_: object) -> None:
            self.thread.join()
            if self.problem:
                raise self.problem

    return Meanwhile()


def found(bench: Any, api: Any) -> str:
    (each,) = api.containers(all=True, filters={"label": f"clusterless.store={bench.uri('state')}"})
    return str(each["Id"])


def leave(bench: Any, api: Any, attempt: str, script: str, *, begun: bool = True) -> str:
    """A container as a killed run leaves it."""
    before, bench.attempt = bench.attempt, attempt
    workload = running_workload(bench, script)
    engine = Engine()
    try:
        run = workload.described(bench.work(), {})
        body = {**running.creation(run, {}), "Image": bench.image}
        made = str(api.create_container_from_config(body, name=run.name)["Id"])
        if begun:
            api.start(made)
    finally:
        engine.close()
        bench.attempt = before
    return made


def running_workload(bench: Any, script: str) -> Any:
    from cls_docker.workload import open_arc

    return open_arc(bench.arc(script), bench.surroundings())
