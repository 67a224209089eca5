"""Keys, URIs and templates: what is built is parsed back."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import Dataset
from clusterless.model.ledger import ArcState
from clusterless.model.lot import Lot, LotUnit
from clusterless.model.manifest import ManifestState
from clusterless.model.placement import Placement
from clusterless.model.project import Project

ROOT = "s3://store/"
LOT = Lot(date(2024, 2, 29), LotUnit.SIXTHS, 100)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True)
lots = st.builds(
    lambda day, unit, part: Lot(day, unit, int(part * unit.per_day)),
    st.dates(),
    st.sampled_from(LotUnit),
    st.floats(0, 1, exclude_max=True),
)
datasets = st.builds(Dataset, name=names, version=names)
forms = st.sampled_from(["s3://store/", "file:///a%20b/", "/", "", "s3://store/below/"])


@given(forms, datasets, lots, st.sampled_from(ManifestState), st.integers(0, 3))
def test_a_committed_manifest_is_parsed_back_from_uri_path_and_key(
    root: str, dataset: Dataset, lot: Lot, state: ManifestState, revision: int
) -> None:
    parsed = layout.parse_manifest(root + layout.manifest(dataset, lot, state, revision))
    attempt = str(revision) if revision or state is ManifestState.REMOVED else None
    assert parsed == layout.ManifestKey(dataset=dataset, lot=lot, state=state, attempt=attempt)


@given(datasets, lots, st.sampled_from([ManifestState.PARTIAL, ManifestState.REMOVED]), names, st.booleans())
def test_a_template_gives_what_is_parsed_back_whether_its_braces_are_encoded_or_not(
    dataset: Dataset, lot: Lot, state: ManifestState, attempt: str, encoded: bool
) -> None:
    template = layout.sink_template(ROOT, dataset)
    if encoded:
        template = quote(template, safe="/=:*")
    parsed = layout.parse_manifest(layout.expanded(template, lot, state, attempt))
    assert parsed == layout.ManifestKey(dataset=dataset, lot=lot, state=state, attempt=attempt)


@given(forms, st.builds(Project, name=names, version=names), names, lots, st.sampled_from(ArcState))
def test_an_arcs_state_is_parsed_back(root: str, project: Project, arc: str, lot: Lot, state: ArcState) -> None:
    key = layout.ArcKeys(project, arc).marker(lot, state.value)
    assert layout.parse_arc_state(root + key) == layout.ArcStateKey(project=project, arc=arc, lot=lot, state=state)


@given(st.text(min_size=1).filter(lambda key: max(key) < "\ud800" or min(key) > "\udfff"))
def test_any_key_is_found_again_by_its_uri(key: str) -> None:
    assert layout.key(ROOT, layout.uri(ROOT, key)) == key


@given(
    st.none() | st.from_regex(r"[a-z][a-z-]{0,8}[a-z]", fullmatch=True),
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.sampled_from(["us-west-2", "us-gov-west-1", "eu-west-1", "westeurope", "here"]),
)
def test_store_names_are_parsed_back(stage: str | None, account: str, region: str) -> None:
    placement = Placement(provider="aws", stage=stage, account=account, region=region)
    for kind, name in zip(("metadata", "arc-state", "manifest"), layout.store_names(placement), strict=True):
        parsed = layout.parse_store_name(name)
        assert parsed == layout.StoreName(kind=kind, stage=stage, account=account, region=region)


def test_placements_are_known_by_their_metadata_stores() -> None:
    here = [Placement(provider="aws", stage=stage, account="1", region="us-west-2") for stage in ("b", "a", None)]
    names = [name for each in here for name in layout.store_names(each)]
    found = layout.placements_named("aws", ["bucket", *names])
    assert list(found) == sorted(layout.store_names(each)[0] for each in here)
    assert set(found.values()) == set(here)
    assert all(layout.store_names(each)[0] == name for name, each in found.items())


@pytest.mark.parametrize("name", ["bucket", "clusterless-", "clusterless-logs-1-us", "xclusterless-manifest-1-us", ""])
def test_other_buckets_are_no_stores(name: str) -> None:
    assert layout.parse_store_name(name) is None


def test_states_are_read_from_their_segment_not_from_somewhere_in_the_key() -> None:
    key = layout.ArcKeys(Project(name="running-totals", version="1"), "complete-orders").marker(LOT, "missing")
    assert layout.parse_arc_state(key).state is ArcState.MISSING


def test_a_template_parses_with_what_it_leaves_open_absent() -> None:
    dataset = Dataset(name="orders", version="1")
    open_key = layout.ManifestKey(dataset=dataset, lot=None, state=None, attempt=None)
    assert layout.parse_manifest(layout.sink_template(ROOT, dataset)) == open_key
    assert layout.parse_manifest(quote(layout.sink_template(ROOT, dataset), safe="/=:*")) == open_key
    state = layout.parse_arc_state(layout.arc_state_template(ROOT, layout.ArcKeys(Project(name="p", version="1"), "a")))
    assert (state.arc, state.lot, state.state) == ("a", None, None)


def test_a_source_template_is_complete_but_for_the_lot() -> None:
    template = layout.source_template(ROOT, Dataset(name="in", version="1"))
    assert template == "s3://store/datasets/name=in/version=1/lot={lot}/state=complete/manifest.json"


def test_a_manifest_may_be_a_folder_with_one_file() -> None:
    key = layout.manifest(Dataset(name="d", version="1"), LOT, ManifestState.COMPLETE)
    assert layout.parse_manifest(f"{ROOT}{key}/part-0000.json").child == "part-0000.json"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://store/datasets/name=d/version=1/dataset.json",
        "s3://store/datasets/name=d/version=1/lot=20240229PT10M100/state=complete/other.json",
        "s3://store/datasets/name=d/version=1/lot=20240229PT10M100/state=done/manifest.json",
        "s3://store/datasets/name=d/version=1/lot=20240231PT10M100/state=complete/manifest.json",
        "s3://store/datasets/name=d/version=1/lot=20240229PT10M100/state=complete/manifest.json/part.avro",
    ],
)
def test_other_keys_are_no_manifests(text: str) -> None:
    with pytest.raises(InvalidValueError):
        layout.parse_manifest(text)


def test_an_attempt_goes_with_the_states_that_keep_attempts() -> None:
    template = layout.sink_template(ROOT, Dataset(name="d", version="1"))
    with pytest.raises(InvalidValueError, match="needs an attempt"):
        layout.expanded(template, LOT, ManifestState.PARTIAL)
    with pytest.raises(InvalidValueError, match="has no attempt"):
        layout.expanded(template, LOT, ManifestState.COMPLETE, "1")


def test_a_staging_template_is_expanded_without_an_attempt_of_its_own() -> None:
    path = layout.staging(layout.ArcKeys(Project(name="p", version="1"), "a"), "main", "{lot}", "0-1-x")
    template = layout.template(ROOT, f"{path}state={{state}}/manifest.json")
    uri = layout.expanded(template, LOT, ManifestState.PARTIAL)
    assert uri.endswith(f"lot={LOT}/attempt=0-1-x/state=partial/manifest.json")


def test_segments_keep_what_follows_the_first_equals_sign() -> None:
    assert layout.segments("lot=a=b/state={state}/attempt=1") == {"lot": "a=b", "attempt": "1"}


moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(moments, min_size=1))
def test_names_of_letters_sort_by_when_they_are_due_and_tell_it(dues: list[datetime]) -> None:
    keys = layout.NotifierKeys(Project(name="p", version="1"), "hook")
    names = sorted(keys.pending + keys.name(due, "0a") for due in dues)
    read = [layout.parse_letter(name) for name in names]
    assert [each[1] for each in read if each] == ["0a"] * len(dues)
    for found, due in zip((each[0] for each in read if each), sorted(dues), strict=True):
        assert abs(found - due) <= timedelta(milliseconds=1)


@pytest.mark.parametrize("name", ["", "1-a.json", "000000000000000-a.txt", "999999999999999-a.json", "notes"])
def test_what_is_no_letter_is_told_from_letters(name: str) -> None:
    assert layout.parse_letter(f"notifiers/project=p/version=1/notifier=n/pending/{name}") is None
