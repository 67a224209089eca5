"""The contract every workload is held to that runs somebody's code."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import Factory, define, field, frozen

from clusterless import layout
from clusterless.model.dataset import Dataset, LocatedDataset, SinkDataset, SourceDataset
from clusterless.model.ledger import Claim, Complete, Missing, Partial, Rollback
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import StoreRoots, Surroundings
from clusterless.runtime.arc import RunningArc, SourceSide, Writer, pins
from clusterless.runtime.attempt import Outcome, work_lot
from clusterless.runtime.clock import SystemClock
from clusterless.store.files import FileStore
from clusterless.store.manifests import Manifests, encode

if TYPE_CHECKING:
    from clusterless.model.arc import Arc
    from clusterless.provider import Workload

LOT = Lot.parse("20240131PT5M287")
ATTEMPT = "0-1-00000000000000aa"
_OTHER = Lot.parse("20240131PT5M000")
_KEYS = layout.ArcKeys(Project(name="demo", version="1"), "work")
_SECRET = "CLS_CONTRACT_PASSWORD"  # noqa: S105  the name of a variable
_SOON = 2.0  # seconds


@frozen(kw_only=True)
class Staged:
    """A manifest that a workload writes by itself, for *role*; it lists *uris*."""

    state: str = "complete"
    role: str = "main"
    lot: Lot = LOT
    uris: tuple[str, ...] = ()


@frozen(kw_only=True)
class Does:
    """What a workload is to do, in this order.

    It *prints* a line, and all its variables where it *shows_variables*; by sink role, it *writes* objects that hold
    their name, with the manifest that lists them (nothing written: an empty one); it writes the manifests *staged*
    besides; and it ends with the exit *code*, or, with None, not before it is made to.
    """

    prints: str = ""
    shows_variables: bool = False
    writes: Mapping[str, Sequence[str]] = Factory(dict)
    staged: Sequence[Staged] = ()
    code: int | None = 0


@define
class LotBench:
    """A lot of one source, ``main``, with folders of *base* for everything, and what becomes of an attempt at it."""

    base: Path
    sinks: tuple[str, ...] = ("main",)
    timeout: float = 60.0
    stopping: Callable[[], bool] = field(default=lambda: False)

    def uri(self, folder: str) -> str:
        return f"{(self.base / folder).as_uri()}/"

    def sink(self, role: str) -> Path:
        return self.base / f"sink-{role}"

    def staged(self, each: Staged) -> Path:
        """Where the attempt writes a manifest."""
        key = layout.staging(_KEYS, each.role, LOT, ATTEMPT)
        return self.base / "manifests" / key / f"state={each.state}" / "manifest.json"

    @property
    def elements(self) -> dict[str, Any]:
        """What an arc is declared with, but for its type and its workload."""
        return {
            "name": _KEYS.arc,
            "sources": {"main": SourceDataset(name="source", version="1")},
            "sinks": {
                role: SinkDataset(name=f"sink-{role}", version="1", path_uri=self.uri(f"sink-{role}"))
                for role in self.sinks
            },
        }

    @property
    def surroundings(self) -> Surroundings:
        (self.base / "scratch").mkdir(exist_ok=True)
        return Surroundings(
            project=_KEYS.project,
            placement=Placement(provider="local"),
            roots=StoreRoots(
                metadata=self.uri("metadata"), arc_state=self.uri("arc-state"), manifest=self.uri("manifests")
            ),
            open_store=FileStore,
            clock=SystemClock(),
            base=self.base,
            scratch=self.base / "scratch",
        )

    @property
    def printed(self) -> str:
        return (self.base / f"outputs/work/{LOT}/{ATTEMPT}.log").read_text()

    def as_shell(self, does: Does) -> str:
        """*does* for ``sh -euc``, with nothing else at hand than what POSIX has."""
        lines = [f"echo {shlex.quote(does.prints)}"] if does.prints else []
        lines += ["env"] if does.shows_variables else []
        for role, names in does.writes.items():
            folder = self.sink(role)
            lines += [f"mkdir -p {shlex.quote(str(folder))}"]
            lines += [f"printf %s {name} >{shlex.quote(str(folder / name))}" for name in names]
            uris = tuple(f"{self.uri(f'sink-{role}')}{name}" for name in names)
            lines += self._writing(Staged(role=role, state="complete" if uris else "empty", uris=uris))
        for each in does.staged:
            lines += self._writing(each)
        return "\n".join([*lines, "sleep 600" if does.code is None else f"exit {does.code}"])

    def _writing(self, staged: Staged) -> list[str]:
        told = {"state": staged.state, "lotId": str(staged.lot), "uriType": "identifier", "uris": staged.uris}
        path = self.staged(staged)
        body, folder = shlex.quote(json.dumps(told)), shlex.quote(str(path.parent))
        return [f"mkdir -p {folder}", f"printf %s {body} >{shlex.quote(str(path))}"]

    def outcome(self, arc: Arc, workload: Workload) -> Outcome:
        """What a delivery would write in the ledger."""
        running = self._running(arc, workload)
        found = running.find_sources(LOT)
        claim = Claim(
            put_id="p",
            at=datetime.now(UTC),
            by="test",
            attempt=ATTEMPT,
            revision=0,
            sources=pins(running, found),
            expires=datetime.now(UTC) + timedelta(hours=1),
        )
        try:
            return work_lot(running, LOT, claim, found, (), [])
        finally:
            workload.close()

    def _running(self, arc: Arc, workload: Workload) -> RunningArc:
        manifests = Manifests(FileStore(self.uri("manifests")))
        source = LocatedDataset(name="source", version="1", path_uri=self.uri("source"))
        key = layout.manifest(Dataset(name="source", version="1"), LOT, ManifestState.COMPLETE)
        FileStore(source.path_uri).put("one.txt", b"1")
        with encode(
            Manifest(state=ManifestState.COMPLETE, lot=LOT, uris=(f"{source.path_uri}one.txt",))
        ).open() as body:
            manifests.store.put(key, body)
        return RunningArc(
            project=_KEYS.project,
            arc=arc,
            state=FileStore(self.uri("arc-state")),
            manifests=manifests,
            sources={"main": SourceSide(dataset=source, manifests=manifests)},
            workload=workload,
            publish=lambda _: None,
            writer=Writer(by="test", new_id=lambda: "0" * 16),
            outputs=self.base / "outputs",
            stopping=self.stopping,
        )


class WorkloadContract:
    """Inherit, say how to have your workload do things, and keep every test passing.

    Provide `opened`; where something may be left behind that is not in a folder, such as a process, name it by
    `left_behind`. A workload whose code does not write manifests by itself, since it is called by an SDK that does,
    sets `writes_manifests` to False: what only they can get wrong is then left out.
    """

    __test__ = False
    writes_manifests = True

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__test__ = True

    def opened(self, bench: LotBench, does: Does) -> tuple[Arc, Workload]:
        """An arc of *bench*'s elements, with its timeout, whose workload does as it is told."""
        raise NotImplementedError

    def left_behind(self, bench: LotBench) -> Sequence[object]:
        """What is still there of the attempt, and should not be."""
        return ()

    @pytest.fixture
    def lot_bench(self, tmp_path: Path) -> LotBench:
        return LotBench(tmp_path)

    def outcome(self, bench: LotBench, **does: Any) -> Outcome:
        told = Does(**does)
        if told.staged and not self.writes_manifests:
            pytest.skip("what it runs does not write manifests by itself")
        outcome = bench.outcome(*self.opened(bench, told))
        assert list((bench.base / "scratch").iterdir()) == []
        assert list(self.left_behind(bench)) == []
        return outcome

    def problem(self, bench: LotBench, **does: Any) -> str:
        """What is said of an attempt that leaves nothing."""
        outcome = self.outcome(bench, **does)
        assert isinstance(outcome, Missing), outcome
        return outcome.error.message

    # ---- what it comes to

    def test_what_it_wrote_is_the_lot(self, lot_bench: LotBench) -> None:
        outcome = self.outcome(lot_bench, writes={"main": ["a.txt", "b.txt"]})
        assert isinstance(outcome, Complete), outcome
        record = outcome.sinks["main"]
        assert (record.state, record.objects) == (ManifestState.COMPLETE, 2)
        assert record.manifest
        assert record.manifest.uris == tuple(f"{lot_bench.uri('sink-main')}{name}" for name in ("a.txt", "b.txt"))
        assert [(lot_bench.sink("main") / name).read_text() for name in ("a.txt", "b.txt")] == ["a.txt", "b.txt"]

    def test_a_lot_of_which_nothing_comes_is_empty(self, lot_bench: LotBench) -> None:
        outcome = self.outcome(lot_bench, writes={"main": []})
        assert isinstance(outcome, Complete), outcome
        assert outcome.sinks["main"].state is ManifestState.EMPTY

    def test_each_sink_has_its_own(self, lot_bench: LotBench) -> None:
        lot_bench.sinks = ("good", "bad", "none")
        outcome = self.outcome(lot_bench, writes={"good": ["g"], "bad": ["b", "c"], "none": []})
        assert isinstance(outcome, Complete), outcome
        assert {role: sink.objects for role, sink in outcome.sinks.items()} == {"good": 1, "bad": 2, "none": 0}

    def test_a_failure_that_left_something_is_partial(self, lot_bench: LotBench) -> None:
        half = Staged(state="partial", uris=(f"{lot_bench.uri('sink-main')}half",))
        outcome = self.outcome(lot_bench, staged=[half], code=4)
        assert isinstance(outcome, Partial), outcome
        assert "4" in outcome.error.message
        assert outcome.sinks["main"].state is ManifestState.PARTIAL

    def test_a_failure_says_how_it_ended_and_what_was_printed_last(self, lot_bench: LotBench) -> None:
        problem = self.problem(lot_bench, prints="no tea", code=3)
        assert "3" in problem
        assert "no tea" in problem

    def test_a_failure_after_all_was_written_is_a_failure(self, lot_bench: LotBench) -> None:
        outcome = self.outcome(lot_bench, writes={"main": ["a"]}, code=3)
        assert isinstance(outcome, Missing | Partial), outcome

    # ---- manifests that are not as they should be

    def test_without_a_manifest_it_failed(self, lot_bench: LotBench) -> None:
        if not self.writes_manifests:
            pytest.skip("what it runs does not write manifests by itself")
        assert "without a manifest for sink 'main'" in self.problem(lot_bench)

    def test_one_sink_without_a_manifest_is_too_few(self, lot_bench: LotBench) -> None:
        if not self.writes_manifests:
            pytest.skip("what it runs does not write manifests by itself")
        lot_bench.sinks = ("main", "spare")
        assert "without a manifest for sink 'spare'" in self.problem(lot_bench, writes={"main": ["a"]})

    def test_a_manifest_of_another_lot_is_refused(self, lot_bench: LotBench) -> None:
        assert f"is of lot {_OTHER}" in self.problem(lot_bench, staged=[Staged(lot=_OTHER)])

    def test_two_manifests_for_one_sink_are_refused(self, lot_bench: LotBench) -> None:
        problem = self.problem(lot_bench, staged=[Staged(), Staged(state="empty")])
        assert "2 manifests for sink 'main'" in problem

    def test_a_manifest_of_what_is_elsewhere_is_refused(self, lot_bench: LotBench) -> None:
        assert "lists what is not below" in self.problem(lot_bench, staged=[Staged(uris=("file:///elsewhere/a",))])

    def test_a_manifest_of_a_sink_that_is_not_its_own_is_none(self, lot_bench: LotBench) -> None:
        problem = self.problem(lot_bench, staged=[Staged(role="other")])
        assert problem  # some cannot write there at all, others leave no manifest for the sink that there is

    # ---- its life

    def test_what_takes_too_long_is_ended(self, lot_bench: LotBench) -> None:
        lot_bench.timeout = _SOON
        assert "timed out after 2 s" in self.problem(lot_bench, code=None)

    def test_told_to_stop_it_is_let_go_of(self, lot_bench: LotBench) -> None:
        """As soon as what it runs has begun."""
        output = lot_bench.base / f"outputs/work/{LOT}/{ATTEMPT}.log"
        lot_bench.stopping = lambda: output.is_file() and b"begun" in output.read_bytes()
        outcome = self.outcome(lot_bench, prints="begun", code=None)
        assert isinstance(outcome, Rollback), outcome
        assert outcome.revision == 0

    def test_what_it_prints_is_kept(self, lot_bench: LotBench) -> None:
        self.outcome(lot_bench, prints="tea is ready", writes={"main": []})
        assert "tea is ready\n" in lot_bench.printed

    def test_it_is_told_of_its_lot_and_sees_no_secrets_of_its_surroundings(
        self, lot_bench: LotBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(_SECRET, "oolong")
        self.outcome(lot_bench, shows_variables=True, writes={"main": []})
        assert f"CLS_LOT={LOT}\n" in lot_bench.printed
        assert f"CLS_ATTEMPT={ATTEMPT}\n" in lot_bench.printed
        assert _SECRET not in lot_bench.printed
        assert "oolong" not in lot_bench.printed
