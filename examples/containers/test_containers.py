"""The example as it is run: the same lot in four languages, each in a container."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from urllib.parse import unquote

import pytest
from beds import docker as bed
from beds.docker_bases import base

import bases
import clusterless

HERE = Path(__file__).parent
LANGUAGES = ["python", "shell", "node", "java"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with bed.engine(tmp_path_factory) as host:
        yield host


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The example's files in a folder of their own, and two that arrived."""
    folder = tmp_path / "containers"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("__pycache__", ".clusterless", "data"))
    arrivals = folder / "data/in"
    arrivals.mkdir(parents=True)
    (arrivals / "a.txt").write_text("one\ntwo\n")
    (arrivals / "b and c.txt").write_text("three\n")
    return folder


def cls(place: Path, host: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "clusterless.cli", *arguments]
    done = subprocess.run(
        command, cwd=place, env={**os.environ, "DOCKER_HOST": host}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def only(place: Path, language: str) -> None:
    """Leave the arc of one language."""
    file = place / "containers.json"
    declared = json.loads("\n".join(line for line in file.read_text().splitlines() if not line.startswith("//")))
    declared["arcs"] = [arc for arc in declared["arcs"] if arc["name"] == language]
    assert declared["arcs"]
    file.write_text(json.dumps(declared))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lot_is_counted_in(language: str, place: Path, host: str) -> None:
    base(host, language)
    only(place, language)
    cls(place, host, "run", "containers.json", "--until-idle", "--seal-open")
    (counted,) = place.glob(f"data/{language}/lot=*/lines-*.txt")
    assert counted.read_text().strip() == "3"
    (manifest,) = place.glob(f".clusterless/*manifest*/datasets/name=lines-{language}/**/state=complete/manifest.json")
    (uri,) = json.loads(manifest.read_text())["uris"]
    assert unquote(uri) == f"file://{counted}"


@pytest.mark.skipif(sys.platform != "linux", reason="bases are made of the programs of Linux")
def test_a_base_holds_nothing_twice_also_where_clusterless_is_installed_as_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine refuses such an image; what `pip install ./core` leaves lists its modules among its files."""
    package = Path(clusterless.__file__).parent
    told = tmp_path / "clusterless-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Name: clusterless\nVersion: 1\n")
    (told / "RECORD").write_text("clusterless/__init__.py,,\nclusterless-1.dist-info/METADATA,,\n")
    (tmp_path / "clusterless").symlink_to(package)
    monkeypatch.setattr(bases, "shell", lambda _: None)  # whose programs may not be here
    monkeypatch.setattr(bases, "required", lambda _: [Distribution.at(told)])
    with tarfile.open(tmp_path / "base.tar", "w") as tar:
        bases.python(bases.Root(tar))
        names = tar.getnames()
    assert "opt/packages/clusterless-1.dist-info/METADATA" in names
    assert sorted(names) == sorted(set(names))


def test_the_example_has_an_arc_for_each_language() -> None:
    text = (HERE / "containers.json").read_text()
    assert [language for language in LANGUAGES if f'"imagePath": "{language}"' not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_works_a_lot_is_short(language: str) -> None:
    """Ten lines or so: the contract asks for no more."""
    (program,) = (HERE / language).glob("[cC]ount.*")
    lines = [line for line in program.read_text().splitlines() if line.strip() and not line.startswith(("//", "#"))]
    assert len(lines) <= {"java": 34}.get(language, 12)
