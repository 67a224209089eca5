"""A project whose image is built by a resource, and whose lots are worked in containers of it: as people run it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from beds import docker as bed

pytestmark = pytest.mark.slow

# The lines of a lot's objects are counted, in plain shell, without jq.
COUNT = r"""
of() { printf %s "$CLS_ARC_PROPS_JSON" | sed "s|.*\"$1\":{\"main\":${2-}\"file://\([^\"]*\)\".*|\1|"; }
manifest=$(of sinkManifestTemplates | sed "s|{lot}|$CLS_LOT|; s|{state}|complete|")
object=$(of sinks '{[^}]*"pathURI":')$CLS_LOT-$CLS_ATTEMPT.txt
sed 's|.*"uris":\[||; s|\].*||' "${1#file://}" | tr , '\n' | sed 's|"file://||; s|"||' | xargs cat | wc -l >$object
mkdir -p ${manifest%/*}
printf '{"state":"complete","lotId":"%s","uriType":"identifier","uris":["file://%s"]}' $CLS_LOT $object >$manifest
"""


@pytest.fixture
def tag(place: Any, host: str) -> Iterator[str]:
    """The name of the image that the project makes, which is this test's own."""
    name = f"cls-run-{place.path.name.lower()}:1"
    yield name
    client = docker.DockerClient(base_url=host, version="auto")
    client.images.remove(name, force=True)
    client.close()


def declare(place: Any, tools: Any, host: str, tag: str) -> None:
    folder = place.path / "count"
    folder.mkdir()
    (folder / "count.sh").write_text(COUNT)
    (folder / "Dockerfile").write_text(
        f'FROM {bed.busybox(host)}\nCOPY count.sh /\nENTRYPOINT ["sh", "-eu", "/count.sh"]\n'
    )
    workload = {"image": tag, "command": ["$.arcNotifyEvent.manifest"], "pullPolicy": "never"}
    arc = {**tools.arc(workload=workload), "type": "docker:core:containerArc"}
    place.declare(resources=[image(tag)], boundaries=[tools.boundary()], arcs=[arc])


def image(tag: str) -> dict[str, Any]:
    return {"type": "docker:core:imageResource", "name": "image", "imagePath": "count", "tags": [tag]}


def of_aws(tools: Any) -> dict[str, Any]:
    # What the cloud would work it on is of no concern here, but must be declared.
    workload = {"computeEnvironmentRef": "image", "imagePath": "count", "command": ["$.arcNotifyEvent.manifest"]}
    return {**tools.arc(workload=workload), "type": "aws:core:batchExecArc"}


def test_its_image_is_made_before_its_lots_are_worked(place: Any, tools: Any, host: str, tag: str) -> None:
    declare(place, tools, host, tag)
    place.put(tools.file_of(0, "a"), tools.file_of(0, "b"), tools.file_of(1), text="one\ntwo\n")
    place.run("--concurrency", "2", env={"DOCKER_HOST": host})
    assert place.completes("work") == {tools.hour(0): 1, tools.hour(1): 1}
    counted = {name.partition("-")[0]: (place.path / "out" / name).read_text().strip() for name in place.objects("out")}
    assert counted == {tools.hour(0): "4", tools.hour(1): "2"}
    assert not place.leftovers()


def test_a_lot_is_worked_by_hand_as_it_is_printed(place: Any, tools: Any, host: str, tag: str) -> None:
    declare(place, tools, host, tag)
    place.put(tools.file_of(0), text="one\n")
    place.run(env={"DOCKER_HOST": host})
    printed = place.cls("local", "work", tools.hour(0), "-p", "p.json", env={"DOCKER_HOST": host})
    assert (printed.code, printed.err) == (0, "")
    assert "docker run --rm" in printed.out
    before = place.files("out")
    subprocess.run(["bash", "-c", printed.out], env={**os.environ, "DOCKER_HOST": host}, check=True)
    assert len(place.files("out")) == len(before) + 1, "it wrote where the arc writes"
    assert place.kinds("work", tools.hour(0)) == ["claim", "complete"], "and nothing of it is committed"


def test_an_arc_of_another_provider_is_worked_and_printed_by_the_engine(
    place: Any, tools: Any, host: str, tag: str
) -> None:
    declare(place, tools, host, tag)
    place.declare(resources=[image(tag)], boundaries=[tools.boundary()], arcs=[of_aws(tools)])
    place.put(tools.file_of(0), text="one\ntwo\n")
    env = {"DOCKER_HOST": host}
    place.run("--workloads", "docker", env=env)
    assert place.completes("work") == {tools.hour(0): 1}
    refused = place.cls("exec", "work", tools.hour(0), "-p", "p.json", "--again", env=env)
    assert "cls run p.json --workloads docker …, and so with other commands" in refused.err
    printed = place.cls("local", "work", tools.hour(0), "-p", "p.json", "--workloads", "docker", env=env)
    assert printed.code == 0, printed
    assert "docker build" in printed.out
    subprocess.run(["bash", "-c", printed.out], env={**os.environ, **env}, check=True)
    assert [(place.path / "out" / name).read_text() for name in place.files("out")] == ["2\n", "2\n"]


def test_history_is_worked_by_the_engine_too(place: Any, tools: Any, host: str, tag: str) -> None:
    declare(place, tools, host, tag)
    place.declare(resources=[image(tag)], boundaries=[tools.boundary()])
    place.put(tools.file_of(0), tools.file_of(1), text="one\n")
    env = {"DOCKER_HOST": host}
    place.run(env=env)
    place.declare(resources=[image(tag)], boundaries=[tools.boundary()], arcs=[of_aws(tools)])
    here = ("-p", "p.json", "--workloads", "docker")
    for arguments, revisions in (
        (["exec", "work", tools.hour(0), *here], [0, None]),
        (["backfill", "work", *here, "--yes"], [0, 0]),
        (["replay", "work", tools.hour(1), *here, "--yes"], [0, 1]),
    ):
        ran = place.cls(*arguments, env=env)
        assert ran.code == 0, ran
        entries = (place.ledger("work", tools.hour(number)) for number in range(2))
        assert [told[-1]["revision"] if told else None for told in entries] == revisions
