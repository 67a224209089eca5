"""The JSON Schema of project files: what the reader accepts it accepts, and it refuses what people get wrong."""

from __future__ import annotations

import copy
import enum
import json
import re
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from clusterless.cli.app import main
from clusterless.cli.keys import stored_fields
from clusterless.codec import read_declaration
from clusterless.codec.names import stored_names
from clusterless.codec.text import declared_values
from clusterless.deploy.read import read_projects
from clusterless.errors import ClsError
from clusterless.model.arc import Arc
from clusterless.model.boundary import Boundary
from clusterless.model.lot import LotUnit
from clusterless.plugins import find_plugins

ROOT = Path(__file__).parents[3]
NOT_INSTALLED = {"write-a-provider.md"}  # the provider that is written there; its walkthrough verifies its project


@cache
def schema() -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(CliRunner().invoke(main, ["show", "schema"]).stdout)
    return shown


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def mistakes(value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(value)]


PROJECT: dict[str, Any] = {
    "project": {"name": "p", "version": "1"},
    "placement": {"provider": "local"},
    "resources": [{"type": "local:core:folder", "name": "f", "path": "f/"}],
    "boundaries": [
        {
            "type": "local:core:putListenerBoundary",
            "name": "in",
            "lotUnit": "Twelfths",
            "dataset": {"name": "a", "version": "1", "pathURI": "in/"},
        }
    ],
    "arcs": [
        {
            "type": "cls:core:copyArc",
            "name": "copy",
            "sources": {"main": {"name": "a", "version": "1"}},
            "sinks": {"main": {"name": "b", "version": "1", "pathURI": "out/"}},
        }
    ],
}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


# ---- what is sound ---------------------------------------------------------------------------------------------


def documents() -> list[tuple[str, str]]:
    """Every project file of the examples, and every block of the pages that is a whole project."""
    files = [(path.name, path.read_text()) for path in ROOT.glob("examples/*/*.json")]
    fence = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    blocks = [
        (page.name, block)
        for page in pages
        if page.name not in NOT_INSTALLED
        for block in fence.findall(page.read_text())
    ]
    found = [(name, text) for name, text in [*files, *blocks] if '"project"' in text and '"placement"' in text]
    return [(f"{number}-{name}", text) for number, (name, text) in enumerate(found)]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in documents()])
def test_every_project_that_is_shown_is_accepted(text: str) -> None:
    assert mistakes(declared_values(text)) == []


def test_there_are_some_that_are_shown() -> None:
    names = [name.partition("-")[2] for name, _ in documents()]
    assert {"flights.json", "operations.json", "README.md", "sdk.md"} <= set(names)


def test_a_file_is_a_project_or_a_list_of_them() -> None:
    assert mistakes(PROJECT) == []
    assert mistakes([PROJECT, PROJECT]) == []
    assert mistakes([]) != []
    assert mistakes("project") != []


def test_a_file_may_say_which_schema_editors_go_by(tmp_path: Path) -> None:
    noted = {"$schema": "./project.schema.json", **PROJECT}
    assert mistakes(noted) == []
    (tmp_path / "project.json").write_text(json.dumps(noted))
    read = read_projects([tmp_path / "project.json"], find_plugins().components(), {})
    assert read[0].deployable.project.name == "p"


@pytest.mark.parametrize("unit", [unit.label for unit in LotUnit])
def test_a_unit_is_offered_as_it_is_spelled_and_taken_in_any_case(unit: str) -> None:
    for spelled in (unit, unit.upper(), unit.lower()):
        assert mistakes(changed(("boundaries", 0, "lotUnit"), spelled)) == []
    offered = schema()["$defs"]["local:core:putListenerBoundary"]["properties"]["lotUnit"]["anyOf"][0]
    assert unit in offered["enum"]


def test_the_published_shape_is_accepted_where_its_components_are_installed() -> None:
    """FORMATS 11's project, under the names of components that are here."""
    text = """
    {"project":{"name":"Demo","version":"20230101-00"},
     "placement":{"stage":"test","provider":"aws","account":"000000000000","region":"us-west-2"},
     "resources":[{"type":"aws:core:s3Bucket","name":"bucket","bucketName":"test-demo-000000000000-us-west-2"}],
     "boundaries":[{"type":"aws:core:s3PutListenerBoundary","name":"Ingress","eventArrival":"frequent","lotUnit":"Twelfths",
       "dataset":{"name":"in","version":"20230101","pathURI":"s3://test-demo-000000000000-us-west-2/ingress/"}}],
     "arcs":[{"type":"aws:core:s3CopyArc","name":"copyA",
       "sources":{"main":{"name":"in","version":"20230101"}},
       "sinks":{"main":{"name":"out","version":"20230101","pathURI":"s3://test-demo-000000000000-us-west-2/out/"}},
       "workload":{"workloadProps":{"failArcOnPartialPercent":0.1,"filter":{"excludes":["**/_*"]}}}}]}
    """
    here = {
        "aws:core:s3Bucket": "local:core:folder",
        "bucketName": "path",
        "aws:core:s3PutListenerBoundary": "local:core:putListenerBoundary",
        "aws:core:s3CopyArc": "cls:core:copyArc",
    }
    for theirs, ours in here.items():
        if f'"{theirs}"' not in json.dumps(schema()):
            text = text.replace(f'"{theirs}"', f'"{ours}"')
    assert mistakes(json.loads(text)) == []


# ---- what is not -----------------------------------------------------------------------------------------------

GONE = object()


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The project with another *value* at *path*, or without one."""
    project = copy.deepcopy(PROJECT)
    inner: Any = project
    for step in path[:-1]:
        inner = inner[step]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return project


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("projects",), {}),
        (("project", "nmae"), "x"),
        (("project", "name"), GONE),
        (("project", "name"), "a b"),
        (("project", "name"), "a..b"),
        (("project", "version"), 1),
        (("placement",), GONE),
        (("boundaries", 0, "lotUnit"), "Fifths"),
        (("boundaries", 0, "lotUnit"), GONE),
        (("boundaries", 0, "lotUnits"), "Twelfths"),
        (("boundaries", 0, "eventArrival"), "often"),
        (("boundaries", 0, "graceSec"), -1),
        (("boundaries", 0, "filter"), {"include": []}),
        (("boundaries", 0, "dataset", "pathURI"), GONE),
        (("boundaries", 0, "dataset", "publish"), "yes"),
        (("boundaries", 0, "type"), "cls:core:copyArc"),
        (("boundaries", 0, "type"), GONE),
        (("arcs", 0, "type"), "cls:core:copyarc"),
        (("arcs", 0, "type"), "cls:core:execArc"),
        (("arcs", 0, "sources"), {}),
        (("arcs", 0, "sources"), GONE),
        (("arcs", 0, "sources", "main", "pathURI"), "x/"),
        (("arcs", 0, "workload"), {"workloadProps": {"parallel": 0}}),
        (("arcs", 0, "workload"), {"workloadProps": {"parallel": 257}}),
        (("arcs", 0, "wait"), {"for": "some"}),
        (("arcs", 0, "retry"), {"attempts": "3"}),
        (("resources", 0, "path"), ""),
        (("barriers",), [{"type": "x:y:z", "name": "b"}]),
    ],
)
def test_what_people_get_wrong_is_refused_by_both(path: tuple[str | int, ...], value: Any, tmp_path: Path) -> None:
    wrong = changed(path, value)
    assert mistakes(wrong) != []
    assert not is_read(wrong, tmp_path)


def test_one_mistake_is_one_complaint_at_its_place() -> None:
    (told,) = mistakes(changed(("arcs", 0, "onEmpty"), "jump"))
    assert told == "$.arcs[0].onEmpty: 'jump' is not one of ['skip', 'run']"


def is_read(value: Any, folder: Path) -> bool:
    (folder / "project.json").write_text(json.dumps(value))
    try:
        read_projects([folder / "project.json"], find_plugins().components(), {})
    except ClsError:
        return False
    return True


# ---- what editors show -----------------------------------------------------------------------------------------


def test_every_key_is_described_and_has_its_default() -> None:
    bare = []
    for name, definition in schema()["$defs"].items():
        for key, shape in definition.get("properties", {}).items():
            if "const" not in shape and not shape.get("description"):
                bare.append(f"{name}.{key}")
    assert bare == []
    copying = schema()["$defs"]["cls:core:copyArc"]["properties"]
    assert copying["leaseSec"]["default"] == 300
    assert copying["retry"]["default"] == {"attempts": 3, "backoffSec": 30}
    assert copying["name"]["pattern"].startswith("^")


def test_every_component_is_a_branch() -> None:
    for kind, offered in (("arcs", Arc), ("boundaries", Boundary)):
        known = sorted(name for name, each in find_plugins().components().items() if issubclass(each.model, offered))
        items = schema()["$defs"]["Deployable"]["properties"][kind]["items"]
        assert items["properties"]["type"]["enum"] == known
        assert [branch["then"]["$ref"] for branch in items["allOf"]] == [f"#/$defs/{name}" for name in known]


# ---- the law ---------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["a", "x/", "1", "all", "now", "20240131PT5M000", "twelfths", "Days", "m:f", "0 3 * * *", "UTC"]
)
JSON = st.none() | st.booleans() | st.integers(-2, 400) | st.floats(0, 2) | WORDS | st.lists(WORDS, max_size=2)


def values(of: Any) -> st.SearchStrategy[Any]:
    """JSON that *of* may well be read from."""
    arguments = typing.get_args(of)
    if type(None) in arguments:
        return st.none() | values(next(each for each in arguments if each is not type(None)))
    if typing.get_origin(of) is tuple:
        return st.lists(values(arguments[0]), max_size=2)
    if arguments and issubclass(typing.get_origin(of) or object, Mapping):
        return st.dictionaries(st.sampled_from(["main", "other"]), values(arguments[1]), max_size=2)
    if of is LotUnit:
        return st.sampled_from([unit.label for unit in LotUnit] + ["days", "HOURS"])
    if isinstance(of, type) and issubclass(of, enum.Enum):
        return st.sampled_from([each.value for each in of])
    if attrs.has(of):
        return st.deferred(lambda: objects(of))
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: WORDS, int: st.integers(0, 300), float: st.floats(0, 400) | st.integers(0, 400), bool: st.booleans(),
    }  # fmt: skip
    return plain.get(of, JSON)


def objects(model: Any, **fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with what *model* must have and some of what it may, now and then something odd."""
    names = stored_names(model)
    given: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for field in stored_fields(model):
        wanted = st.just(fixed[field.name]) if field.name in fixed else values(field.type) | values(field.type) | JSON
        (given if field.default is attrs.NOTHING else optional)[names[field.name]] = wanted
    return st.fixed_dictionaries(given, optional=optional)


COMPONENTS = sorted(find_plugins().components())


@pytest.mark.parametrize("type_", COMPONENTS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_the_reader_accepts_the_schema_accepts(type_: str, data: st.DataObject) -> None:
    model = find_plugins().component(type_).model
    value = data.draw(objects(model, type=type_))
    try:
        read_declaration(value, model, source="here")
    except ClsError:
        event("refused")
        return
    event("accepted")
    part = Draft202012Validator({"$ref": f"#/$defs/{type_}", "$defs": schema()["$defs"]})
    assert [error.message for error in part.iter_errors(value)] == []
