"""`cls run` that is killed while containers work its lots: at every step of a container's life, and of its lot's."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from beds import docker as bed

pytestmark = pytest.mark.slow

LOTS = 3
# An object, some time, then the manifest: in plain shell, without jq.
COUNT = """
of() { printf %s "$CLS_ARC_PROPS_JSON" | sed "s|.*\\"$1\\":{\\"main\\":${2-}\\"file://\\([^\\"]*\\)\\".*|\\1|"; }
manifest=$(of sinkManifestTemplates | sed "s|{lot}|$CLS_LOT|; s|{state}|complete|")
object=$(of sinks '{[^}]*"pathURI":')$CLS_LOT-$CLS_ATTEMPT.txt
echo $CLS_LOT >$object
sleep 0.5
mkdir -p ${manifest%/*}
printf '{"state":"complete","lotId":"%s","uriType":"identifier","uris":["file://%s"]}' $CLS_LOT $object >$manifest
"""


@pytest.fixture
def client(host: str) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=host, version="auto")
    yield client
    client.close()


@pytest.fixture
def image(client: docker.DockerClient, host: str, place: Any) -> Iterator[str]:
    """An image under a name of this test's own, by which its containers are told from those of others."""
    name = f"cls-killed-{place.path.name.lower()}:1"
    client.images.get(bed.busybox(host)).tag(name)
    yield name
    client.images.remove(name, force=True)


def declare(place: Any, tools: Any, image: str) -> None:
    workload = {"image": image, "command": ["sh", "-euc", COUNT]}
    arc = tools.arc(workload=workload, retry={"attempts": 20, "backoffSec": 0})
    place.declare(boundaries=[tools.boundary()], arcs=[{**arc, "type": "docker:core:containerArc"}])
    place.put(*map(tools.file_of, range(LOTS)))


def begin(place: Any, host: str) -> Any:
    return place.start("run", "p.json", "--until-idle", "--concurrency", "2", env={"DOCKER_HOST": host})


def kill(run: Any) -> None:
    os.killpg(run.pid, signal.SIGKILL)
    assert "Traceback" not in run.communicate()[1]


def holds_what_it_should(place: Any, tools: Any, client: docker.DockerClient, image: str) -> None:
    """Every lot complete, once, of objects that are there, and nothing else left: no object, no container."""
    lots = [tools.hour(number) for number in range(LOTS)]
    assert place.completes("work") == dict.fromkeys(lots, 1)
    counted = place.objects("out")
    assert set(counted.values()) == {1}
    assert sorted(counted) == place.files("out"), "what no manifest names was swept"
    assert sorted((place.path / "out" / name).read_text().strip() for name in counted) == lots
    assert containers(client, image) == []


def containers(client: docker.DockerClient, image: str) -> list[str]:
    """Those that were made from *image*, by that name: what it is a name of, others make theirs from too."""
    found = client.containers.list(all=True, filters={"ancestor": image}, ignore_removed=True)
    return [each.name for each in found if each.attrs["Config"]["Image"] == image]


def heard(client: docker.DockerClient, image: str, what: str) -> Callable[[], bool]:
    """Whether, from now on, that has happened to a container of *image*."""
    happened = threading.Event()
    events = client.events(filters={"type": "container", "event": what, "image": image}, decode=True)

    def listen() -> None:
        for _ in events:
            happened.set()
            events.close()

    threading.Thread(target=listen, daemon=True).start()
    return happened.is_set


@pytest.mark.parametrize("what", ["create", "start", "die", "destroy"])
def test_killed_at_a_step_of_a_containers_life(
    what: str, place: Any, tools: Any, client: docker.DockerClient, host: str, image: str
) -> None:
    declare(place, tools, image)
    happened = heard(client, image, what)
    run = begin(place, host)
    tools.until(happened, run)
    kill(run)
    assert tools.ended(begin(place, host)).code == 0
    holds_what_it_should(place, tools, client, image)


STEPS = {
    "has written": lambda place: place.files("out"),
    "has staged": lambda place: [each for each in place.leftovers() if "/staging/" in each],
    "has an outcome": lambda place: any(place.completes("work").values()),
    "is committed": lambda place: place.manifests("out"),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_when_a_lot(
    step: str, place: Any, tools: Any, client: docker.DockerClient, host: str, image: str
) -> None:
    declare(place, tools, image)
    run = begin(place, host)
    tools.until(lambda: STEPS[step](place), run)
    kill(run)
    assert tools.ended(begin(place, host)).code == 0
    holds_what_it_should(place, tools, client, image)


def test_killed_again_and_again(place: Any, tools: Any, client: docker.DockerClient, host: str, image: str) -> None:
    declare(place, tools, image)
    for _ in range(4):
        happened = heard(client, image, "start")
        run = begin(place, host)
        tools.until(lambda run=run, happened=happened: happened() or run.poll() is not None)
        if run.poll() is None:
            kill(run)
    assert tools.ended(begin(place, host)).code == 0
    holds_what_it_should(place, tools, client, image)
