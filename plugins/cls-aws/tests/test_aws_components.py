"""Project files of the reference system load as they are: its types, keys and defaults (FORMATS 11)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import attrs
import pytest

from cls_aws import batch, components
from clusterless import codec
from clusterless.codec.names import stored_names
from clusterless.errors import InvalidValueError, MalformedError, NotInstalledError
from clusterless.model.arc import Arc
from clusterless.model.boundary import IngressBoundary
from clusterless.model.runtime_props import Architecture
from clusterless.plugins import find_plugins
from clusterless.testing.vectors import vectors

CASES = [
    pytest.param(json.loads(case["text"]), id=json.loads(case["text"])["type"]) for case in vectors("aws_components")
]

GIVEN: Mapping[str, Any] = {
    "name": "element",
    "version": "1",
    "bucketName": "a-bucket",
    "computeEnvironmentName": "env",
    "eventBusName": "bus",
    "databaseName": "db",
    "databaseRef": "db",
    "tableName": "table",
    "pathURI": "s3://bucket/table/",
    "dataFormat": "parquet",
    "interval": "Twelfths",
    "lotUnit": "Twelfths",
    "logGroupName": "/aws/logs",
    "computeEnvironmentRef": "env",
    "imagePath": "image",
}
"""What is null in the defaults since somebody must give it."""


def given(declared: Any) -> Any:
    if not isinstance(declared, dict):
        return declared
    return {key: GIVEN.get(key) if value is None else given(value) for key, value in declared.items()}


def model_of(type_: str) -> Any:
    return find_plugins().component(type_).model


@pytest.mark.parametrize("default", CASES)
def test_what_the_reference_system_prints_loads_and_is_printed_alike(default: dict[str, Any]) -> None:
    if default["type"] not in find_plugins().components():
        pytest.skip(f"{default['type']} is not offered yet")
    written = given(default)
    if "sources" in written:
        written["sources"] = {"main": {"name": "a", "version": "1", "subscribe": True}}
    read = codec.read_declaration(written, model_of(default["type"]), source="a vector")
    assert _contains(codec.to_json(read), written) == []


@pytest.mark.parametrize("default", CASES)
def test_the_defaults_are_the_reference_systems(default: dict[str, Any]) -> None:
    """Only what must be given, and what it leaves out is as it prints it."""
    if default["type"] not in find_plugins().components():
        pytest.skip(f"{default['type']} is not offered yet")
    model = model_of(default["type"])
    least = _least(model, default)
    read = codec.to_json(codec.read_declaration(least, model, source="a vector"))
    assert _contains(read, given(default), but=frozenset({"sources"})) == []


def _least(model: Any, default: dict[str, Any]) -> dict[str, Any]:
    """What must be written, which the defaults show as null, or leave empty."""
    required = {stored_names(model)[field.name] for field in attrs.fields(model) if field.default is attrs.NOTHING}
    least = {key: value for key, value in given(default).items() if key in required}
    if issubclass(model, Arc):
        least["sources"] = {"main": {"name": "a", "version": "1"}}
    if model is batch.BatchExecArc:
        least["workload"] = {"computeEnvironmentRef": "env", "imagePath": "image"}
    if "interval" in default:  # or a cron, which the reference system does not know
        least["interval"] = GIVEN["interval"]
    if issubclass(model, IngressBoundary):
        least["dataset"] = {"name": "element", "version": "1", "pathURI": "s3://bucket/table/"}
    return least


def _contains(found: Any, wanted: Any, path: str = "$", but: frozenset[str] = frozenset()) -> list[str]:
    """Where *found* is not as *wanted*, which may say less."""
    if not isinstance(wanted, dict):
        return [] if found == wanted else [f"{path}: {found!r}"]
    return [
        problem
        for key, value in wanted.items()
        if key not in but and value is not None
        for problem in _contains(found.get(key), value, f"{path}.{key}", but)
    ]


def test_none_of_the_components_of_this_plugin_is_without_meanings() -> None:
    said = json.loads((Path(components.__file__).parent / "meanings.json").read_text())
    for model in _models(
        type_.model for type_ in find_plugins().components().values() if type_.type.startswith("aws:")
    ):
        for name, key in stored_names(model).items():
            if model.__module__.startswith("cls_aws.") and name in model.__annotations__:
                assert said.get(f"{model.__name__}.{key}"), f"{model.__name__}.{key}"


def _models(models: Any) -> list[Any]:
    found: list[Any] = []
    for model in models:
        for each in (model, *model.__mro__):
            if attrs.has(each) and each not in found:
                found.append(each)
    for model in list(found):
        attrs.resolve_types(model)
        inner = [field.type for field in attrs.fields(model) if isinstance(field.type, type) and attrs.has(field.type)]
        found += [each for each in inner if each not in found]
    return found


# ---- mistakes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "values", "told"),
    [
        ("s3Bucket", {"bucketName": "Capitals"}, "'Capitals' cannot be the name of a bucket"),
        ("s3Bucket", {"bucketName": "10.0.0.1"}, "'10.0.0.1' cannot be the name of a bucket"),
        ("s3Bucket", {"bucketName": "a..b"}, "cannot be the name of a bucket"),
        ("s3Bucket", {"bucketName": "a" * 64}, "cannot be the name of a bucket"),
        ("s3Bucket", {"bucketName": "ok-bucket", "computeType": "x"}, "computeType"),
        ("glueTable", {"schema": {"dataFormat": "avro"}}, "'avro' is not a format"),
        ("glueTable", {"pathURI": "gs://b/x/"}, "is no location in a bucket"),
        ("glueDatabase", {"databaseName": "Upper"}, "'Upper' is not a database_name"),
        ("batchExecArc", {"workload": {}}, "'computeEnvironmentRef' is missing"),
        ("batchExecArc", {"workload": {"computeEnvironmentRef": "x"}}, "'imagePath' is missing"),
        ("snsNotifier", {"topicArn": "arn:aws:sqs:us-west-2:123456789012:q"}, "is not the ARN that is meant"),
        ("sqsNotifier", {"queueArn": "https://sqs.us-west-2"}, "is not an ARN"),
        ("eventBridgeNotifier", {"eventBusArn": "arn:aws:events:us-west-2:123456789012:rule/x"}, "event-bus/name"),
    ],
)
def test_mistakes_are_told_with_their_place(type_: str, values: dict[str, Any], told: str) -> None:
    model = model_of(f"aws:core:{type_}")
    whole = {**given({"type": f"aws:core:{type_}", "name": None}), **_others(type_), **values}
    with pytest.raises(MalformedError) as refused:
        codec.read_declaration(whole, model, source="p.json")
    assert told in refused.value.problem


def _others(type_: str) -> dict[str, Any]:
    return {
        "glueTable": {
            "databaseRef": "d",
            "tableName": "t",
            "pathURI": "s3://b/t/",
            "schema": {"dataFormat": "PARQUET"},
        },
        "batchExecArc": {"sources": {"main": {"name": "a", "version": "1"}}},
    }.get(type_, {})


# ---- what Batch runs -------------------------------------------------------------------------------------------


def arc(**workload: Any) -> batch.BatchExecArc:
    written = {"type": "aws:core:batchExecArc", "name": "box", "sources": {"main": {"name": "a", "version": "1"}}}
    workload = {"computeEnvironmentRef": "env", "imagePath": "image", **workload}
    read: batch.BatchExecArc = codec.read_declaration({**written, "workload": workload}, batch.BatchExecArc, source="x")
    return read


def test_a_container_is_what_the_arc_says() -> None:
    made = batch.container(
        arc(
            command=["python", "$.role"],
            environment={"A": "b"},
            batchRuntimeProps={"memorySizeMB": 2048, "timeoutMin": 2},
        )
    )
    assert (made.image_path, list(made.command), dict(made.environment)) == ("image", ["python", "$.role"], {"A": "b"})
    assert (made.memory_mb, made.timeout_sec, made.architecture) == (2048, 120, Architecture.X86_64)
    assert "AWS_SECRET_ACCESS_KEY" in made.passed


def test_a_job_is_told_of_itself_as_batch_would_tell_it() -> None:
    made = batch.container(arc())
    first, again, other = (made.told(SimpleNamespace(attempt=each)) for each in ("0-1-a", "0-1-a", "0-2-b"))  # type: ignore[arg-type]
    assert first == again != other
    assert str(UUID(first["AWS_BATCH_JOB_ID"])) == first["AWS_BATCH_JOB_ID"]
    assert first["AWS_BATCH_JOB_ATTEMPT"] == "1"


def test_what_a_file_leaves_out_of_an_object_keeps_its_default() -> None:
    """The reference system replaces it as a whole."""
    props = arc(lambdaRuntimeProps={"memorySizeMB": 1024}).workload.lambda_runtime_props
    assert (props.memory_size_mb, props.retry_attempts, props.timeout_min) == (1024, 3, 15)


def test_without_an_engine_it_is_said_how_to_have_one() -> None:
    component = find_plugins().arcs()["aws:core:batchExecArc"]
    assert component.container is batch.container
    with pytest.raises(NotInstalledError, match="arc box is worked in a container") as refused:
        component.load()(arc(), None)  # type: ignore[arg-type]
    assert refused.value.hint.startswith("cls run --workloads docker")


def test_selectors_that_are_none_are_refused_when_they_are_declared() -> None:
    with pytest.raises((MalformedError, InvalidValueError)):
        arc(command=["$.a.[x"])
