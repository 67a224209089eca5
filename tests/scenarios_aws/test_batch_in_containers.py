"""A project for AWS Batch, run here: its container knows the contract (FORMATS 5.4, 5.5, 6.10), and nothing of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from beds import docker as bed
from beds import docker_bases
from beds.seaweed import KEY, SECRET

pytestmark = pytest.mark.slow

# As somebody else wrote it for the cloud, but for the signatures of its requests: nobody here asks for them.
WORK = """
import json, os, sys, urllib.request

def ask(uri, body=None):
    url = os.environ["AWS_S3_ENDPOINT"] + "/" + uri.removeprefix("s3://")
    method = "GET" if body is None else "PUT"
    with urllib.request.urlopen(urllib.request.Request(url, body, method=method)) as answer:
        return answer.read()

lot, manifest, name = sys.argv[1:]
props = json.loads(os.environ["CLS_ARC_PROPS_JSON"])
assert props["sourceManifestPaths"]["main"] == manifest, manifest

def finish(role, state, uris):
    template = props["sinkManifestTemplates"][role].replace("{/attempt*}", "")
    told = {"state": state, "lotId": lot, "uriType": "identifier", "uris": uris}
    ask(template.replace("{lot}", lot).replace("{state}", state), json.dumps(told).encode())

text = b"".join(sorted(ask(uri) for uri in json.loads(ask(manifest))["uris"]))
around = sorted(key for key in os.environ if key.startswith(("AWS_", "TEA")))
told = {"text": text.decode(), "around": around, "colour": os.environ["COLOUR"], "name": name,
        "key": os.environ["AWS_ACCESS_KEY_ID"], "props": props["workloadProps"]}
uri = props["sinks"]["main"]["pathURI"] + lot + ".json"
ask(uri, json.dumps(told).encode())
finish("main", "complete", [uri])
finish("none", "empty", [])
print("worked", lot)
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with bed.engine(tmp_path_factory) as host:
        yield host


@pytest.fixture
def batch(cloud: Any, host: str) -> Any:
    """The cloud, with a project whose arc is of AWS Batch, and an engine that reaches this machine's own network."""
    (cloud.path / "image").mkdir()
    (cloud.path / "image/work.py").write_text(WORK)
    (cloud.path / "image/Dockerfile").write_text(
        f'FROM {docker_bases.base(host, "python")}\nCOPY work.py /\nENTRYPOINT ["python3", "/work.py"]\n'
    )
    (cloud.path / ".cls").mkdir()
    (cloud.path / ".cls/config-docker").write_text('network = "host"\n')
    none = {"name": "none", "version": "1", "pathURI": f"s3://{cloud.bucket}/none/"}
    workload = {
        "computeEnvironmentRef": "machines",
        "imagePath": "image",
        "command": ["$.arcNotifyEvent.lot", "$.arcNotifyEvent.manifest", "$.arcNotifyEvent.dataset.name"],
        "environment": {"COLOUR": "green"},
        "workloadProps": {"deep": {"er": 1}},
    }
    arc = cloud.arc("raw", "out", "batchExec", workload=workload, retry={"attempts": 1})
    arc["sinks"]["none"] = none
    machines = {"type": "aws:core:computeEnvironment", "name": "machines", "computeEnvironmentName": "machines"}
    cloud.declare(resources=[machines], boundaries=[cloud.boundary()], arcs=[arc])
    return cloud


def test_it_is_worked_here_as_it_stands(batch: Any, host: str) -> None:
    batch.put("a b.txt", "c.txt")
    ran = batch.run("--workloads", "docker", "--logs", env={"DOCKER_HOST": host, "TEA": "oolong"})
    [(lot, manifest)] = batch.manifests("out").items()
    assert f"p/make-out {lot} | worked {lot}" in ran.out
    assert manifest["uris"] == [f"s3://{batch.bucket}/out/{lot}.json"]
    assert {each["state"] for each in batch.manifests("none").values()} == {"empty"}
    told = json.loads(batch.data("out")[f"{lot}.json"])
    assert (told["text"], told["name"], told["colour"], told["props"]) == (
        "a b.txtc.txt", "raw", "green", {"deep": {"er": 1}},
    )  # fmt: skip
    assert told["key"] == KEY, "it may reach what this process may"
    assert {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"} <= {*told["around"]}
    assert {"AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT"} <= {*told["around"]}
    assert "TEA" not in told["around"]
    kept = batch.objects(batch.store("arc-state")) | batch.objects(batch.store("manifest"))
    assert not any(SECRET.encode() in body for body in kept.values())


def test_where_it_is_told_by_a_file_only_it_is_led_there_too(batch: Any, host: str) -> None:
    (batch.path / ".cls/config-aws").write_text(f'endpoint = "{batch.endpoint}"\n')
    batch.put("a.txt")
    env = {"DOCKER_HOST": host, "AWS_ENDPOINT_URL": None, "AWS_REGION": None}
    batch.run("--workloads", "docker", env=env)
    [told] = map(json.loads, batch.data("out").values())
    assert {"AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"} <= {*told["around"]}
    assert "AWS_ENDPOINT_URL" not in told["around"]
    [lot] = batch.manifests("out")
    printed = batch.cls("local", "make-out", lot, "-p", "p.json", "--workloads", "docker", env=env)
    assert f"--env=AWS_S3_ENDPOINT={batch.endpoint}" in printed.out
    assert "--env=AWS_BATCH_JOB_ID=" in printed.out
    assert SECRET not in printed.out


def test_what_fails_in_it_is_told_and_tried_again_by_hand(batch: Any, host: str) -> None:
    work = batch.path / "image/work.py"
    work.write_text("raise SystemExit('out of tea')")
    batch.put("a.txt")
    env = {"DOCKER_HOST": host}
    ran = batch.run("--workloads", "docker", code=1, env=env)
    assert "the container exited with 1\n" in ran.out
    assert "  | out of tea\n" in ran.out
    assert batch.manifests("out") == {}
    work.write_text(WORK)
    again = batch.cls(
        "replay", "make-out", "--which", "failed", "--yes", "-p", "p.json", "--workloads", "docker", env=env
    )
    assert again.code == 0, again
    assert len(batch.manifests("out")) == 1
