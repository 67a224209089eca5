"""Lots worked by a service's job: what an execution that ends, lasts, is lost or is stopped makes of a lot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from clusterless.errors import ClsError, ObjectMissingError, StoreRefusedError, StoreUnavailableError, WorkloadError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import SinkLot, Work, Workload
from clusterless.runtime import executions
from clusterless.runtime.executions import Executions
from clusterless.testing.clock import START, SettableClock

LOT = Lot.parse("20230101PT5M000")
COMPLETE = Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=("gs://b/out/1",))
PARTIAL = Manifest(state=ManifestState.PARTIAL, lot=LOT, uris=("gs://b/out/1",))
LOST = StoreUnavailableError("no answer")


class Job(Executions):
    """One whose execution is found to be as *looks* say, in turn: errors are raised."""

    def __init__(self, *looks: bool | ClsError, timeout: int = 60) -> None:
        self.clock = SettableClock()
        super().__init__(timeout, self.clock)
        self.looks = list(looks)
        self.stopped: list[str] = []
        self.cannot_stop: ClsError | None = None

    def begin(self, work: Work) -> str:
        return f"box-{work.attempt}"

    def has_succeeded(self, execution: str) -> bool:
        look = self.looks.pop(0) if self.looks else False
        if isinstance(look, ClsError):
            raise look
        return look

    def stop(self, execution: str) -> None:
        self.stopped.append(execution)
        if self.cannot_stop:
            raise self.cannot_stop


def work(tmp_path: Path, manifest: Manifest | None = COMPLETE, stopping: Callable[[], bool] = lambda: False) -> Work:
    sink = LocatedDataset(name="b", version="1", path_uri="gs://b/out/")
    return Work(
        arc="box",
        lot=LOT,
        attempt="1",
        revision=0,
        token="t",
        role="main",
        sources={},
        sinks={"main": SinkLot(dataset=sink, staging="gs://m/lot={lot}/state={state}/manifest.json")},
        collect=lambda: {"main": manifest} if manifest else {},
        stopping=stopping,
        output=tmp_path / "output",
    )


def test_what_it_wrote_is_taken_up_once_it_has_ended(tmp_path: Path) -> None:
    job: Workload = (made := Job(False, False, True))
    assert job.run(work(tmp_path)).sinks["main"].manifest == COMPLETE
    assert (made.clock.now() - START).total_seconds() == 2 * executions.PAUSE
    assert made.stopped == []
    job.close()


def test_what_a_failed_one_left_is_kept_where_it_is_partial(tmp_path: Path) -> None:
    result = Job(WorkloadError("box-1 failed")).run(work(tmp_path, PARTIAL))
    assert (result.sinks["main"].manifest, result.problem) == (PARTIAL, "box-1 failed")
    with pytest.raises(WorkloadError, match="box-1 failed"):
        Job(WorkloadError("box-1 failed")).run(work(tmp_path, None))


@pytest.mark.parametrize("error", [LOST, StoreRefusedError("access was denied", hint="have it allowed")])
def test_trouble_with_the_service_is_a_failed_attempt(error: ClsError, tmp_path: Path) -> None:
    with pytest.raises(WorkloadError) as failed:
        Job(error).run(work(tmp_path))
    assert (failed.value.problem, failed.value.hint) == (error.problem, error.hint)


def test_one_that_is_to_be_given_up_is_stopped(tmp_path: Path) -> None:
    stopping = iter([False, True])
    with pytest.raises(WorkloadError, match="box-1 was stopped"):
        (job := Job()).run(work(tmp_path, None, lambda: next(stopping)))
    assert job.stopped == ["box-1"]


def test_one_that_takes_too_long_is_stopped_though_it_may_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(timeout=60)
    job.cannot_stop = LOST
    monkeypatch.setattr(executions, "monotonic", lambda: job.clock.now().timestamp())
    with pytest.raises(WorkloadError, match="took too long"):
        job.run(work(tmp_path, None))
    assert job.stopped == ["box-1"]
    assert 180 < (job.clock.now() - START).total_seconds() <= 180 + executions.PAUSE  # and two minutes to find a place
    assert "box-1 may go on: no answer" in caplog.text


@pytest.mark.parametrize(
    ("passing", "raised", "waited"),
    [
        ((StoreUnavailableError,), [LOST, LOST, LOST], 2 + 4 + 8),
        ((StoreUnavailableError, ObjectMissingError), [ObjectMissingError("too new"), LOST], 2 + 4),
    ],
)
def test_what_passes_is_asked_again(
    passing: tuple[type[ClsError], ...], raised: Sequence[ClsError], waited: float
) -> None:
    job, answers = Job(), iter([*raised, None])

    def ask() -> str:
        if error := next(answers):
            raise error
        return "there"

    assert job.patiently(ask, passing) == "there"
    assert (job.clock.now() - START).total_seconds() == waited


def test_what_lasts_is_raised_and_other_trouble_at_once() -> None:
    def ask(error: ClsError) -> None:
        asked.append(error)
        raise error

    asked: list[ClsError] = []
    with pytest.raises(StoreUnavailableError):
        Job().patiently(lambda: ask(LOST))
    assert len(asked) == executions.TRIES
    with pytest.raises(ObjectMissingError):
        Job().patiently(lambda: ask(ObjectMissingError("not there")))
    assert len(asked) == executions.TRIES + 1
