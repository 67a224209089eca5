"""Retention, run after run: what goes, what stays, and what is told."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, evolve, field

from clusterless import layout
from clusterless.errors import OwnershipError, WorkloadError
from clusterless.model.arc import Arc, Wait
from clusterless.model.boundary import IngressBoundary, LotSource
from clusterless.model.dataset import OnRevision, SinkDataset, SourceDataset
from clusterless.model.horizon import Horizon
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.provider import SinkResult, Work, WorkResult
from clusterless.runtime import removal
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.delivery import Delivered, deliver
from clusterless.runtime.horizon import KnownHorizon, move_horizon, read_horizon
from clusterless.runtime.intake import Intake
from clusterless.runtime.reconcile import unsettled
from clusterless.runtime.register import register
from clusterless.runtime.replay import roll_back_lot
from clusterless.runtime.retention import Expired, Retained, expire
from clusterless.runtime.seal import seal_next
from clusterless.runtime.start import started
from clusterless.store.manifests import Manifests, decode, encode
from clusterless.store.memory import MemoryStore
from clusterless.testing.faults import Moment, ScriptedStore
from clusterless.testing.simulation.rooted import Rooted

HERE = Placement(provider="local", account="local", region="here")
DATA = "memory:///data/"
IN = SinkDataset(name="in", version="1", path_uri=f"{DATA}in/")
PROJECT = Project(name="demo", version="1")
AGE = "1h"
READER = "'work' of project demo/1"


def in_boundary(dataset: SinkDataset = IN) -> IngressBoundary:
    return IngressBoundary(type="test:core:boundary", name="in", dataset=dataset, lot_unit=LotUnit.TWELFTHS)


def reading(name: str, source: str, sink: SinkDataset | None, **more: Any) -> Arc:
    heard = SourceDataset(name=source, version="1", start=more.pop("start", "all"), on_revision=OnRevision.RERUN)
    sinks = {"main": sink} if sink else {}
    heard = evolve(heard, placement=more.pop("placement", None))
    return Arc(type="test:core:arc", name=name, sources={"main": heard}, sinks=sinks, **more)


def out(name: str = "out", path: str = "") -> SinkDataset:
    return SinkDataset(name=name, version="1", path_uri=path or f"{DATA}{name}/")


@define
class Place:
    """A boundary's dataset `in` with objects, whoever reads it, and retention of it."""

    bench: Any
    data: MemoryStore = field()
    metadata: MemoryStore = field()
    arcs: list[Arc] = field(factory=list)

    @data.default
    def _data(self) -> MemoryStore:
        return MemoryStore(DATA, self.bench.clock.now)

    @metadata.default
    def _metadata(self) -> MemoryStore:
        return MemoryStore("memory:///metadata/", self.bench.clock.now)

    def declare(
        self, *arcs: Arc, project: Project = PROJECT, boundaries: tuple[IngressBoundary, ...] = (in_boundary(),)
    ) -> None:
        self.arcs += arcs
        deployable = Deployable(project=project, placement=HERE, boundaries=boundaries, arcs=arcs)
        register(self.metadata, deployable)

    def wait(self, **time: float) -> None:
        self.bench.clock.advance(timedelta(**time).total_seconds())

    def lots(self, number: int) -> list[Lot]:
        return [self.bench.lot.plus(index) for index in range(number)]

    def arrive(self, lot: Lot, *names: str, revision: int = 0) -> None:
        for name in names:
            self.data.put(f"in/{name}", b"x")
        self.bench.commit(*(f"{IN.path_uri}{name}" for name in names), lot=lot, revision=revision)

    def publish(self, sink: SinkDataset, manifest: Manifest, revision: int = 0) -> None:
        with encode(manifest).open() as body:
            Manifests(self.bench.manifest).publish(sink, manifest.lot, manifest.state, revision, body)

    def arc(self, declared: Arc | None = None, **more: Any) -> RunningArc:
        declared = declared or self.arcs[0]
        running: RunningArc = self.bench.arc(declared, **more)
        sides = running.sources.items()
        running.sources = {
            role: evolve(side, horizon=KnownHorizon(self.bench.manifest, side.dataset)) for role, side in sides
        }
        running.started = started(running)
        return running

    def work(self, *lots: Lot, arc: Arc | None = None) -> list[Delivered]:
        running = self.arc(arc)
        return [deliver(running, lot) for lot in lots]

    def retained(self, **more: Any) -> Retained:
        given = {"project": PROJECT, "dataset": IN, "age": AGE, **more}
        return Retained(
            placement=HERE,
            metadata=self.metadata,
            state=self.bench.state,
            manifests=Manifests(self.bench.manifest),
            open_store=lambda uri: Rooted(self.data, uri),
            **given,
        )

    def expire(self, **more: Any) -> Expired:
        return expire(self.retained(**more))

    def expire_all(self, **more: Any) -> Expired:
        """Give up, wait until everybody knows, remove."""
        self.expire(**more)
        self.wait(minutes=3)
        return self.expire(**more)

    @property
    def objects(self) -> list[str]:
        return [info.key for info in self.data.list()]

    def states(self, sink: SinkDataset = IN) -> list[str]:
        path = f"{layout.dataset_path(sink)}lot="
        return [info.key.removeprefix(path) for info in self.bench.manifest.list(path)]

    def removed(self, revision: int) -> str:
        return layout.manifest(IN, self.bench.lot, ManifestState.REMOVED, revision)

    def horizon(self) -> Horizon:
        return read_horizon(self.bench.manifest, IN)


def copying(place: Place) -> Any:
    """A workload that reads what it is given, and lists a copy of it."""

    def run(work: Work) -> WorkResult:
        uris = []
        for uri in work.sources["main"].read().uris:
            name = uri.rpartition("/")[2]
            place.data.put(f"copied/{work.lot}/{name}", place.data.get(uri.removeprefix(DATA)))
            uris.append(f"{DATA}copied/{work.lot}/{name}")
        result = SinkResult(manifest=place.bench.listing(work.lot, *uris))
        return WorkResult(sinks=dict.fromkeys(work.sinks, result))

    return run


@pytest.fixture
def place(bench: Any) -> Place:
    """Three lots, two of which are older than an hour; `work` reads them."""
    made = Place(bench)
    bench.worker.do = copying(made)
    made.declare(reading("work", "in", out("copied")))
    for number, lot in enumerate(made.lots(3)):
        made.arrive(lot, str(number))
    bench.clock.set(bench.lot.next.end + timedelta(hours=1))
    return made


def test_what_is_old_and_consumed_goes_in_two_steps(place: Place) -> None:
    first, second, third = place.lots(3)
    place.work(first, second, third)
    before = place.objects
    assert str(place.expire()) == f"marked lots before {third} for removal by a run two minutes later or more"
    assert place.objects == before, "nobody may still be reading"
    place.wait(seconds=119)
    assert place.expire().lots == 0
    place.wait(seconds=2)
    assert str(place.expire()) == "removed 2 lots (2 objects)"
    assert place.objects == [key for key in before if key not in {"in/0", "in/1"}]
    assert place.states() == [
        f"{first}/state=removed/attempt=0/manifest.json",
        f"{second}/state=removed/attempt=0/manifest.json",
        f"{third}/state=complete/manifest.json",
    ]


def test_a_removed_lots_manifest_says_what_was_in_it(place: Place) -> None:
    place.work(*place.lots(3))
    place.expire_all()
    key = layout.manifest(IN, place.bench.lot, ManifestState.REMOVED)
    removed = decode(place.bench.manifest, key)
    assert (removed.state, list(removed.uris)) == (ManifestState.REMOVED, [f"{IN.path_uri}0"])


def test_an_age_counts_from_a_lots_end(place: Place) -> None:
    place.work(*place.lots(3))
    place.bench.clock.set(place.bench.lot.end + timedelta(minutes=59, seconds=59))
    assert str(place.expire()) == "nothing new to remove"
    place.wait(seconds=1)
    assert place.expire().horizon == place.bench.lot.next


def test_a_lot_that_a_subscriber_has_not_consumed_stays_with_all_after_it(place: Place) -> None:
    first, second, _ = place.lots(3)
    place.work(second)
    expired = place.expire_all()
    assert (expired.lots, expired.held) == (0, (f"{READER} has not consumed lot {first}",))
    place.work(first)
    assert place.expire_all().lots == 2


def test_what_was_consumed_before_a_newer_revision_has_to_be_consumed_again(place: Place) -> None:
    first, second, _ = place.lots(3)
    place.work(first, second)
    place.arrive(first, "0", "late", revision=1)
    assert place.expire_all().held == (f"{READER} has not consumed lot {first} as it is now",)
    place.work(first)
    assert place.expire_all().lots == 2
    assert "in/late" not in place.objects
    assert [state for state in place.states() if str(first) in state] == [
        f"{first}/state=removed/attempt=0/manifest.json",
        f"{first}/state=removed/attempt=1/manifest.json",
    ]


def test_a_lot_that_is_to_be_worked_again_stays(place: Place) -> None:
    place.work(*place.lots(3))
    roll_back_lot(place.arc(), place.bench.lot, "a replay")
    assert place.expire_all().held == (f"{READER} has lot {place.bench.lot} to work again (rollback)",)


def test_a_failed_lot_stays(place: Place) -> None:
    def fail(_: Work) -> WorkResult:
        raise WorkloadError("no")

    place.bench.worker.do = fail
    place.work(place.bench.lot)
    assert place.expire_all().held == (f"{READER} has lot {place.bench.lot} to work again (missing)",)


def test_lots_before_a_subscribers_start_are_not_owed_to_it(place: Place) -> None:
    _, second, third = place.lots(3)
    place.arcs.clear()
    place.declare(reading("work", "in", out("copied"), start=str(second)))
    place.work(second, third)
    assert place.expire_all().lots == 2


def test_a_subscriber_that_has_yet_to_begin_is_waited_for(place: Place) -> None:
    assert place.expire().held == (f"{READER} has not consumed lot {place.bench.lot}",)


def test_what_is_no_longer_declared_holds_nothing_back(place: Place) -> None:
    place.arc()
    place.declare()
    assert place.expire_all().lots == 2


def test_an_arc_of_another_project_holds_back_too(place: Place) -> None:
    place.work(*place.lots(3))
    place.declare(reading("other", "in", out("others")), project=Project(name="else", version="2"), boundaries=())
    assert place.expire_all().held == (f"'other' of project else/2 has not consumed lot {place.bench.lot}",)


def test_an_arc_that_reads_a_dataset_of_that_name_elsewhere_does_not(place: Place) -> None:
    place.work(*place.lots(3))
    elsewhere = reading("other", "in", out("others"), placement=Placement(provider="local", stage="test"))
    place.declare(elsewhere, project=Project(name="else", version="2"), boundaries=())
    assert place.expire_all().lots == 2


# ---- lots that list the same objects ----


def test_an_object_that_a_lot_which_stays_lists_too_stays(place: Place) -> None:
    first, second, third = place.lots(3)
    shared = f"{IN.path_uri}shared"
    for lot in (second, third):
        place.bench.manifest.delete(layout.manifest(IN, lot, ManifestState.COMPLETE))
        place.bench.commit(shared, lot=lot)
    place.data.put("in/shared", b"x")
    place.bench.commit(shared, f"{IN.path_uri}0", lot=first, revision=1)
    place.work(first, second, third)
    assert place.expire_all().lots == 2
    assert "in/shared" in place.objects
    place.wait(hours=1)
    assert (place.expire_all().objects, "in/shared" in place.objects) == (1, False)


def test_an_object_that_was_written_again_since_stays(place: Place) -> None:
    place.work(*place.lots(3))
    place.data.put("in/0", b"newer, and not yet in any lot")
    expired = place.expire_all()
    assert (expired.lots, expired.objects, expired.kept) == (2, 1, 1)
    assert "(1 object); kept 1 object written again since" in str(expired)
    assert "in/0" in place.objects


def test_what_lies_outside_the_datasets_location_stays(place: Place) -> None:
    place.data.put("elsewhere/0", b"x")
    place.bench.commit(f"{DATA}elsewhere/0", lot=place.bench.lot, revision=1)
    place.work(*place.lots(3))
    assert place.expire_all().lots == 2
    assert "elsewhere/0" in place.objects


def test_many_objects_are_removed_in_several_passes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_AT_ONCE", 1)
    place.work(*place.lots(3))
    assert (place.expire_all().objects, place.objects[-1]) == (2, "in/2")


def test_lots_that_list_folders_stay(place: Place) -> None:
    first, second, _ = place.lots(3)
    listing = Manifest(state=ManifestState.COMPLETE, lot=first, uri_type=UriType.PATH, uris=(IN.path_uri,))
    place.publish(IN, listing, revision=1)
    place.bench.worker.do = place.bench.done
    place.work(first, second)
    expired = place.expire_all()
    assert (expired.lots, expired.held) == (1, (f"lot {first} lists folders, not objects",))
    assert len([key for key in place.objects if key.startswith("in/")]) == 2


# ---- whose it is ----


def test_a_dataset_of_another_project_is_left_alone(place: Place) -> None:
    with pytest.raises(OwnershipError, match="belongs to project demo/1: project else/1 does not remove it"):
        place.expire(project=Project(name="else", version="1"))


def test_a_dataset_that_nobody_has_declared_is_left_alone(place: Place) -> None:
    with pytest.raises(OwnershipError, match="dataset none/1 is nobody's"):
        place.expire(dataset=SinkDataset(name="none", version="1", path_uri=DATA))


def test_a_location_that_two_datasets_share_is_left_alone(place: Place) -> None:
    twin = in_boundary(SinkDataset(name="twin", version="1", path_uri=f"{IN.path_uri}below/"))
    place.declare(project=Project(name="else", version="1"), boundaries=(twin,))
    with pytest.raises(WorkloadError, match="lie where those of twin/1 do"):
        place.expire()


# ---- barriers: datasets that list the objects of others ----


@pytest.fixture
def joined(place: Place) -> Place:
    """`join` lists the objects of `in` where they lie; `last` reads what it lists."""

    def pass_on(work: Work) -> WorkResult:
        manifest = Manifest(state=ManifestState.COMPLETE, lot=work.lot, uris=tuple(work.sources["main"].read().uris))
        return WorkResult(sinks=dict.fromkeys(work.sinks, SinkResult(manifest=manifest)))

    place.bench.worker.do = pass_on
    place.arcs.clear()
    place.declare(reading("join", "in", out("joined", IN.path_uri)), reading("last", "joined", out("after")))
    return place


def test_what_a_barrier_passes_on_stays_until_its_own_subscribers_have_consumed_it(joined: Place) -> None:
    join, last = joined.arcs
    joined.work(*joined.lots(3), arc=join)
    assert joined.expire_all().held == (f"'last' of project demo/1 has not consumed lot {joined.bench.lot}",)
    assert "in/0" in joined.objects
    joined.work(*joined.lots(3), arc=last)
    assert joined.expire_all().objects == 2


def test_of_a_barriers_dataset_only_the_manifests_go(joined: Place) -> None:
    join, last = joined.arcs
    for arc in (join, last):
        joined.work(*joined.lots(3), arc=arc)
    before = joined.objects
    expired = joined.expire_all(dataset=out("joined", IN.path_uri))
    assert (expired.lots, expired.objects, joined.objects) == (2, 0, before)
    assert f"{joined.bench.lot}/state=removed/attempt=0/manifest.json" in joined.states(out("joined"))


# ---- nothing before the horizon is claimed ----


def test_a_lot_before_the_horizon_is_not_claimed(place: Place) -> None:
    first, _, third = place.lots(3)
    move_horizon(place.bench.manifest, IN, third)
    (delivered,) = place.work(first)
    assert (delivered.why, delivered.seconds) == ("removed by retention", None)
    assert place.bench.kinds(first) == ""
    assert list(unsettled(place.arc())) == [third]


def test_a_larger_lot_is_not_claimed_where_a_part_lies_before_the_horizon(place: Place) -> None:
    day = Lot.containing(place.bench.lot.start, LotUnit.DAYS)
    move_horizon(place.bench.manifest, IN, place.bench.lot)
    assert place.horizon().hides(day)
    assert not place.horizon().hides(day.next)


def test_a_replay_of_what_was_given_up_is_not_worked_and_holds_nothing_back(place: Place) -> None:
    first, _, _ = place.lots(3)
    place.work(*place.lots(3))
    place.expire()
    running = place.arc()
    roll_back_lot(running, first, "a replay")
    assert deliver(running, first).why == "removed by retention"
    place.wait(minutes=3)
    assert place.expire().lots == 2


def test_a_replay_whose_source_was_given_up_holds_back_nothing_of_what_it_would_make(place: Place) -> None:
    """It is never worked: to wait for it would be to wait for ever."""
    first, _, third = place.lots(3)
    place.work(*place.lots(3))
    place.expire()
    copied = place.arcs[0].sinks["main"]
    roll_back_lot(place.arc(), first, "a replay")
    expired = place.expire(dataset=copied)
    assert (expired.horizon, expired.held) == (third, ())
    place.wait(minutes=3)
    assert place.expire(dataset=copied).objects == 2


def test_who_reads_what_was_given_up_too_is_not_waited_for_and_what_it_is_owed_stays(place: Place) -> None:
    """A lot came when another source of its reader was over: it holds back no other, and is named."""
    first, second, third = place.lots(3)
    early = reading("work", "in", out("copied"), wait=Wait(deadline_sec=1))
    other = SourceDataset(name="other", version="1", start="all")
    place.bench.sources = {"main": early.sources["main"], "other": other}
    place.arcs.clear()
    place.declare(evolve(early, sources={**early.sources, "other": other}))
    place.work(second)
    assert place.expire().held == (f"{READER} has not consumed lot {first}",)
    move_horizon(place.bench.manifest, other, second)
    expired = place.expire()
    assert (expired.horizon, expired.held) == (third, ())
    place.wait(minutes=3)
    assert place.expire().held == (f"{READER} has not consumed lot {first}",)
    assert place.objects[-2:] == ["in/0", "in/2"]


def test_a_claim_that_was_made_before_is_waited_for(place: Place) -> None:
    first, _, _ = place.lots(3)
    place.work(*place.lots(3))
    running = place.arc()
    roll_back_lot(running, first, "a replay")

    def hold(work: Work) -> WorkResult:
        place.expire()
        place.wait(minutes=3)
        expired = place.expire()
        assert (expired.lots, expired.held) == (0, (f"{READER} is working lot {first}",))
        return copying(place)(work)

    # The horizon is moved before the replay is seen, and the claim was under way then.
    move_horizon(place.bench.manifest, IN, place.lots(3)[2])
    running.sources = {role: evolve(side, horizon=Horizon) for role, side in running.sources.items()}
    place.bench.worker.do = hold
    assert deliver(running, first).outcome is not None
    assert place.expire().lots == 1


def test_a_claim_that_took_long_to_write_is_let_go(place: Place) -> None:
    """What was known when the claim was decided is too old when it is there."""
    first, _, third = place.lots(3)

    def slow(moment: Moment) -> None:
        if moment.method == "create" and moment.key.endswith("000001.json") and not moment.done:
            move_horizon(place.bench.manifest, IN, third)
            place.wait(minutes=4)

    running = place.arc(state=ScriptedStore(place.bench.state, slow))
    delivered = deliver(running, first)
    assert (delivered.why, place.bench.kinds(first)) == ("released", "claim rollback")
    assert not place.bench.worker.works
    assert deliver(running, first).why == "removed by retention"


def test_a_claim_whose_claimant_is_gone_is_given_up_behind_the_horizon(place: Place) -> None:
    first, _, third = place.lots(3)

    def die(_: Work) -> WorkResult:
        raise KeyboardInterrupt

    place.bench.worker.do = die
    with pytest.raises(KeyboardInterrupt):
        place.work(first)
    move_horizon(place.bench.manifest, IN, third)
    place.wait(hours=1)
    assert list(unsettled(place.arc())) == [first, third]
    place.work(first)
    place.wait(hours=1)
    assert place.work(first)[0].why == "removed by retention"
    assert place.bench.kinds(first) == "claim missing"


def test_the_horizon_is_looked_at_once_a_minute(place: Place) -> None:
    known = KnownHorizon(place.bench.manifest, IN)
    assert known().lot is None
    move_horizon(place.bench.manifest, IN, place.bench.lot)
    place.wait(seconds=59)
    assert known().lot is None
    place.wait(seconds=1)
    assert known().lot == place.bench.lot


def test_a_horizon_never_moves_back(place: Place) -> None:
    first, second, _ = place.lots(3)
    move_horizon(place.bench.manifest, IN, second)
    move_horizon(place.bench.manifest, IN, first)
    assert place.horizon().lot == second


def test_a_horizon_that_moves_every_minute_is_followed_by_removal(place: Place) -> None:
    """Of several marks the last that everybody knows counts."""
    place.work(*place.lots(3))
    removed = 0
    for _ in range(20):
        removed += place.expire().lots
        place.wait(minutes=1)
    assert removed == 3
    assert place.horizon().cleared == place.horizon().lot


def test_a_revision_that_comes_after_the_horizon_stays_and_is_told(place: Place) -> None:
    first, _, _ = place.lots(3)
    place.work(*place.lots(3))
    place.expire()
    place.arrive(first, "0", "late", revision=1)
    place.wait(minutes=3)
    expired = place.expire()
    assert (expired.lots, expired.held) == (1, (f"{READER} has not consumed lot {first} as it is now",))
    assert "in/late" in place.objects


# ---- crashes ----


class Crash(BaseException):
    pass


def test_interrupted_before_or_after_any_request_it_is_completed_by_the_next_run(bench: Any) -> None:
    """To the same objects and the same manifests."""
    whole = end_of(bench, None)
    requests = 0
    for number in range(1, 200):
        for is_after in (False, True):
            if (ended := end_of(bench, (number, is_after))) is None:
                assert requests > 20
                return
            assert ended == whole
            requests += 1


def end_of(bench: Any, crash: tuple[int, bool] | None) -> Any:
    """What is there in the end, None where the run had fewer requests."""
    bench.clock.set(bench.lot.end)
    bench.state, bench.manifest = (MemoryStore(store.root, bench.clock.now) for store in (bench.state, bench.manifest))
    place = Place(bench)
    bench.worker.do = copying(place)
    place.declare(reading("work", "in", out("copied")))
    for number, lot in enumerate(place.lots(2)):
        place.arrive(lot, str(number), f"{number}-more")
    place.arrive(bench.lot, "0", "0-late", revision=1)
    bench.clock.set(bench.lot.next.end + timedelta(hours=1))
    place.work(*place.lots(2))
    place.expire()
    place.wait(minutes=3)
    if crash:
        crashed = False
        made = 0

        def on_request(moment: Moment) -> None:
            nonlocal crashed, made
            made += not moment.done
            if (made, moment.done) == crash and not crashed:
                crashed = True
                raise Crash

        retained = place.retained()
        retained = evolve(
            retained,
            manifests=Manifests(ScriptedStore(bench.manifest, on_request)),
            open_store=lambda uri: ScriptedStore(Rooted(place.data, uri), on_request),
        )
        with suppress(Crash):
            expire(retained)
        if not crashed:
            return None
    place.expire()
    return place.objects, place.states(), [info.key for info in bench.manifest.list(layout.horizon(IN))]


# ---- lots that come after ----


def test_what_comes_late_for_a_removed_lot_is_a_new_revision_of_its_own(bench: Any) -> None:
    place = Place(bench)
    regex = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)(?P<minute>\d\d)"
    booker = bench.booker(lot_source=LotSource.KEY_TIMESTAMP_REGEX, key_regex=regex)
    running = bench.boundary(booker)
    place.declare(boundaries=(evolve(booker, dataset=IN),))
    for name in ("20240131T0820-a", "20240131T0820-b"):
        running.source.arrivals.append(bench.arrival(name))
        Intake(running).take(0)
        place.wait(minutes=1)
        seal_next(running)
        place.wait(hours=2)
        place.expire_all(thorough=True)
    assert place.states() == [f"{bench.lot}/state=removed/attempt={number}/manifest.json" for number in (0, 1)]
    kept = {event.revision: decode(bench.manifest, place.removed(event.revision)).uris for event in bench.events}
    assert kept == {0: (f"{IN.path_uri}20240131T0820-a",), 1: (f"{IN.path_uri}20240131T0820-b",)}


def test_what_a_new_revision_is_made_from_is_read_after_its_removal_too(place: Place) -> None:
    place.work(*place.lots(3))
    found = Manifests(place.bench.manifest).newest(IN, place.bench.lot)
    assert found
    place.expire_all()
    assert list(Manifests(place.bench.manifest).read_kept(found.uri).uris) == [f"{IN.path_uri}0"]


def test_a_join_that_may_be_worked_early_is_asked_what_it_consumed(place: Place) -> None:
    """Its first outcome may have been made without the dataset's lot."""
    place.arcs.clear()
    early = reading("work", "in", out("copied"), wait=Wait(deadline_sec=1))
    other = SourceDataset(name="other", version="1", start="all")
    place.bench.sources = {"main": early.sources["main"], "other": other}
    place.declare(evolve(early, sources={**early.sources, "other": other}))
    lot = place.bench.lot
    key = layout.manifest(IN, lot, ManifestState.COMPLETE)
    body = place.bench.manifest.get(key)
    place.bench.manifest.delete(key)
    place.publish(out("other"), place.bench.listing(lot, f"{DATA}other/x"))
    place.wait(seconds=2)
    place.bench.worker.do = place.bench.done
    assert place.work(lot)[0].outcome is not None
    place.bench.manifest.put(key, body)
    assert place.expire().held == (f"{READER} has not consumed lot {lot} as it is now",)
