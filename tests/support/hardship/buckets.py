"""A bucket in which the stores of scenarios lie, and what arcs write, and not in folders.

An object's key is the path of the file that it would be: what is fetched is seen as if it had always been there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define

from hardship.plugin import BUCKET

NAME = "hard"


@define(slots=False)
class Bucket:
    """Of the server of S3 that *server*, as variables, lead to."""

    server: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """What has a process keep its stores here."""
        return {**self.server, BUCKET: f"s3://{NAME}"}

    def make(self) -> None:
        where = {"LocationConstraint": self.server["AWS_REGION"]}
        self._s3.create_bucket(Bucket=NAME, CreateBucketConfiguration=where)

    def sinks(self, folder: Path) -> str:
        """Where arcs that run in *folder* write, as a location."""
        return f"s3://{NAME}{folder}/"

    def empty(self, folder: Path) -> None:
        for key in self._keys(folder):
            self._s3.delete_object(Bucket=NAME, Key=key)

    def fetch(self, folder: Path) -> None:
        """Have *folder* hold what it would if its stores were folders."""
        for key in self._keys(folder):
            path = Path("/", key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._s3.get_object(Bucket=NAME, Key=key)["Body"].read())

    def _keys(self, folder: Path) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=NAME, Prefix=f"{folder}/".lstrip("/"))
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    @cached_property
    def _s3(self) -> Any:
        import botocore.session

        return botocore.session.Session().create_client(
            "s3",
            endpoint_url=self.server["AWS_ENDPOINT_URL"],
            region_name=self.server["AWS_REGION"],
            aws_access_key_id=self.server["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.server["AWS_SECRET_ACCESS_KEY"],
        )
