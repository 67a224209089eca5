"""How components are declared, what their keys mean, and what is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
from beds.proxy import Answer, Plan, proxied
from click.testing import CliRunner

from cls_gcp import clients, components, topics
from cls_gcp.bootstrap import GcpBootstrap
from cls_gcp.names import TopicName
from cls_gcp.provider import GcpProvider
from cls_gcp.settings import reach
from clusterless import codec
from clusterless.bootstrap import Action
from clusterless.cli.app import main
from clusterless.codec.names import stored_names
from clusterless.errors import MalformedError, StoreRefusedError, StoreUnavailableError
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import Surroundings
from clusterless.runtime.clock import SystemClock

GIVEN: dict[str, dict[str, Any]] = {
    "gcsBucket": {"bucketName": "a-bucket"},
    "pubSubTopic": {"topicName": "a-topic"},
    "pubSubNotifier": {"topic": "a-topic"},
    "gcsPutListenerBoundary": {
        "lotUnit": "Twelfths",
        "dataset": {"name": "a", "version": "1", "pathURI": "gs://b/in/"},
    },
    "gcsCopyArc": {
        "sources": {"main": {"name": "a", "version": "1"}},
        "sinks": {"main": {"name": "b", "version": "1", "pathURI": "gs://b/out/"}},
    },
    "cloudRunJobArc": {"sources": {"main": {"name": "a", "version": "1"}}, "workload": {"job": "j"}},
}
"""The least that each is declared by."""


def declared(type_: str, **values: Any) -> Any:
    component = find_plugins().components()[f"gcp:core:{type_}"]
    whole = {"type": component.type, "name": "it", **GIVEN[type_], **values}
    return codec.read_declaration(whole, component.model, source="p.json")


def test_all_that_is_offered_is_known_here() -> None:
    offered = {name for name in find_plugins().components() if name.startswith("gcp:")}
    assert offered == {f"gcp:core:{name}" for name in GIVEN}


@pytest.mark.parametrize("type_", GIVEN)
def test_what_is_declared_is_written_as_it_was_read(type_: str) -> None:
    read = declared(type_)
    assert codec.read_declaration(codec.to_json(read), type(read), source="again") == read


def test_none_of_the_components_is_without_meanings() -> None:
    said = json.loads((Path(components.__file__).parent / "meanings.json").read_text())
    wanted = set()
    for model in _models([type(declared(type_)) for type_ in GIVEN]):
        own = {key for name, key in stored_names(model).items() if name in model.__annotations__}
        if model.__module__.startswith("cls_gcp."):
            wanted |= {f"{model.__name__}.{key}" for key in own}
    assert said.keys() == wanted


def _models(models: list[Any]) -> list[Any]:
    found: list[Any] = []
    for model in models:
        found += [each for each in model.__mro__ if attrs.has(each) and each not in found]
    for model in found:  # which grows
        attrs.resolve_types(model)
        inner = [field.type for field in attrs.fields(model) if isinstance(field.type, type) and attrs.has(field.type)]
        found += [each for each in inner if each not in found]
    return found


@pytest.mark.parametrize(
    ("type_", "values", "told"),
    [
        ("gcsBucket", {"bucketName": "Capitals"}, "'Capitals' cannot be the name of a bucket"),
        ("gcsBucket", {"bucketNames": "x"}, "bucketNames"),
        ("pubSubTopic", {"topicName": "goog-it"}, "is not a topic"),
        ("pubSubTopic", {"topicName": "projects/p/topics/t-1"}, "is not a topic"),
        ("pubSubNotifier", {"topic": "projects/p/queues/t-1"}, "is not a topic"),
        ("pubSubNotifier", {"form": "xml"}, "form"),
        ("gcsCopyArc", {"sinks": {"main": {"name": "b", "version": "1", "pathURI": "s3://b/"}}}, "is no gs://"),
        ("gcsPutListenerBoundary", {"frequent": {"queueFetchWaitSec": 21}}, "queueFetchWaitSec"),
        ("gcsPutListenerBoundary", {"infrequent": {"keyRegex": "x"}}, "need each other"),
        ("gcsPutListenerBoundary", {"notices": "eventBridge"}, "notices"),
    ],
)
def test_mistakes_are_told_with_their_place(type_: str, values: dict[str, Any], told: str) -> None:
    with pytest.raises(MalformedError) as refused:
        declared(type_, **values)
    assert told in refused.value.problem


# ---- what is made ----------------------------------------------------------------------------------------------


@pytest.fixture
def around(gcs: str, emulator: str, tmp_path: Path) -> Surroundings:
    stage = f"t{uuid4().hex[:8]}"
    place = Placement(provider="gcp", stage=stage, account="project-1", region="europe-west1")
    return Surroundings(
        project=Project(name="Demo", version="1.0"),
        placement=place,
        roots=GcpProvider().roots(place, tmp_path),
        open_store=find_plugins().open_store,
        clock=SystemClock(),
        base=tmp_path,
        scratch=tmp_path,
    )


def make(type_: str, around: Surroundings, **values: Any) -> None:
    component: Any = find_plugins().components()[f"gcp:core:{type_}"]
    component.load()(declared(type_, **values), around)


def test_a_bucket_is_made_once_with_what_is_declared(around: Surroundings) -> None:
    name = f"{around.placement.stage}-made"
    for versioned in (False, False, True):
        make("gcsBucket", around, bucketName=name, labels={"team": "x"}, versioned=versioned)
        found = clients.storage(reach(around.placement)).get_bucket(name)
        assert found.versioning_enabled is versioned


def test_a_bucket_is_asked_for_closed_and_in_its_place(
    around: Surroundings, gcs: str, apart: pytest.MonkeyPatch
) -> None:
    class Kept(Plan):
        bodies: list[dict[str, Any]] = []

        def take(self, request: str, body: bytes = b"") -> Any:
            if request.startswith("POST /storage/v1/b?"):
                self.bodies.append(json.loads(body))
            return super().take(request, body)

    with proxied(gcs, plan := Kept()) as endpoint:
        apart.setenv("STORAGE_EMULATOR_HOST", endpoint)
        make("gcsBucket", around, bucketName=f"{around.placement.stage}-closed", labels={"team": "x"})
    (asked,) = plan.bodies
    assert asked["location"] == "europe-west1"
    assert asked["iamConfiguration"]["publicAccessPrevention"] == "enforced"
    assert asked["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"] is True
    assert asked["labels"].items() >= {"team": "x", "cls-project-name": "demo", "cls-project-version": "1_0"}.items()


@pytest.mark.parametrize(
    ("asked", "status", "raised", "told"),
    [
        ("GET /storage/v1/b/", 403, StoreRefusedError, "is not of project project-1, or closed to you"),
        (r"POST /storage/v1/b\?", 409, StoreUnavailableError, "was made by somebody else just now"),
    ],
)
def test_a_bucket_of_somebody_else_is_told_of(
    around: Surroundings, gcs: str, apart: pytest.MonkeyPatch, asked: str, status: int, raised: Any, told: str
) -> None:
    plan = Plan([(asked, Answer(status, b"{}"))])
    with proxied(gcs, plan) as endpoint:
        apart.setenv("STORAGE_EMULATOR_HOST", endpoint)
        with pytest.raises(raised, match=told):
            make("gcsBucket", around, bucketName=f"{around.placement.stage}-theirs")


def test_a_topic_is_made_once(around: Surroundings) -> None:
    name = f"{around.placement.stage}-topic"
    for _ in range(2):
        make("pubSubTopic", around, topicName=name)
    assert topics.is_there(clients.publisher(reach(around.placement)), TopicName("project-1", name))


def test_a_placement_that_holds_data_keeps_it_unless_it_is_to_go(around: Surroundings) -> None:
    place, base, bootstrap = around.placement, around.base, GcpBootstrap()
    made = bootstrap.make(place, base)
    assert {step.action for step in made.steps} == {Action.CREATE}
    exports = made.apply()
    assert exports["event-bus"]["id"].startswith("projects/project-1/topics/")
    assert not bootstrap.make(place, base).changes
    around.open_store(around.roots.manifest).put("a", b"x")
    kept = bootstrap.remove(place, base, with_data=False)
    assert [step.what for step in kept.steps if step.action is Action.KEEP] == [around.roots.manifest]
    kept.apply()
    assert around.open_store(around.roots.manifest).get("a") == b"x"
    bootstrap.remove(place, base, with_data=True).apply()
    assert {step.action for step in bootstrap.make(place, base).steps} == {Action.CREATE}


def test_cls_doctor_passes_a_bucket(around: Surroundings) -> None:
    name = f"{around.placement.stage}-fit"
    clients.storage(reach(around.placement)).create_bucket(name)
    done = CliRunner().invoke(main, ["doctor", f"gs://{name}/"])
    assert done.exit_code == 0, done.output
    assert "one creator wins" in done.output
    missing = CliRunner().invoke(main, ["doctor", "gs://nowhere-at-all/"])
    assert missing.exit_code == 1, missing.output
