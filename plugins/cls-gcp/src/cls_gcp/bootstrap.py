"""What `cls bootstrap` makes for a placement on Google Cloud: three buckets, and the topic of its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import field, frozen

from cls_gcp import clients, topics
from cls_gcp.errors import asking
from cls_gcp.names import TopicName, bus
from cls_gcp.provider import GcpProvider
from cls_gcp.resources import make_bucket
from cls_gcp.settings import reach
from clusterless import codec, layout
from clusterless.bootstrap import Action, Exports, Plan, Step
from clusterless.errors import ObjectMissingError
from clusterless.model.placement import Bootstrapped, Placement

_EXPORTS = ("metadata", "arcState", "manifest")
_LABELS = {"cls-bootstrap": "1"}


@frozen
class _Bucket:
    """A bucket, *there* as the SDK has it, or None; *holds* says whether anything but ``metadata.json`` is in it."""

    name: str
    there: Any = field(repr=False)
    holds: bool

    @property
    def uri(self) -> str:
        return f"gs://{self.name}/"


class GcpBootstrap:
    """Makes what is missing, thing by thing; each is safe to be made again."""

    def make(self, placement: Placement, base: Path) -> Plan:
        buckets, topic = _buckets(placement, base), bus(placement)
        steps = [Step(action=Action.KEEP if each.there else Action.CREATE, what=each.uri) for each in buckets]
        is_there = topics.is_there(clients.publisher(reach(placement)), topic)
        steps.append(Step(action=Action.KEEP if is_there else Action.CREATE, what=str(topic)))
        return Plan(steps=steps, apply=partial(_make, placement, buckets, topic))

    def remove(self, placement: Placement, base: Path, with_data: bool) -> Plan:
        buckets = [each for each in _buckets(placement, base) if each.there]
        gone = [each for each in buckets if with_data or not each.holds]
        steps = [_removal(each, each in gone) for each in buckets]
        topic = bus(placement)
        if topics.is_there(clients.publisher(reach(placement)), topic):
            steps.append(Step(action=Action.REMOVE, what=str(topic)))
        return Plan(steps=steps, apply=partial(_remove, placement, gone, topic))

    def placements(self, base: Path) -> Iterator[Placement]:
        """Those whose metadata is in a bucket of the project that the credentials or the settings name."""
        client = clients.storage(reach(None))
        if not client.project:
            return
        with asking(f"the buckets of {client.project}"):
            names = [each.name for each in client.list_buckets()]
        for name in names:
            if "clusterless-metadata-" in name and (found := _bootstrapped(client, name)) and found.placement:
                yield found.placement


def _buckets(placement: Placement, base: Path) -> Sequence[_Bucket]:
    GcpProvider().roots(placement, base)  # which holds the names to what a bucket may be called
    client = clients.storage(reach(placement))
    found = []
    for name in layout.store_names(placement):
        with asking(f"gs://{name}/"):
            there = client.lookup_bucket(name)
            few = list(client.list_blobs(name, max_results=2)) if there else []
        found.append(_Bucket(name, there, any(each.name != layout.PLACEMENT_META for each in few)))
    return found


def _bootstrapped(client: Any, bucket: str) -> Bootstrapped | None:
    try:
        with asking(f"gs://{bucket}/{layout.PLACEMENT_META}"):
            text = client.bucket(bucket).blob(layout.PLACEMENT_META).download_as_bytes()
    except ObjectMissingError:
        return None
    return codec.read_record(text, Bootstrapped, source=f"gs://{bucket}/{layout.PLACEMENT_META}")


def _removal(bucket: _Bucket, is_gone: bool) -> Step:
    if is_gone:
        return Step(action=Action.REMOVE, what=bucket.uri, note="with all that it holds" if bucket.holds else "")
    return Step(action=Action.KEEP, what=bucket.uri, note="it holds data")


def _make(placement: Placement, buckets: Sequence[_Bucket], topic: TopicName) -> Exports:
    found = reach(placement)
    for bucket in buckets:
        make_bucket(found, bucket.name, placement, _LABELS)
    topics.make(clients.publisher(found), topic, _LABELS)
    exports = {name: {"name": bucket.name} for name, bucket in zip(_EXPORTS, buckets, strict=True)}
    return {**exports, "event-bus": {"name": topic.name, "id": str(topic)}}


def _remove(placement: Placement, buckets: Sequence[_Bucket], topic: TopicName) -> Exports:
    found = reach(placement)
    for bucket in buckets:
        with asking(bucket.uri):
            for blob in clients.storage(found).list_blobs(bucket.name, versions=True):
                blob.delete()
            bucket.there.delete()
    if topics.is_there(publisher := clients.publisher(found), topic):
        with asking(f"the topic {topic}"):
            publisher.delete_topic(topic=str(topic), timeout=topics.TIMEOUT)
    return {}
