"""Project files: published ones load unchanged, and every mistake in every file is told at once."""

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, frozen

from clusterless.deploy.read import Declared, read_projects
from clusterless.errors import ClsError, MalformedError, ProjectFileMissingError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.boundary import EventArrival, IngressBoundary, PathFilter
from clusterless.model.element import Resource
from clusterless.model.notifier import Notifier
from clusterless.model.runtime_props import FunctionProps
from clusterless.provider import (
    ArcComponent,
    BoundaryComponent,
    Component,
    NotifierComponent,
    ProjectFormat,
    ResourceComponent,
)


@frozen(kw_only=True)
class Bucket(Resource):
    bucket_name: str
    versioned: bool = False


@frozen(kw_only=True)
class CopyProps:
    filter: PathFilter = Factory(PathFilter)
    fail_arc_on_partial_percent: float = 0.0


@frozen(kw_only=True)
class CopySettings(WorkloadSettings):
    workload_props: CopyProps = Factory(CopyProps)  # type: ignore[assignment]
    runtime_props: FunctionProps = Factory(lambda: FunctionProps(retry_attempts=3, timeout_min=15))


@frozen(kw_only=True)
class CopyArc(Arc):
    workload: CopySettings = Factory(CopySettings)


def load() -> Any:
    raise AssertionError  # nothing is loaded to read a file


COMPONENTS: Mapping[str, Component] = {
    component.type: component
    for component in (
        ResourceComponent(type="aws:core:s3Bucket", model=Bucket, summary="", load=load),
        BoundaryComponent(type="aws:core:s3PutListenerBoundary", model=IngressBoundary, summary="", load=load),
        ArcComponent(type="aws:core:s3CopyArc", model=CopyArc, summary="", load=load),
        NotifierComponent(type="cls:core:webhook", model=Notifier, summary="", load=load),
    )
}

# The shape of the published examples.
PUBLISHED = """
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


def published(**changed: Any) -> dict[str, Any]:
    return {**json.loads(PUBLISHED), **changed}


def arc(**changed: Any) -> dict[str, Any]:
    return {**published()["arcs"][0], **changed}


class Folder:
    """A folder that project files are written in and read from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: Any) -> Path:
        body = (
            content
            if isinstance(content, bytes)
            else (content if isinstance(content, str) else json.dumps(content)).encode()
        )
        (self.path / name).write_bytes(body)
        return self.path / name

    def read(self, *contents: Any) -> tuple[Declared, ...]:
        files = [self.write(f"{index}.json", content) for index, content in enumerate(contents)]
        return read_projects(files, COMPONENTS, {})

    def refuses(self, *contents: Any) -> ClsError:
        with pytest.raises(MalformedError) as caught:
            self.read(*contents)
        return caught.value

    def findings(self, *contents: Any) -> list[str]:
        error = self.refuses(*contents)
        assert isinstance(error, MalformedError)
        return error.findings


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# ---- what loads -----------------------------------------------------------------------------------------------


def test_a_published_project_loads_unchanged(folder: Folder) -> None:
    (declared,) = folder.read(PUBLISHED)
    deployable = declared.deployable
    assert deployable.placement.id == "aws:test:000000000000:us-west-2"
    assert deployable.resources == (
        Bucket(type="aws:core:s3Bucket", name="bucket", bucket_name="test-demo-000000000000-us-west-2"),
    )
    (boundary,) = deployable.boundaries
    assert isinstance(boundary, IngressBoundary)
    assert boundary.event_arrival is EventArrival.FREQUENT
    (copy,) = deployable.arcs
    assert isinstance(copy, CopyArc)
    assert copy.workload.workload_props == CopyProps(
        fail_arc_on_partial_percent=0.1, filter=PathFilter(excludes=("**/_*",))
    )
    assert copy.workload.runtime_props.timeout_min == 15
    assert (declared.file, declared.base) == (str(folder.path / "0.json"), folder.path)


def test_a_file_holds_one_project_or_a_list_with_comments(folder: Folder) -> None:
    other = json.dumps(published(project={"name": "Other", "version": "1"}))
    declared = folder.read(
        f"[ # both\n{PUBLISHED}, // and\n{other} /* . */]", published(project={"name": "Third", "version": "1"})
    )
    assert [one.deployable.project.name for one in declared] == ["Demo", "Other", "Third"]


def test_the_same_project_may_be_in_two_placements(folder: Folder) -> None:
    elsewhere = published(placement={"provider": "aws", "stage": "prod", "account": "1", "region": "us-west-2"})
    assert len(folder.read(PUBLISHED, elsewhere)) == 2


def test_all_kinds_of_elements_are_read_and_all_may_be_left_out(folder: Folder) -> None:
    bare = {"project": {"name": "a", "version": "1"}, "placement": {"provider": "local"}}
    assert folder.read(bare)[0].deployable.elements == ()
    notifier = {"type": "cls:core:webhook", "name": "hook"}
    assert folder.read({**bare, "notifiers": [notifier], "barriers": [], "activities": []})[0].deployable.notifiers


def test_standard_input_is_json_meant_from_the_current_folder(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PUBLISHED.replace("s3://test-demo-000000000000-us-west-2/out/", "out")
    monkeypatch.chdir(folder.path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    (declared,) = read_projects([Path("-")], COMPONENTS, {})
    assert (declared.file, declared.base) == ("-", folder.path)
    assert declared.deployable.arcs[0].sinks["main"].path_uri == f"file://{folder.path}/out/"


def test_a_plugin_reads_other_suffixes(folder: Folder) -> None:
    def backwards() -> Any:
        return lambda text: json.loads(text[::-1])

    file = folder.write("project.nosj", PUBLISHED[::-1])
    formats = {".nosj": ProjectFormat(suffix=".nosj", summary="backwards", load=backwards)}
    assert read_projects([file], COMPONENTS, formats)[0].deployable.project.name == "Demo"
    broken = folder.write("broken.nosj", "}")
    with pytest.raises(MalformedError, match=r"broken\.nosj: 1 problem"):
        read_projects([broken], COMPONENTS, formats)
    with pytest.raises(MalformedError, match=r"no installed plugin reads '\.nosj' files, only \.json"):
        read_projects([file], COMPONENTS, {})


def test_a_mark_at_the_beginning_of_utf8_is_passed_over(folder: Folder) -> None:
    assert folder.read(b"\xef\xbb\xbf" + PUBLISHED.encode())


# ---- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        ("", "line 1, column 1: "),
        ("{\n 'project': 1}", "line 2, column 2: "),
        (b'{"a":\n "\xff"}', "line 2: not UTF-8 (byte 0xff)"),
        ('{"project": {"name": "a", "name": "b"}}', "$.project: 'name' is given twice"),
        ("[]", "$: holds no project"),
        ("5", "$: must be an object, not the number 5"),
        ("[" * 100_000, "nested more than 64 deep"),
        ({"placement": {"provider": "aws"}}, "$.project: is missing"),
        (published(arks=[]), "$.arks: unknown key 'arks'; did you mean 'arcs'?"),
        (published(arcs={}), "$.arcs: must be a list, not an object"),
        (published(arcs=[5]), "$.arcs[0]: must be an object, not the number 5"),
        (published(arcs=[arc(type=None)]), "$.arcs[0].type: must be text, not null"),
        (published(arcs=[arc(type="copy")]), "$.arcs[0].type: 'copy' is no type: use provider:namespace:component"),
        (published(arcs=[arc(leaseSec=0)]), "$.arcs[0].leaseSec: 'leaseSec' must be > 0: 0"),
        (
            published(arcs=[arc(type="aws:core:s3CopyArk")]),
            "$.arcs[0].type: there is no arc aws:core:s3CopyArk; did you mean 'aws:core:s3CopyArc'?",
        ),
        (
            published(arcs=[{"type": "aws:core:s3Bucket", "name": "b"}]),
            "$.arcs[0].type: aws:core:s3Bucket is not declared among arcs: it is of kind resource",
        ),
        (published(arcs=[arc(), arc()]), "$.arcs[1].name: 'copyA' is also the name of $.arcs[0]"),
        ([published(), published(project={"name": "x"})], "$[1].project.version: is missing"),
        (
            published(arcs=[arc(sinks={"main": {"name": "o", "version": "1", "pathURI": " "}})]),
            "$.arcs[0].sinks.main.pathURI: is empty",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: Folder, content: Any, finding: str) -> None:
    found = folder.findings(content)
    assert len(found) == 1
    assert found[0].startswith(finding)


def test_every_mistake_of_every_file_is_told_at_once(folder: Folder) -> None:
    first = published(
        project={"name": ".."},
        resources=[{"type": "aws:core:s3Bucket"}],
        arcs=[arc(onEmpty="x"), arc(name="b", retry=1)],
    )
    error = folder.refuses(first, published(), "{", [published(stag=1)])
    source = str(folder.path / "0.json")
    assert str(error).startswith("3 project files: 8 problems")
    paths = [f"{source}: $.project.name", f"{source}: $.project.version"]
    paths += [f"{source}: $.resources[0].name", f"{source}: $.resources[0].bucketName"]
    paths += [f"{source}: $.arcs[0].onEmpty", f"{source}: $.arcs[1].retry"]
    for path in [*paths, f"{folder.path}/2.json: line 1", f"{folder.path}/3.json: $[0].stag"]:
        assert f"  - {path}" in str(error)


def test_a_provider_that_is_not_installed_is_told_with_what_to_install(folder: Folder) -> None:
    error = folder.refuses(published(arcs=[arc(type="gcp:core:copyArc"), arc(name="b", type="gcp:core:other")]))
    assert "$.arcs[0].type: no installed plugin offers gcp:core:copyArc" in str(error)
    assert error.hint == "pip install cls-gcp"


def test_an_element_of_no_type_is_told_what_all_elements_need(folder: Folder) -> None:
    assert folder.findings(published(arcs=[{"nam": "x"}])) == [
        "$.arcs[0].type: is missing",
        "$.arcs[0].name: is missing",
    ]


def test_the_same_project_twice_in_one_placement_is_refused(folder: Folder) -> None:
    (finding,) = folder.findings(published(), published(arcs=[]))
    assert finding.endswith(f"is already declared in {folder.path / '0.json'}")
    assert "Demo/20230101-00 on aws test 000000000000 us-west-2 is" in finding


def test_what_to_name_is_said_where_a_folder_is_named_and_where_a_project_is_twice(folder: Folder) -> None:
    with pytest.raises(ProjectFileMissingError) as asked:
        read_projects([folder.path], COMPONENTS, {})
    assert asked.value.hint == f"name the project file, such as {folder.path / 'project.json'}"
    twice = [folder.write(name, json.dumps(published())) for name in ("one.json", "two.json")]
    with pytest.raises(MalformedError) as caught:
        read_projects(twice, COMPONENTS, {})
    assert caught.value.hint == "give one of them another name or version"


def test_files_that_cannot_be_read_are_told_with_what_is_wrong_in_the_others(folder: Folder) -> None:
    broken = folder.write("broken.json", "{")
    missing = folder.path / "nowhere.json"
    with pytest.raises(ProjectFileMissingError) as caught:
        read_projects([missing, broken, folder.path], COMPONENTS, {})
    assert caught.value.exit_code == 74
    assert caught.value.hint
    assert str(caught.value).splitlines()[:2] == [
        f"{missing}: cannot be read: No such file or directory",
        f"{folder.path}: cannot be read: Is a directory",
    ]
    assert f"{broken}: 1 problem" in str(caught.value)
