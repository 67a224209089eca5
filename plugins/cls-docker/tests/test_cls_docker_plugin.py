"""What cls-docker offers, and what it says of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

import pytest

import cls_docker
from cls_docker import plugin
from cls_docker.activities import ContainerActivity
from cls_docker.components import ContainerArc
from cls_docker.confinement import Volume
from cls_docker.resources import ImageResource
from cls_docker.settings import DockerSettings
from clusterless.codec import read_declaration
from clusterless.codec.names import stored_names
from clusterless.errors import MalformedError
from clusterless.plugins import Plugin, Plugins


@pytest.fixture
def plugins() -> Plugins:
    found = Plugins([Plugin(name="docker", distribution="cls-docker", version="1", answers=plugin)])
    assert not found.failures
    return found


def test_it_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="clusterless", name="docker")
    assert found.load() is plugin


def test_it_offers_what_it_names(plugins: Plugins) -> None:
    assert plugins.components().keys() == {
        "docker:core:containerArc",
        "docker:core:containerActivity",
        "docker:core:imageResource",
    }
    assert plugins.engines().keys() == {"docker"}
    for each in (*plugins.components().values(), plugins.engine("docker")):
        assert callable(each.load())  # type: ignore[attr-defined]


def test_every_key_has_a_meaning_and_every_meaning_a_key() -> None:
    said = json.loads((Path(cls_docker.__file__).parent / "meanings.json").read_text())
    own = set()
    for model in (ContainerArc, ContainerActivity, ImageResource, Volume, DockerSettings, *workloads()):
        for name, stored in stored_names(model).items():
            of = next(each for each in model.__mro__ if name in vars(each).get("__annotations__", {}))
            if of.__module__.startswith("cls_docker."):
                own.add(f"{of.__name__}.{stored}")
    assert own == said.keys()


def workloads() -> list[type[Any]]:
    return [get_type_hints(model)["workload"] for model in (ContainerArc, ContainerActivity)]


# ---- what may be declared --------------------------------------------------------------------------------------

GOOD = MappingProxyType({"image": "tea:1"})


def declared(**workload: Any) -> ContainerArc:
    told = {
        "type": "docker:core:containerArc",
        "name": "count",
        "sources": {"main": {"name": "in", "version": "1"}},
        "sinks": {"main": {"name": "out", "version": "1", "pathURI": "file:///out/"}},
        "workload": workload,
    }
    return read_declaration(told, ContainerArc, source="p.json")


def test_an_arc_is_declared_by_its_image_alone() -> None:
    arc = declared(image="tea:1")
    assert arc.workload.container.image == "tea:1"
    confinement = arc.workload.confinement
    assert confinement.read_only_root
    assert not confinement.keeps_capabilities
    assert confinement.user is None


def test_what_is_declared_is_what_is_run() -> None:
    told = {
        "imagePath": "count",
        "command": ["count", "$.role"],
        "environment": {"A": "1"},
        "passEnvironment": ["AWS_SECRET_ACCESS_KEY"],
        "timeoutSec": 5,
        "memorySizeMB": 64,
        "cpus": 0.5,
        "user": "1:2",
        "network": "host",
        "volumes": [{"source": "/cache", "target": "/cache", "readOnly": False}],
        "pullPolicy": "always",
        "workloadProps": {"deep": True},
    }
    container, confinement = declared(**told).workload.container, declared(**told).workload.confinement
    assert (container.image_path, container.command, container.props) == ("count", ("count", "$.role"), {"deep": True})
    assert (container.passed, container.timeout_sec) == (("AWS_SECRET_ACCESS_KEY",), 5)
    assert (container.memory_mb, container.cpus) == (64, 0.5)
    assert (confinement.user, confinement.network, confinement.pull_policy.value) == ("1:2", "host", "always")
    assert confinement.volumes == (Volume(source="/cache", target="/cache", read_only=False),)


@pytest.mark.parametrize(
    ("workload", "problem"),
    [
        ({}, "give 'image'"),
        ({**GOOD, "imagePath": "x"}, "and not both"),
        ({"image": "My Tea:1"}, "'My Tea:1' cannot be the name of an image"),
        ({**GOOD, "command": ["$.a b"]}, "selects nothing"),
        ({**GOOD, "environment": {"a=b": "1"}}, "not the name of a variable"),
        ({**GOOD, "passEnvironment": ["a-b"]}, "not the name of a variable"),
        ({**GOOD, "timeoutSec": 0}, "timeoutSec"),
        ({**GOOD, "memorySizeMB": 1}, "memorySizeMB"),
        ({**GOOD, "cpus": 0}, "cpus"),
        ({**GOOD, "pidsLimit": 0}, "pidsLimit"),
        ({**GOOD, "pullPolicy": "sometimes"}, "pullPolicy"),
        ({**GOOD, "volumes": [{"source": "cache", "target": "/c"}]}, "not a volume's path"),
        ({**GOOD, "volumes": [{"source": "/a/../../etc", "target": "/c"}]}, "not a volume's path"),
        ({**GOOD, "volumes": [{"source": "/", "target": "/c"}]}, "not a volume's path"),
        ({**GOOD, "volumes": [{"source": "/a", "target": "/"}]}, "not a volume's path"),
        ({**GOOD, "volumes": [{"source": "/a", "target": "c"}]}, "not a volume's path"),
        ({**GOOD, "volumes": [{"source": "/var/run/docker.sock", "target": "/c"}]}, "let the container out"),
        ({**GOOD, "volumes": [{"source": "/proc", "target": "/c"}]}, "the kernel's"),
        ({**GOOD, "volumes": [{"source": "/a", "target": "/sys/x"}]}, "the kernel's"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_read(workload: dict[str, Any], problem: str) -> None:
    with pytest.raises(MalformedError, match=re.escape(problem)):
        declared(**workload)


# ---- what a check says before anything is built --------------------------------------------------------------


def test_a_folder_without_a_dockerfile_is_named_before_it_is_built(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/Dockerfile").touch()
    (tmp_path / "empty").mkdir()
    lots = {"name": "lots", "version": "1"}
    clock = {"type": "cls:core:clockBoundary", "name": "clock", "lotUnit": "Hours", "dataset": lots}
    work = {"type": "docker:core:containerArc", "sources": {"main": lots}, "sinks": {}}
    chore = {"type": "docker:core:containerActivity", "interval": "Hours"}
    image = {"type": "docker:core:imageResource", "tags": ["tea:1"]}
    folders = ["there", "empty", str(tmp_path / "there")]
    declared = {
        "project": {"name": "p", "version": "1"},
        "placement": {"provider": "local"},
        "boundaries": [clock],
        "resources": [{**image, "name": f"image{at}", "imagePath": each} for at, each in enumerate(folders)],
        "arcs": [{**work, "name": f"arc{at}", "workload": {"imagePath": each}} for at, each in enumerate(folders)],
        "activities": [
            {**chore, "name": f"chore{at}", "workload": {"imagePath": each}} for at, each in enumerate(folders)
        ],
    }
    (tmp_path / "project.json").write_text(json.dumps(declared))
    command = [sys.executable, "-m", "clusterless.cli", "verify", "--output", "json", "project.json"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert [each["severity"] for each in found] == ["warning"] * 3
    for kind, each in zip(("resources", "arcs", "activities"), found, strict=True):
        assert f"$.{kind}[1]: there is no Dockerfile in empty" in each["problem"]
