"""Three placements, in two clouds and on this machine, and `cls` as people start it for projects in each."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from attrs import define
from beds import aws
from beds.fake_gcs import fake_gcs
from beds.ministack import ministack
from beds.pubsub import pubsub
from commands import Commands, said, until

_STRANGE = ("AWS_", "GOOGLE_", "CLOUDSDK_", "STORAGE_", "PUBSUB_", "CLS_")


@define
class Clouds(Commands):
    """Where `cls` is run: a folder whose ``.clsconfig`` files say how each placement is reached."""

    stage: str
    s3: Any
    sqs: Any
    own: dict[str, str]

    @property
    def variables(self) -> dict[str, str]:
        return self.own

    @property
    def aws(self) -> dict[str, str]:
        return {"provider": "aws", "stage": self.stage, "account": aws.ACCOUNT, "region": aws.REGION}

    @property
    def gcp(self) -> dict[str, str]:
        return {"provider": "gcp", "stage": self.stage, "account": "project-1", "region": "europe-west1"}

    @property
    def local(self) -> dict[str, str]:
        return {"provider": "local", "stage": self.stage}

    @property
    def bucket(self) -> str:
        return f"{self.stage}-data"

    def declare(self, name: str, placement: dict[str, str], **parts: Any) -> None:
        project = {"project": {"name": name, "version": "1"}, "placement": placement, **parts}
        (self.path / f"{name}.json").write_text(json.dumps(project), "utf-8")

    def put(self, *names: str) -> None:
        """Objects that arrive in S3; their bytes are their names."""
        for name in names:
            self.s3.put_object(Bucket=self.bucket, Key=f"in/{name}", Body=name.encode())

    def keys(self, prefix: str) -> list[str]:
        """Those in S3."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", ())]

    def queues(self) -> list[str]:
        """The names of those in SQS."""
        return [url.rpartition("/")[2] for url in self.sqs.list_queues().get("QueueUrls", ())]

    def cls(self, *arguments: str, code: int = 0) -> str:
        return said(self.start(*arguments), code)

    def files(self, folder: str) -> dict[str, bytes]:
        """What lies below a folder of this machine, by its path from there."""
        root = self.path / folder
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def listed(self, dataset: str) -> Counter[str]:
        """How often each object is in a committed lot of a dataset of this machine, by its file's name."""
        store = self.path / f".clusterless/{self.stage}-clusterless-manifest-local-here"
        found = (store / f"datasets/name={dataset}/version=1").rglob("manifest.json")
        uris = [uri for path in found for uri in json.loads(path.read_text("utf-8"))["uris"]]
        return Counter(unquote(urlsplit(uri).path).rpartition("/")[2] for uri in uris)


@pytest.fixture
def tools() -> Any:
    return type("Tools", (), {"said": staticmethod(said), "until": staticmethod(partial(until, every=0.2))})


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """The endpoints of S3 and its like, of Cloud Storage, and of Pub/Sub."""
    folders = [tmp_path_factory.mktemp(name) for name in ("pubsub", "ministack", "gcs")]
    with pubsub(folders[0]) as events, ministack(folders[1]) as account, fake_gcs(folders[2]) as buckets:
        yield account, buckets, events


@pytest.fixture
def clouds(servers: tuple[str, str, str], tmp_path: Path) -> Iterator[Clouds]:
    import botocore.session

    account, buckets, events = servers
    told = aws.variables(account)

    def client(service: str) -> Any:
        return botocore.session.Session().create_client(
            service,
            endpoint_url=account,
            region_name=aws.REGION,
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        )

    s3, sqs = client("s3"), client("sqs")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STRANGE)}
    keys = {name: told[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED")}
    variables = {**kept, **keys, "HOME": str(tmp_path / "home"), "NO_GCE_CHECK": "true"}
    made = Clouds(tmp_path, f"t{uuid4().hex[:8]}", s3, sqs, variables)
    _reach(made, account, buckets, events)
    for placement in (made.aws, made.gcp):
        options = [word for key, value in placement.items() for word in (f"--{key}", value)]
        made.cls("bootstrap", *options, "--approve")
    s3.create_bucket(Bucket=made.bucket, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
    yield made
    made.close()
    s3.close()
    sqs.close()


def _reach(made: Clouds, account: str, buckets: str, events: str) -> None:
    """Each placement by its own settings, and by nothing that the environment says."""
    ids = {
        name: ":".join(str(place[key]) for key in ("provider", "stage", "account", "region"))
        for name, place in (("aws", made.aws), ("gcp", made.gcp))
    }
    settings = {
        "aws": f'[placements."{ids["aws"]}"]\nendpoint = "{account}"\n',
        "gcp": f'[placements."{ids["gcp"]}"]\nendpoint = "{buckets}"\npubsubEndpoint = "{events}"\n',
    }
    for name, text in settings.items():
        (made.path / f".clsconfig-{name}").write_text(text, "utf-8")
