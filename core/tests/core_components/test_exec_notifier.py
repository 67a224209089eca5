"""A command for each event: what it is told, and when it has failed."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from clusterless.builtin.exec_notifier import ExecPublisher
from clusterless.builtin.notifiers import ExecNotifier
from clusterless.codec import read_declaration, to_json
from clusterless.errors import InvalidValueError, NotifyError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot

EVENT = Event(
    dataset=LocatedDataset(name="a", version="1", path_uri="file:///a/"),
    lot=Lot.parse("20240131PT5M287"),
    manifest="file:///m/manifest.json",
    revision=2,
)


def declared(*command: str, **more: Any) -> ExecNotifier:
    return ExecNotifier(type="cls:core:execNotifier", name="tell", command=command, **more)


def publish(bench: Any, *command: str, **more: Any) -> None:
    ExecPublisher(declared(*command, **more), bench.surroundings()).publish(EVENT)


def test_the_event_is_on_standard_input(bench: Any) -> None:
    publish(bench, "sh", "-c", "cat > event.json")
    assert json.loads((bench.base / "event.json").read_text()) == {
        "dataset": {"name": "a", "version": "1", "pathURI": "file:///a/"},
        "lot": "20240131PT5M287",
        "manifest": "file:///m/manifest.json",
        "datasetId": "a/1",
        "revision": 2,
    }


def test_arguments_select_from_the_event(bench: Any) -> None:
    selectors = ["$.lot", "$.dataset.name", "$.datasetId", "$.manifest", "$HOME", "lot=$.lot", "$"]
    publish(bench, "sh", "-c", 'printf "%s\\n" "$@" > said', "sh", *selectors)
    *said, whole = (bench.base / "said").read_text().splitlines()
    assert said == ["20240131PT5M287", "a", "a/1", "file:///m/manifest.json", "$HOME", "lot=$.lot"]
    assert json.loads(whole) == to_json(EVENT)


def test_its_variables_are_those_of_the_event_and_no_secrets(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "tea")
    publish(bench, "sh", "-c", "env > said", environment={"TELL": "me"})
    said = dict(line.split("=", 1) for line in (bench.base / "said").read_text().splitlines())
    assert {name: value for name, value in said.items() if name.startswith(("CLS_", "TELL"))} == {
        "CLS_DATASET": "a/1",
        "CLS_LOT": "20240131PT5M287",
        "CLS_MANIFEST": "file:///m/manifest.json",
        "CLS_REVISION": "2",
        "CLS_IDEMPOTENCY_KEY": "a/1/20240131PT5M287/2",
        "TELL": "me",
    }
    assert "MY_SECRET" not in said


def test_an_exit_code_is_a_failure_with_the_end_of_its_output(bench: Any) -> None:
    with pytest.raises(NotifyError, match=r"^sh exited with 3\n  \| one\n  \| two$"):
        publish(bench, "sh", "-c", "echo one; echo two >&2; exit 3")


def test_a_signal_is_a_failure(bench: Any) -> None:
    with pytest.raises(NotifyError, match="was killed by signal 9"):
        publish(bench, "sh", "-c", "kill -9 $$")


def test_a_command_that_is_not_there_says_where_it_was_looked_for(bench: Any) -> None:
    with pytest.raises(NotifyError, match="cannot be started") as caught:
        publish(bench, "./nowhere.sh")
    assert str(bench.base) in caught.value.hint


def test_a_command_that_hangs_is_ended_with_all_that_it_started(bench: Any) -> None:
    with pytest.raises(NotifyError, match=r"timed out after 0\.3 s") as caught:
        publish(bench, "sh", "-c", "sleep 300 & echo $! > child; wait", timeout_sec=0.3)
    assert "timeoutSec" in caught.value.hint
    child = int((bench.base / "child").read_text())
    for _ in range(100):
        if not _runs(child):
            return
        time.sleep(0.05)
    pytest.fail("its child lives on")


def test_it_may_leave_the_event_unread_and_leaves_nothing_behind(bench: Any) -> None:
    publish(bench, "true")
    assert list((bench.base / "scratch").iterdir()) == []


def test_any_number_may_be_published_at_a_time(bench: Any) -> None:
    publisher = ExecPublisher(declared("sh", "-c", "cat > event-$CLS_LOT", "$.lot"), bench.surroundings())
    lots = [EVENT.lot]
    for _ in range(9):
        lots.append(lots[-1].next)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda lot: publisher.publish(evolve(EVENT, lot=lot)), lots))
    for lot in lots:
        assert json.loads((bench.base / f"event-{lot}").read_text())["lot"] == str(lot)


@pytest.mark.parametrize(
    "command", [(), ("",), ("tell", "$.nothing"), ("tell", "$.dataset"), ("tell", "$$.lot"), ("tell", "$.lot x")]
)
def test_a_command_that_could_not_work_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(InvalidValueError):
        declared(*command)


def test_a_declaration_reads_back_as_it_was_printed() -> None:
    notifier = declared("tell", "$.lot", environment={"A": "b"})
    assert read_declaration(to_json(notifier), ExecNotifier, source="test") == notifier


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
