"""Keys of clouds and registries are planted where each is kept, and looked for in all that is printed and stored."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from beds import aws
from beds.azurite import ACCOUNT, KEY, REGION, azurite
from beds.docker import engine
from beds.ministack import ministack
from beds.registry import registry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECRET, TOKEN, OTHER = "canary-of-a-key-8642", "canary-of-a-session-9753", "canary-of-a-file-1470"
PASSWORD = "canary-of-a-registry-3579"
LOGIN = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
WORDS = [SECRET, TOKEN, OTHER, PASSWORD, LOGIN, KEY]
STEP = "import os\n\ndef work(lot):\n    print(dict(os.environ))\n    raise RuntimeError(repr(dict(os.environ)))\n"
RUN = ("-vv", "run", "p.json", "--until-idle", "--seal-open", "--logs")
_STRANGE = ("AWS_", "AZURE_", "DOCKER_", "CLS_")


class Place:
    """A folder that `cls` is run in, with the *variables* that hold secrets; all that it *said*."""

    def __init__(self, path: Path, **variables: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_STRANGE)}
        self.path, self.said = path, ""
        self.variables = {**kept, "HOME": str(path / "home"), "NO_COLOR": "1", **variables}

    def cls(self, *arguments: str, code: int | None = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "clusterless.cli", *arguments],
            cwd=self.path,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, said
        assert "error[bug]" not in said, said
        self.said += said
        return said

    def declare(self, placement: Mapping[str, str], *arcs: Mapping[str, Any], **more: Any) -> None:
        """A folder's files, taken by each of *arcs* and by one that shows all it sees."""
        seeing = arc("cls:core:pythonArc", "seeing", "seen/", workload={"function": "step:work"})
        listener = {
            "type": "local:core:putListenerBoundary",
            "name": "in",
            "lotUnit": "Twelfths",
            "dataset": {"name": "a", "version": "1", "pathURI": "inbox/"},
        }
        project = {
            "project": {"name": "canaries", "version": "1"},
            "placement": placement,
            "boundaries": [listener],
            "arcs": [seeing, *arcs],
            **more,
        }
        (self.path / "p.json").write_text(json.dumps(project))
        (self.path / "step.py").write_text(STEP)
        (self.path / "inbox").mkdir()
        (self.path / "inbox" / "1.txt").write_text("apples")

    def ask(self) -> None:
        """Everything that is told of what was run."""
        lot = next(self.path.rglob("seeing/*/*.log")).parent.name
        for asked in (
            ("status", "p.json"),
            ("config", "show"),
            ("explain", lot, "-p", "p.json"),
            ("local", "seeing", lot, "-p", "p.json"),
            ("audit", "a", "-p", "p.json"),
        ):
            self.cls(*asked, code=None)

    def hold(self, stored: Mapping[str, bytes], *kept: str) -> None:
        """No canary is in what was said, nor in what is *stored*, nor in any file but those where it is *kept*."""
        files = {str(path.relative_to(self.path)): path.read_bytes() for path in self.path.rglob("*") if path.is_file()}
        assert any(name.endswith(".log") for name in files)
        assert not [word for word in WORDS if word in self.said]
        for name, body in {**files, **stored}.items():
            assert name in kept or not [word for word in WORDS if word.encode() in body], name


def arc(kind: str, name: str, path: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "sources": {"main": {"name": "a", "version": "1", "start": "all"}},
        "sinks": {"main": {"name": name, "version": "1", "pathURI": path}},
        "retry": {"attempts": 1},
        **more,
    }


# ---- AWS -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


def buckets(endpoint: str) -> dict[str, bytes]:
    """Each object of each bucket."""
    import botocore.session

    s3 = botocore.session.Session().create_client(
        "s3", endpoint_url=endpoint, region_name=aws.REGION, aws_access_key_id="k", aws_secret_access_key="s"
    )
    names = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    listed = {name: s3.list_objects_v2(Bucket=name).get("Contents", ()) for name in names}
    return {
        f"{name}/{each['Key']}": s3.get_object(Bucket=name, Key=each["Key"])["Body"].read()
        for name, objects in listed.items()
        for each in objects
    }


def test_no_key_of_aws_is_printed_or_stored(account: str, tmp_path: Path) -> None:
    """By the environment, and by a profile that the settings name."""
    told = {**aws.variables(account), "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    place = Place(tmp_path, **told)
    placement = {"provider": "aws", "stage": "canary", "account": aws.ACCOUNT, "region": aws.REGION}
    options = [word for name, value in placement.items() for word in (f"--{name}", value)]
    place.cls("bootstrap", *options, "--approve")
    place.declare(
        placement,
        arc("cls:core:copyArc", "copied", "s3://canary-data/out/"),
        arc("cls:core:copyArc", "lost", "s3://canary-none/x/"),
        resources=[{"type": "aws:core:s3Bucket", "name": "data", "bucketName": "canary-data"}],
    )
    place.cls(*RUN, code=1)
    place.ask()
    place.cls("policy", "p.json", code=None)
    (tmp_path / "home/.aws").mkdir(parents=True)
    secrets = tmp_path / "home/.aws/credentials"
    secrets.write_text(f"[work]\naws_access_key_id = k\naws_secret_access_key = {OTHER}\n")
    (tmp_path / ".clsconfig-aws").write_text('profile = "work"\n')
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
        del place.variables[name]
    place.cls("replay", "lost", "--which", "failed", "--yes", "-p", "p.json", code=None)
    place.cls(*RUN, code=1)
    stored = buckets(account)
    assert any(name.endswith("/out/1.txt") for name in stored)
    place.hold(stored, "home/.aws/credentials")


@pytest.mark.parametrize(
    "text", [f'secretAccessKey = "{OTHER}"', f'[placements."{OTHER}"]\nx = 1', f'endpoint = ["{OTHER}"]', f'{OTHER}"']
)
def test_a_key_that_was_put_into_the_settings_is_refused_and_not_repeated(text: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.declare({"provider": "local"}, arc("cls:core:copyArc", "copied", "s3://canary-none/x/"))
    (tmp_path / ".clsconfig-aws").write_text(f"{text}\n")
    said = place.cls(*RUN, code=None)
    assert ".clsconfig-aws" in said
    if "placements" not in text:  # a placement's id is its name
        assert OTHER not in said


# ---- Azure -----------------------------------------------------------------------------------------------------


def blobs(string: str) -> dict[str, bytes]:
    """Each blob of each container."""
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(string) as service:
        opened = [service.get_container_client(each.name) for each in service.list_containers()]
        return {
            f"{container.container_name}/{blob.name}": container.download_blob(blob.name).readall()
            for container in opened
            for blob in container.list_blobs()
        }


def test_no_connection_string_of_azure_is_printed_or_stored(tmp_path: Path) -> None:
    with azurite(tmp_path / "azurite") as bed:
        place = Place(tmp_path / "place", **bed.variables())
        place.path.mkdir()
        placement = {"provider": "azure", "stage": "canary", "account": ACCOUNT, "region": REGION}
        options = [word for name, value in placement.items() for word in (f"--{name}", value)]
        place.cls("bootstrap", *options, "--approve")
        string = place.variables["AZURE_STORAGE_CONNECTION_STRING"]
        place.declare(
            placement,
            arc("cls:core:copyArc", "copied", "az://canary-data/out/"),
            arc("cls:core:copyArc", "lost", "az://canary-none/x/"),
            resources=[{"type": "azure:core:blobContainer", "name": "data", "containerName": "canary-data"}],
        )
        place.cls(*RUN, code=1)
        place.ask()
        place.variables["AZURE_STORAGE_CONNECTION_STRING"] = string.replace("BlobEndpoint=", "BlobEndpoint")
        place.cls(*RUN, code=None)  # one that cannot be read
        stored = blobs(string)
        assert any(name.endswith("/out/1.txt") for name in stored)
        place.hold(stored)


# ---- a registry of images --------------------------------------------------------------------------------------


def test_no_login_of_a_registry_is_printed_or_stored(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An image is asked for as somebody whom the registry does not know."""
    with engine(tmp_path_factory) as docker, registry(tmp_path / "registry", closed=True) as host:
        place = Place(tmp_path / "place", DOCKER_HOST=docker, DOCKER_CONFIG=str(tmp_path / "place/docker"))
        (tmp_path / "place/docker").mkdir(parents=True)
        kept = {"auths": {host: {"auth": LOGIN}}}
        (tmp_path / "place/docker/config.json").write_text(json.dumps(kept))
        workload = {"image": f"{host}/none:1", "command": ["env"]}
        place.declare({"provider": "local"}, arc("docker:core:containerArc", "boxed", "boxed/", workload=workload))
        said = place.cls(*RUN, code=1)
        assert f"cannot pull the image {host}/none:1" in said
        place.ask()
        place.hold({}, "docker/config.json")
