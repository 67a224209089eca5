"""Arcs that a service works by a job: what they must say, and what an engine of this machine makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import field, frozen

from clusterless import codec
from clusterless.errors import MalformedError
from clusterless.model.arc import Arc
from clusterless.model.runtime_props import Architecture
from clusterless.provider import Container, Work
from clusterless.runtime.container_job import JobSettings, check_whole, without_engine


@frozen(kw_only=True)
class JobArc(Arc):
    workload: JobSettings = field(factory=JobSettings, validator=check_whole)


def arc(**workload: Any) -> JobArc:
    values = {"type": "a:b:c", "name": "box", "sources": {"main": {"name": "a", "version": "1"}}, "workload": workload}
    read: JobArc = codec.read_declaration(values, JobArc, source="p.json")
    return read


def told(work: Work) -> dict[str, str]:
    return {"JOB": work.attempt}


def test_an_engine_of_this_machine_runs_the_image_as_it_is_declared() -> None:
    props = {"memorySizeMB": 2048, "timeoutMin": 2, "architecture": "ARM_64"}
    declared = arc(
        image="i:1", command=["x"], environment={"A": "b"}, workloadProps={"p": 1}, containerRuntimeProps=props
    )
    assert declared.workload.container(("TOKEN",), told) == Container(
        image="i:1",
        command=("x",),
        environment={"A": "b"},
        passed=("TOKEN",),
        told=told,
        props={"p": 1},
        timeout_sec=120,
        memory_mb=2048,
        architecture=Architecture.ARM_64,
    )


@pytest.mark.parametrize(
    ("workload", "problem"),
    [
        ({}, "neither a 'job' nor an 'image'"),
        ({"job": "j", "image": "i", "imagePath": "p"}, "both an 'image' and an 'imagePath'"),
        ({"job": "j", "command": ["$.a-b."]}, "selects nothing"),
        ({"job": "j", "environment": {"A=": "b"}}, "A="),
    ],
)
def test_what_cannot_be_run_is_refused(workload: dict[str, Any], problem: str) -> None:
    with pytest.raises(MalformedError) as refused:
        arc(**workload)
    assert problem in refused.value.problem


@pytest.mark.parametrize("one", ["job", "image", "imagePath"])
def test_one_thing_to_run_is_enough(one: str) -> None:
    assert arc(**{one: "x"}).workload.container(()).passed == ()


def test_without_an_engine_it_is_said_how_to_have_one() -> None:
    error = without_engine(arc(image="i"), "names no job")
    assert error.problem == "arc box names no job, and this run was given no engine for containers"
    assert "cls run --workloads docker" in error.hint
