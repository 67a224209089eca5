"""How components are declared, what their keys mean, and that `cls` tells of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from cls_azure import components
from cls_azure.capabilities import CAPABILITIES
from clusterless import codec
from clusterless.cli.app import main
from clusterless.codec.names import stored_names
from clusterless.errors import MalformedError
from clusterless.model.capability import Capability
from clusterless.plugins import find_plugins

TOPIC = "https://topic.westeurope-1.eventgrid.azure.net/api/events"
GIVEN: dict[str, dict[str, Any]] = {
    "blobContainer": {"containerName": "a-container"},
    "storageQueue": {"queueName": "a-queue"},
    "storageQueueNotifier": {"queue": "a-queue"},
    "eventGridNotifier": {"endpoint": TOPIC},
    "blobPutListenerBoundary": {
        "lotUnit": "Twelfths",
        "dataset": {"name": "a", "version": "1", "pathURI": "az://c/in/"},
    },
    "blobCopyArc": {
        "sources": {"main": {"name": "a", "version": "1"}},
        "sinks": {"main": {"name": "b", "version": "1", "pathURI": "az://c/out/"}},
    },
    "containerAppsJobArc": {"sources": {"main": {"name": "a", "version": "1"}}, "workload": {"job": "box"}},
}
"""The least that each is declared by."""


def declared(type_: str, **values: Any) -> Any:
    component = find_plugins().components()[f"azure:core:{type_}"]
    whole = {"type": component.type, "name": "it", **GIVEN[type_], **values}
    return codec.read_declaration(whole, component.model, source="p.json")


def test_all_that_is_offered_is_known_here() -> None:
    offered = {name for name in find_plugins().components() if name.startswith("azure:")}
    assert offered == {f"azure:core:{name}" for name in GIVEN}


@pytest.mark.parametrize("type_", GIVEN)
def test_what_is_declared_is_written_as_it_was_read(type_: str) -> None:
    read = declared(type_)
    assert codec.read_declaration(codec.to_json(read), type(read), source="again") == read


def test_none_of_the_components_is_without_meanings() -> None:
    said = json.loads((Path(components.__file__).parent / "meanings.json").read_text())
    wanted = set()
    for model in _models([type(declared(type_)) for type_ in GIVEN]):
        own = {key for name, key in stored_names(model).items() if name in model.__annotations__}
        if model.__module__.startswith("cls_azure."):
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
        ("blobContainer", {"containerName": "Capitals"}, "'Capitals' cannot be the name of a container"),
        ("storageQueue", {"queueName": "a_queue"}, "'a_queue' cannot be the name of a queue"),
        ("storageQueueNotifier", {"queue": "a/queue"}, "is not a queue"),
        ("storageQueueNotifier", {"queue": "https://them.queue.core.windows.net/Q_"}, "cannot be the name of a queue"),
        ("storageQueueNotifier", {"form": "xml"}, "form"),
        ("eventGridNotifier", {"endpoint": "http://topic.example/api/events"}, "not the endpoint of a topic"),
        ("eventGridNotifier", {"endpoint": f"{TOPIC}?key=x"}, "not the endpoint of a topic"),
        ("eventGridNotifier", {"endpoint": "https://me:pw@topic.example/"}, "not the endpoint of a topic"),
        ("eventGridNotifier", {"keyEnv": "c2VjcmV0LWtleQ=="}, "not the name of an environment variable"),
        (
            "blobCopyArc",
            {"sinks": {"main": {"name": "b", "version": "1", "pathURI": "s3://b/"}}},
            "is no az:// location",
        ),
        ("blobPutListenerBoundary", {"frequent": {"queueFetchWaitSec": 21}}, "queueFetchWaitSec"),
        ("blobPutListenerBoundary", {"infrequent": {"keyRegex": "x"}}, "need each other"),
        ("blobPutListenerBoundary", {"notices": "pubSub"}, "notices"),
    ],
)
def test_mistakes_are_told_with_their_place(type_: str, values: dict[str, Any], told: str) -> None:
    with pytest.raises(MalformedError) as refused:
        declared(type_, **values)
    assert told in refused.value.problem


def test_secrets_that_stand_in_the_wrong_place_are_not_repeated() -> None:
    for values in ({"endpoint": f"{TOPIC}?key=c2VjcmV0"}, {"keyEnv": "c2VjcmV0LWtleQ=="}):
        with pytest.raises(MalformedError) as refused:
            declared("eventGridNotifier", **values)
        assert "c2VjcmV0" not in f"{refused.value} {refused.value.hint}"


def test_a_key_that_is_named_must_be_set() -> None:
    assert declared("eventGridNotifier", keyEnv="TOPIC_KEY").variables == ("TOPIC_KEY",)
    assert declared("eventGridNotifier").variables == ()


@pytest.mark.parametrize("type_", GIVEN)
def test_each_is_described(type_: str) -> None:
    shown = CliRunner().invoke(main, ["show", "component", "--describe", f"azure:core:{type_}"])
    assert shown.exit_code == 0, shown.output
    assert "Keys" in shown.output


def test_each_capability_is_told_of() -> None:
    assert list(CAPABILITIES) == list(Capability)
