"""`Survey`: how far back a pass looks, and what it can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from clusterless.model.dataset import SourceDataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.runner import survey as module
from clusterless.runner.survey import Survey
from clusterless.runtime.arc import RunningArc
from clusterless.store.manifests import encode

NEW = Lot.parse("20240131PT5M100")
OLD = Lot.containing(NEW.start - timedelta(days=300), NEW.unit)
DATASET = SourceDataset(name="in", version="1", start="all")


@pytest.fixture
def arc(an_arc: Callable[..., RunningArc]) -> RunningArc:
    """One with two lots to work, a year apart."""
    arc = an_arc()
    for lot in (OLD, NEW):
        with encode(Manifest(state=ManifestState.EMPTY, lot=lot)).open() as body:
            arc.manifests.publish(DATASET, lot, ManifestState.EMPTY, 0, body)
    return arc


def found(survey: Survey) -> list[Lot]:
    """What the rest of the pass finds."""
    return [lot for _, lot in iter(survey.next, None)]


def test_a_pass_ends_and_tells_of_rest_only_if_nothing_changed_meanwhile(arc: RunningArc) -> None:
    changes = [0]
    survey = Survey([arc], lambda: changes[0])
    assert not survey.found_rest
    assert found(survey) == [OLD, NEW]
    assert survey.next() is None
    assert survey.found_rest
    changes[0] += 1
    assert survey.ended
    assert not survey.found_rest
    survey.begin()
    assert not survey.ended
    assert survey.age >= 0


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds pass; listing the whole of history takes ten."""
    now = [1000.0]

    def slowly(arc: RunningArc) -> Iterator[Lot]:
        now[0] += 10
        yield from unsettled(arc)

    unsettled = module.unsettled
    monkeypatch.setattr(module, "unsettled", slowly)
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    def passed(seconds: float) -> None:
        now[0] += seconds

    return passed


def test_the_longer_history_takes_the_rarer_it_is_listed(arc: RunningArc, passes: Callable[[float], None]) -> None:
    survey = Survey([arc], lambda: 0)
    assert found(survey) == [OLD, NEW]
    for _ in range(5):
        passes(60)
        survey.begin_next()
        assert found(survey) == [NEW]
        assert survey.ended
        assert not survey.found_rest  # how it stands with what is old was not asked
    passes(600)
    survey.begin_next()
    assert found(survey) == [OLD, NEW]
    assert survey.found_rest


def test_what_is_old_is_found_in_the_end_by_looks_alone(arc: RunningArc, passes: Callable[[float], None]) -> None:
    survey = Survey([arc], lambda: 0)
    found(survey)
    looks = 1
    survey.begin_next()
    while found(survey) != [OLD, NEW]:
        looks += 1
        survey.begin_next()
    assert looks == 512  # the first that reaches back 300 days


@pytest.mark.usefixtures("passes")
def test_a_pass_that_broke_off_is_begun_again_as_it_was(arc: RunningArc) -> None:
    survey = Survey([arc], lambda: 0)
    assert survey.next() == (arc, OLD)
    survey.begin_again()
    assert found(survey) == [OLD, NEW]
    survey.begin_next()
    survey.begin_again()
    assert found(survey) == [NEW]
