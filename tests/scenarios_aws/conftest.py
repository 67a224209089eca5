"""A placement of its own in an account that is a ministack, and `cls` as people start it there."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from attrs import define
from beds import aws
from beds.ministack import ministack
from commands import Commands, Ran, ended
from commands import until as until_it_holds

until = partial(until_it_holds, every=0.2)


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an account that all tests here share."""
    with ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@define
class Cloud(Commands):
    """A stage of its own in the account, bootstrapped, with one bucket; and a folder that projects are run in."""

    endpoint: str
    stage: str

    @property
    def bucket(self) -> str:
        return f"{self.stage}-data"

    @property
    def variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, **aws.variables(self.endpoint), "HOME": str(self.path)}

    def client(self, service: str) -> Any:
        import botocore.session

        told = aws.variables(self.endpoint)
        return botocore.session.Session().create_client(
            service,
            endpoint_url=self.endpoint,
            region_name=aws.REGION,
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        )

    def make(self) -> None:
        """What `cls bootstrap` makes, and the bucket."""
        s3 = self.client("s3")
        where = {"LocationConstraint": aws.REGION}
        for name in (*map(self.store, ("metadata", "arc-state", "manifest")), self.bucket):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        self.client("events").create_event_bus(Name=f"{self.stage.upper()}-arc-events-{aws.REGION}")

    # ---- what is declared, and what arrives

    def declare(self, file: str = "p.json", name: str = "p", **parts: Any) -> None:
        own = {"provider": "aws", "stage": self.stage, "account": aws.ACCOUNT, "region": aws.REGION}
        placement = {**own, **parts.pop("placement", {})}
        project = {"project": {"name": name, "version": "1"}, "placement": placement, **parts}
        (self.path / file).write_text(json.dumps(project), "utf-8")

    def boundary(self, **more: Any) -> dict[str, Any]:
        """A listener below ``in/``."""
        dataset = {"name": "raw", "version": "1", "pathURI": f"s3://{self.bucket}/in/"}
        declared = {"type": "aws:core:s3PutListenerBoundary", "name": "Ingress", "lotUnit": "Sixtieths"}
        return {**declared, "dataset": dataset, **more}

    def arc(self, source: str, sink: str, kind: str = "s3Copy", **more: Any) -> dict[str, Any]:
        """An arc that works all of its source's history, to ``<sink>/``."""
        return {
            "type": f"aws:core:{kind}Arc",
            "name": f"make-{sink}",
            "sources": {"main": {"name": source, "version": "1", "start": "all"}},
            "sinks": {"main": {"name": sink, "version": "1", "pathURI": f"s3://{self.bucket}/{sink}/"}},
            **more,
        }

    def put(self, *names: str, folder: str = "in") -> None:
        """Objects whose bytes are their names."""
        s3 = self.client("s3")
        for name in names:
            s3.put_object(Bucket=self.bucket, Key=f"{folder}/{name}", Body=name.encode())

    # ---- cls

    def cls(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> Ran:
        return ended(self.start(*arguments, env=env))

    def run(self, *arguments: str, code: int | None = 0, env: Mapping[str, str | None] | None = None) -> Ran:
        """``cls run`` until all is at rest, without waiting for lots to end; of ``p.json`` unless files are named."""
        files = () if any(each.endswith(".json") for each in arguments) else ("p.json",)
        ran = self.cls("run", *files, "--until-idle", "--seal-open", *arguments, env=env)
        assert code is None or ran.code == code, ran
        return ran

    # ---- what is there

    def store(self, kind: str) -> str:
        return f"{self.stage}-clusterless-{kind}-{aws.ACCOUNT}-{aws.REGION}"

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """The objects below *prefix*, by their keys from there."""
        s3 = self.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def data(self, folder: str) -> dict[str, bytes]:
        return self.objects(self.bucket, f"{folder}/")

    def manifests(self, dataset: str) -> dict[str, dict[str, Any]]:
        """By lot, the committed manifests; no lot has a second revision."""
        found = self.objects(self.store("manifest"), f"datasets/name={dataset}/version=1/")
        assert not any("/attempt=" in key for key in found), sorted(found)
        return {key.partition("lot=")[2].partition("/")[0]: json.loads(body) for key, body in sorted(found.items())}

    def listed(self, dataset: str) -> Counter[str]:
        """How often each object is in a committed lot, by its key below the dataset's location."""
        uris = [unquote(uri) for each in self.manifests(dataset).values() for uri in each["uris"]]
        return Counter(uri.partition(f"s3://{self.bucket}/")[2].partition("/")[2] for uri in uris)

    def states(self, arc: str) -> Counter[str]:
        """How many of an arc's lots are marked as what."""
        found = self.objects(self.store("arc-state"), f"arcs/project=p/version=1/arc={arc}/")
        return Counter(key.rpartition("/")[2].removesuffix(".arc") for key in found if key.endswith(".arc"))

    # ---- queues

    def queue(self, name: str) -> str:
        """The URL of the one queue of this stage whose name has *name* in it."""
        urls = self.client("sqs").list_queues(QueueNamePrefix=self.stage.upper()).get("QueueUrls", [])
        [found] = [url for url in urls if name in url and not url.endswith("-dead")]
        return str(found)

    def disturb(self, queue: str, messages: int) -> None:
        """Once so many are there: lose every third message, double every other third, and put all out of order."""
        sqs, bodies = self.client("sqs"), []
        until(lambda: self.count(queue) >= messages)
        while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        for number, body in reversed(list(enumerate(bodies))):
            for _ in range(number % 3):
                sqs.send_message(QueueUrl=queue, MessageBody=body)

    def count(self, queue: str) -> int:
        name = "ApproximateNumberOfMessages"
        found = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"]
        return int(found[name])


class Tools:
    """What tests ask for as the fixture ``tools``: modules of tests cannot import each other."""

    ended = staticmethod(ended)
    until = staticmethod(until)


@pytest.fixture
def tools() -> type[Tools]:
    return Tools


def bodies(names: Mapping[str, Any] | Counter[str] | list[str]) -> dict[str, bytes]:
    """What `Cloud.put` writes for *names*."""
    return {name: name.encode() for name in names}


@pytest.fixture(name="bodies")
def _bodies() -> Callable[..., dict[str, bytes]]:
    return bodies


MakeCloud = Callable[[], Cloud]


@pytest.fixture
def make_cloud(account: str, tmp_path: Path) -> Iterator[MakeCloud]:
    """Call it for a placement and a folder of its own, as often as a test wants."""
    made: list[Cloud] = []

    def make() -> Cloud:
        path = tmp_path / f"cloud{len(made)}"
        path.mkdir()
        made.append(Cloud(path, account, f"t{int(time.time() * 1e6):x}"))
        made[-1].make()
        return made[-1]

    yield make
    for cloud in made:
        cloud.close()


@pytest.fixture
def cloud(make_cloud: MakeCloud) -> Cloud:
    return make_cloud()
