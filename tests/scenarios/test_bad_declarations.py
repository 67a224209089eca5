"""What is declared wrongly is told at once, kindly, and nothing is begun."""

from __future__ import annotations

import json
from typing import Any

import pytest


def refused(place: Any, *files: str, code: int = 2) -> str:
    """What `cls run` says of *files*, having touched nothing; `cls verify` says the same."""
    before = place.tree()
    ran = place.run(*files, code=code)
    assert ran.out == ""
    assert ran.err.startswith("error["), ran.err
    assert place.tree() == before
    checked = place.cls("verify", *files)
    assert (checked.code, checked.err) == (ran.code, ran.err)
    return str(ran.err)


def test_every_mistake_is_told_at_once_with_its_place(place: Any, tools: Any) -> None:
    arc = tools.arc(tipo="x")
    arc["retry"] = {"attempts": "three"}
    place.declare(boundaries=[tools.boundary(lotUnit="fortnights")], arcs=[arc])
    said = refused(place, "p.json")
    for part in ("$.boundaries[0].lotUnit", "fortnights", "$.arcs[0].tipo", "$.arcs[0].retry.attempts"):
        assert part in said
    assert "p.json" in said


def test_names_are_given_once(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc(), tools.arc(sinks=["other"])])
    assert "'work'" in refused(place, "p.json")


def test_arcs_do_not_feed_themselves(place: Any, tools: Any) -> None:
    place.declare(
        arcs=[tools.arc(name="there", sources=["a"], sinks=["b"]), tools.arc(name="back", sources=["b"], sinks=["a"])]
    )
    said = refused(place, "p.json")
    assert "arcs feed themselves" in said
    assert "there" in said
    assert "back" in said


def test_a_boundary_does_not_take_what_an_arc_writes(place: Any, tools: Any) -> None:
    arc = tools.arc()
    arc["sinks"]["main"]["pathURI"] = "in/out/"
    place.declare(boundaries=[tools.boundary()], arcs=[arc])
    assert "what is written would arrive again" in refused(place, "p.json")


def test_a_dataset_has_one_owner(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary(), tools.boundary(name="other", folder="other")])
    assert "has two owners" in refused(place, "p.json")


def test_the_owner_is_remembered(place: Any, tools: Any) -> None:
    place.declare("a.json", "a", boundaries=[tools.boundary()])
    place.put(tools.file_of(0))
    place.run("a.json")
    place.declare("b.json", "b", boundaries=[tools.boundary()])
    assert "belongs to project a/1" in refused(place, "b.json")


def test_a_source_that_nobody_owns_is_named(place: Any, tools: Any) -> None:
    place.declare(arcs=[tools.arc(sources=["nowhere"])])
    said = refused(place, "p.json")
    assert "nobody owns dataset" in said
    assert "nowhere" in said
    assert "give the file of the project that owns it too, or run that project first" in said


@pytest.mark.parametrize("provider", ["aws", "nimbus"])
def test_a_missing_plugin_is_said_with_what_to_type(place: Any, tools: Any, provider: str) -> None:
    listener = tools.boundary(type=f"{provider}:core:unheardOf")
    place.declare(boundaries=[listener])
    said = refused(place, "p.json")
    assert f"{provider}:core:unheardOf" in said
    if provider == "nimbus":
        assert "pip install cls-nimbus" in said


def test_a_placement_of_a_missing_plugin_too(place: Any, tools: Any) -> None:
    place.declare(placement={"provider": "nimbus"}, boundaries=[tools.boundary()])
    assert "pip install cls-nimbus" in refused(place, "p.json")


def test_a_file_that_is_not_there(place: Any) -> None:
    assert "nope.json" in refused(place, "nope.json", code=74)


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"', '{"project": 3}', "\xff"])
def test_a_file_that_is_no_project(place: Any, text: str) -> None:
    (place.path / "p.json").write_bytes(text.encode("latin-1"))
    assert "p.json" in refused(place, "p.json")


def test_a_deep_file_is_refused_like_any_other(place: Any) -> None:
    (place.path / "p.json").write_text("[" * 100_000)
    assert "p.json" in refused(place, "p.json")


def test_two_projects_of_one_name_and_version(place: Any, tools: Any) -> None:
    one = {"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}, "arcs": []}
    listener = {**one, "boundaries": [tools.boundary()]}
    (place.path / "p.json").write_text(json.dumps([listener, listener]))
    refused(place, "p.json")


@pytest.mark.parametrize(
    ("kind", "workload", "said"),
    [
        ("exec", {"command": ["./a", "b\0c"]}, r"workload.command[1]: text 'b\x00c' holds a NUL"),
        (
            "exec",
            {"command": ["a"], "environment": {"A\0": "1"}},
            "holds a NUL, which no name, path or argument can have",
        ),
        ("exec", {"command": ["a"], "environment": {"A": "\0"}}, "workload.environment.A: text '\\x00' holds a NUL"),
        ("exec", {"command": ["a"], "environment": {"A=B": "1"}}, "'A=B' is not the name of a variable: use letters"),
        ("python", {"function": "a:b", "environment": {"": "1"}}, "'' is not the name of a variable"),
        ("python", {"function": "a:b", "pythonPath": ["a\0"]}, "pythonPath[0]: text 'a\\x00' holds a NUL"),
        ("copy", {"workloadProps": {"rename": "{name}\0"}}, "rename: text '{name}\\x00' holds a NUL"),
        ("copy", {"workloadProps": {"rename": "{name}{"}}, "'{name}{' is not a rename: use text and {dir}"),
        ("copy", {"workloadProps": {"rename": "name}"}}, "'name}' is not a rename"),
        ("copy", {"workloadProps": {"rename": "{{name}}"}}, "'{{name}}' is not a rename"),
    ],
)
def test_a_workload_that_could_never_run(place: Any, tools: Any, kind: str, workload: Any, said: str) -> None:
    place.declare(boundaries=[tools.boundary()], arcs=[tools.arc(kind, workload=workload)])
    assert said in refused(place, "p.json")


@pytest.mark.parametrize(
    ("path", "said"),
    [("a\0b", "holds a NUL"), ("", "is empty"), ("x" * 256, "is too long"), ("x/" * 2000, "is too long")],
)
def test_a_folder_that_could_never_be(place: Any, path: str, said: str) -> None:
    place.declare(resources=[{"type": "local:core:folder", "name": "f", "path": path}])
    assert "$.resources[0].path: " in (told := refused(place, "p.json"))
    assert said in told


@pytest.mark.parametrize("folder", [".clusterless", ".clusterless/clusterless-manifest-local-here/x", ".clusterless/."])
@pytest.mark.parametrize("of", ["boundary", "arc"])
def test_data_does_not_lie_among_the_records_nor_around_them(place: Any, tools: Any, folder: str, of: str) -> None:
    listener, arc = tools.boundary(), tools.arc()
    (listener["dataset"] if of == "boundary" else arc["sinks"]["main"])["pathURI"] = f"{folder}/"
    place.declare(boundaries=[listener], arcs=[arc])
    assert "among the placement's own records" in refused(place, "p.json")


def test_data_may_lie_where_the_records_are_hidden(place: Any, tools: Any) -> None:
    """What is hidden does not arrive."""
    place.declare(boundaries=[tools.boundary(folder=".")])
    assert place.cls("verify", "p.json").code == 0


def test_an_unknown_type_hides_no_other_mistake(place: Any, tools: Any) -> None:
    listener = tools.boundary(type="nimbus:core:ear", name="a b")
    arc = tools.arc("kopy", name="ü", retry={"attempts": 0}, anything="goes: who knows this type's keys")
    place.declare(boundaries=[listener], arcs=[arc])
    said = refused(place, "p.json")
    for path in ("boundaries[0].type", "boundaries[0].name", "arcs[0].name", "arcs[0].retry.attempts"):
        assert f"$.{path}: " in said
    assert "5 problems" in said


def test_what_an_installed_plugin_does_not_offer_yet_is_not_to_be_installed(place: Any, tools: Any) -> None:
    place.declare(boundaries=[tools.boundary(type="aws:core:unheardOf")])
    said = refused(place, "p.json")
    assert "pip install cls-aws" not in said
