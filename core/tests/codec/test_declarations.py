"""Declarations: strict, every mistake at once, nested defaults completed."""

import enum
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import Factory, field, frozen
from attrs.validators import ge
from hypothesis import given
from hypothesis import strategies as st

from clusterless.codec import read_declaration, to_json
from clusterless.codec.names import stored_name
from clusterless.errors import InvalidValueError, MalformedError
from clusterless.model.activity import Activity
from clusterless.model.arc import Arc, OnEmpty, Retry, Wait, WaitFor, WorkloadSettings
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import EgressBoundary, EventArrival, IngressBoundary, PathFilter
from clusterless.model.dataset import JoinedDataset, OnRevision, SinkDataset, SourceDataset
from clusterless.model.element import Resource
from clusterless.model.lot import LotUnit
from clusterless.model.notifier import Notifier
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.model.runtime_props import Architecture, ContainerProps, FunctionProps


@frozen(kw_only=True)
class CopyProps:
    filter: PathFilter = Factory(PathFilter)
    fail_arc_on_partial_percent: float = 0.0


@frozen(kw_only=True)
class CopySettings(WorkloadSettings):
    workload_props: CopyProps = Factory(lambda: CopyProps(filter=PathFilter(excludes=("_*",), ignore_case=True)))
    runtime_props: FunctionProps = Factory(lambda: FunctionProps(retry_attempts=3, timeout_min=15))
    environment: Mapping[str, str] = Factory(lambda: {"A": "1"})


@frozen(kw_only=True)
class CopyArc(Arc):
    """As a plugin would write it: nothing is registered anywhere."""

    workload: CopySettings = Factory(CopySettings)


def read(value: Any, into: Any = CopyArc, at: str = "$") -> Any:
    return read_declaration(value, into, source="project.json", at=at)


def findings(value: Any, into: Any = CopyArc) -> list[str]:
    with pytest.raises(MalformedError) as caught:
        read(value, into)
    return caught.value.findings


def arc(**more: Any) -> dict[str, Any]:
    return {"type": "aws:core:s3CopyArc", "name": "copyA", "sources": {"main": {"name": "in", "version": "1"}}, **more}


# ---- the law --------------------------------------------------------------------------------------------------

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
element = {"type": words, "name": names, "exclude": st.booleans()}
placements = st.builds(Placement, provider=names, stage=st.none() | names, account=st.none() | names, region=names)
sources = st.builds(
    SourceDataset,
    name=names,
    version=names,
    subscribe=st.booleans(),
    start=st.sampled_from(["now", "all", "20240131PT5M287"]),
    on_revision=st.sampled_from(OnRevision),
    placement=st.none() | placements,
)
sinks = st.builds(
    SinkDataset, name=names, version=names, path_uri=words, publish=st.booleans(), take_over=st.none() | words
)
joined = st.builds(JoinedDataset, name=names, version=names, path_uri=words, take_over=st.none() | words)
patterns = st.lists(words, max_size=2).map(tuple)
filters = st.builds(PathFilter, includes=patterns, excludes=patterns, path_separator=words, ignore_case=st.booleans())
waits = st.builds(Wait, deadline_sec=st.none() | st.floats(1, 1e6)) | st.builds(
    Wait, for_=st.just(WaitFor.AT_LEAST), count=st.integers(1, 9)
)
settings = st.builds(
    CopySettings,
    workload_props=st.builds(CopyProps, filter=filters, fail_arc_on_partial_percent=st.floats(0, 1)),
    runtime_props=st.builds(FunctionProps, memory_size_mb=st.integers(128, 10240), timeout_min=st.integers(1, 15)),
    environment=st.dictionaries(words, words, max_size=2),
)
shared = {
    "sources": st.dictionaries(words, sources, min_size=1, max_size=2),
    "sinks": st.dictionaries(words, sinks, max_size=2),
    "retry": st.builds(Retry, attempts=st.integers(1, 9), backoff_sec=st.integers(0, 99) | st.floats(0, 99)),
    "lease_sec": st.floats(1, 999),
    "wait": waits,
    "on_empty": st.sampled_from(OnEmpty),
}
arcs = st.builds(CopyArc, **element, **shared, workload=settings)
boundaries = st.builds(
    IngressBoundary,
    **element,
    dataset=sinks,
    lot_unit=st.sampled_from(LotUnit),
    event_arrival=st.sampled_from(EventArrival),
    grace_sec=st.floats(0, 99),
    filter=filters,
)
others = st.one_of(
    st.builds(Resource, **element),
    st.builds(Barrier, **element, sources=shared["sources"], dataset=joined),
    st.builds(EgressBoundary, **element, sources=shared["sources"], path_uri=words),
    st.builds(Activity, **element, interval=st.sampled_from(LotUnit)),
    st.builds(Notifier, **element),
    st.builds(ContainerProps, memory_size_mb=st.integers(1, 99), architecture=st.sampled_from(Architecture)),
)


@given(arcs | boundaries | others)
def test_what_is_printed_reads_back_as_the_same(value: Any) -> None:
    printed = to_json(value)
    assert read(printed, type(value)) == value
    assert to_json(read(printed, type(value))) == printed


@given(st.lists(arcs, min_size=1, max_size=2).map(tuple))
def test_a_project_prints_each_element_with_all_its_own_keys(declared: Any) -> None:
    deployable = Deployable(
        project=Project(name="p", version="1"), placement=Placement(provider="local"), arcs=declared
    )
    printed = to_json(deployable)
    assert [read(one) for one in printed["arcs"]] == list(declared)
    assert list(printed) == [
        "project", "placement", "resources", "activities", "boundaries", "barriers", "arcs", "notifiers",
    ]  # fmt: skip


def test_printing_gives_every_key_with_type_name_and_exclude_first() -> None:
    assert list(to_json(read(arc())))[:5] == ["type", "name", "exclude", "sources", "sinks"]


# ---- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "stored"),
    [
        ("path_uri", "pathURI"),
        ("memory_size_mb", "memorySizeMB"),
        ("for_", "for"),
        ("uri_type", "uriType"),
        ("fail_arc_on_partial_percent", "failArcOnPartialPercent"),
        ("name", "name"),
        ("queue_fetch_wait_sec", "queueFetchWaitSec"),
    ],
)
def test_fields_are_stored_under_the_formats_names(field: str, stored: str) -> None:
    assert stored_name(field) == stored


@pytest.mark.parametrize("label", ["Twelfths", "twelfths", "TWELFTHS"])
def test_a_lot_unit_is_read_in_any_case(label: str) -> None:
    boundary = {
        "type": "a:b:c",
        "name": "in",
        "lotUnit": label,
        "dataset": {"name": "d", "version": "1", "pathURI": "x"},
    }
    assert to_json(read(boundary, IngressBoundary))["lotUnit"] == "Twelfths"


# ---- defaults -------------------------------------------------------------------------------------------------


def test_a_nested_object_keeps_what_it_does_not_say_from_the_default_of_the_field_it_is_in() -> None:
    runtime = read(arc(workload={"runtimeProps": {"memorySizeMB": 1024}})).workload.runtime_props
    assert (runtime.memory_size_mb, runtime.retry_attempts, runtime.timeout_min) == (1024, 3, 15)


def test_defaults_are_completed_however_deep_and_lists_are_replaced() -> None:
    workload = read(arc(workload={"workloadProps": {"filter": {"includes": ["a"]}}})).workload
    assert workload.workload_props.filter == PathFilter(includes=("a",), excludes=("_*",), ignore_case=True)
    emptied = read(arc(workload={"workloadProps": {"filter": {"excludes": []}}})).workload
    assert emptied.workload_props.filter == PathFilter(ignore_case=True)


def test_maps_are_replaced_not_merged() -> None:
    assert read(arc(workload={"environment": {"B": "2"}})).workload.environment == {"B": "2"}


def test_an_unknown_key_in_a_completed_object_is_still_found() -> None:
    assert findings(arc(workload={"workloadProps": {"filter": {"include": []}}})) == [
        "$.workload.workloadProps.filter.include: unknown key 'include'; did you mean 'includes'?"
    ]


def test_a_required_key_of_an_object_without_default_is_not_made_up() -> None:
    assert findings(arc(sinks={"main": {"name": "out", "pathURI": "x"}})) == ["$.sinks.main.version: is missing"]


# ---- mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({"exclude": 1}, "$.exclude: must be true or false, not the number 1"),
        ({"name": 5}, "$.name: must be text, not the number 5"),
        ({"name": None}, "$.name: must be text, not null"),
        ({"name": ".."}, "$.name: '..' is not a name: use up to 100 of"),
        ({"name": "x" * 5000}, "$.name: 'xxxxx"),
        ({"leaseSec": "300"}, "$.leaseSec: must be a number of seconds, not text '300'"),
        ({"leaseSec": True}, "$.leaseSec: must be a number of seconds, not true"),
        ({"leaseSec": 10**400}, "$.leaseSec: must be a finite number"),
        ({"leaseSec": float("inf")}, "$.leaseSec: must be a finite number"),
        ({"leaseSec": 0}, "$.leaseSec: 'leaseSec' must be > 0: 0"),
        ({"retry": {"attempts": 2.0}}, "$.retry.attempts: must be a whole number, not the number 2.0"),
        ({"retry": {"backoffSec": -1}}, "$.retry.backoffSec: 'backoffSec' must be >= 0: -1"),
        ({"retry": []}, "$.retry: must be an object, not a list"),
        ({"retry": None}, "$.retry: must be an object, not null"),
        ({"sources": {}}, "$.sources: at least one source is needed"),
        ({"sources": []}, "$.sources: must be an object, not a list"),
        ({"sources": {"a b": {"name": "x"}}}, '$.sources["a b"].version: is missing'),
        (
            {"sources": {"m": {"name": "x", "version": "1", "start": "never"}}},
            "$.sources.m.start: 'never' is not a start",
        ),
        ({"onEmpty": "Skip"}, "$.onEmpty: must be one of 'skip', 'run', not text 'Skip'; did you mean 'skip'?"),
        ({"onEmpty": ["skip"]}, "$.onEmpty: must be one of 'skip', 'run', not a list"),
        ({"onEmpty": True}, "$.onEmpty: must be one of 'skip', 'run', not true"),
        ({"wait": {"for": "atLeast"}}, "$.wait: 'count' goes with 'for': 'atLeast', and only with it"),
        ({"wait": {"for_": "all"}}, "$.wait.for_: unknown key 'for_'; did you mean 'for'?"),
        (
            {"workload": {"workloadProps": {"filter": {"includes": "*"}}}},
            "$.workload.workloadProps.filter.includes: must",
        ),
        ({"workload": {"environment": {"A": 1}}}, "$.workload.environment.A: must be text, not the number 1"),
        ({"zzz": 1}, "$.zzz: unknown key 'zzz'"),
    ],
)
def test_a_mistake_is_told_in_plain_words_with_its_path(wrong: dict[str, Any], finding: str) -> None:
    found = findings(arc(**wrong))
    assert len(found) == 1
    assert found[0].startswith(finding)
    assert len(found[0]) < 250


def test_every_mistake_is_told_at_once() -> None:
    wrong = arc(
        name="..", leaseSec=-1, worklod={}, retry={"attempts": 0, "backoffSec": "x"}, sources={"m": {"start": "?"}}
    )
    paths = [finding.partition(":")[0] for finding in findings(wrong)]
    assert paths == [
        "$.name", "$.sources.m.name", "$.sources.m.version", "$.sources.m.start",
        "$.retry.attempts", "$.retry.backoffSec", "$.leaseSec", "$.worklod",
    ]  # fmt: skip


def test_paths_begin_where_the_value_was_found() -> None:
    with pytest.raises(MalformedError, match=r"\$\.arcs\[3\]\.name: "):
        read(arc(name=1), at="$.arcs[3]")


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_what_is_no_object_is_refused(value: Any) -> None:
    assert findings(value)[0].startswith("$: must be an object")


class Size(enum.Enum):
    ONE = 1
    TWO = 2


@frozen(kw_only=True)
class Odd:
    """The corners of what plugins may declare."""

    low: int = 1
    high: int = field(default=2)
    size: Size = Size.ONE
    points: tuple[float, ...] = ()
    tags: list[str] = Factory(list)
    props: Mapping[str, Any] = Factory(dict)
    count_sec: int | None = field(default=None)

    @high.validator
    def _is_above(self, _: object, high: int) -> None:
        if high < self.low:
            msg = "'high' lies below 'low'"
            raise InvalidValueError(msg)

    @count_sec.validator
    def _is_positive(self, _: object, count: int | None) -> None:
        if count is not None:
            ge(1)(self, _, count)  # type: ignore[arg-type]


def test_a_validator_that_looks_at_other_fields_is_heard() -> None:
    assert read({"low": 1, "high": 5}, Odd).high == 5
    assert findings({"low": 5, "high": 1}, Odd) == ["$: 'high' lies below 'low'"]


def test_validators_of_attrs_speak_of_the_stored_name() -> None:
    assert findings({"countSec": 0}, Odd) == ["$.countSec: 'countSec' must be >= 1: 0"]


def test_numbers_stay_as_they_were_written_and_free_values_pass() -> None:
    value = {
        "low": 1,
        "high": 2,
        "size": 2,
        "points": [1, 2.5],
        "tags": ["a"],
        "props": {"x": [1, {"y": None}]},
        "countSec": None,
    }
    assert to_json(read(value, Odd)) == value
    assert findings({"size": True}, Odd) == ["$.size: must be one of 1, 2, not true"]


def test_a_misspelt_key_is_one_mistake_and_a_comment_has_no_key() -> None:
    wrong = {"type": "aws:core:s3CopyArc", "Name": "a", "comment": "x", "sources": {}}
    assert findings(wrong)[-2:] == [
        "$.Name: unknown key 'Name'; did you mean 'name'?",
        "$.comment: unknown key 'comment'; write comments as // lines",
    ]
    assert "$.name: is missing" not in findings(wrong)
