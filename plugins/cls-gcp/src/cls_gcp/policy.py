"""What `cls run` must be allowed for declared projects, as roles of Google Cloud: values in, values out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from cls_gcp.boundaries import GcsPutListenerBoundary
from cls_gcp.cloud_run import CloudRunJobArc
from cls_gcp.components import GcsBucket, PubSubNotifier, PubSubTopic
from cls_gcp.names import TopicName, bus, parse_topic
from clusterless import layout
from clusterless.model.element import Element
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable
from clusterless.runtime.noticed import Location
from clusterless.runtime.reached import Post, Reached, all_reached

_READ = "roles/storage.objectViewer"
_WRITE = "roles/storage.objectUser"  # the least of Google's own that may put an object where one was before
_BUCKET = "roles/storage.admin"  # the least of Google's own that may change whom a bucket tells
_LOOK = "roles/pubsub.viewer"
_PUBLISH = "roles/pubsub.publisher"
_SUBSCRIBE = "roles/pubsub.editor"  # the least that may make subscriptions
_ALLOW = "roles/pubsub.admin"  # the least that may let a bucket publish
_RUN = "roles/run.developer"  # the least that may execute a job with variables, and cancel it
_WITHIN = {
    _READ: {_WRITE, _BUCKET},
    _WRITE: {_BUCKET},
    _LOOK: {_SUBSCRIBE, _ALLOW},
    _PUBLISH: {_SUBSCRIBE, _ALLOW},
    _SUBSCRIBE: {_ALLOW},
}
"""Roles that other ones have within them."""


@frozen(order=True)
class Grant:
    """A *role* on a *resource*, named as Google Cloud does it in full; that of a project is one on all in it."""

    resource: str
    role: str


def policy(deployables: Sequence[Deployable]) -> list[dict[str, str]]:
    """The least of Google's own roles that ``cls run`` of *deployables*, whose placements are completed, is to have
    on Google Cloud.

    Those that are placed elsewhere may read datasets, hear of them, and keep objects here. Of a dataset that none of
    them writes, only the manifests are among it: where it lies is not known. Who makes buckets, topics or
    subscriptions has its role on the project.
    """
    grants = {grant for each in all_reached(deployables, f"'{_READ}'") for grant in _Needs(each).all()}
    least = [each for each in grants if not any(_has(other, each) for other in grants)]
    return [{"resource": each.resource, "role": each.role} for each in sorted(least)]


def _has(other: Grant, grant: Grant) -> bool:
    """Whether *other*, on the same resource, has all of *grant*."""
    return other.resource == grant.resource and other.role in _WITHIN.get(grant.role, ())


@frozen
class _Needs:
    """What one deployable needs."""

    reached: Reached

    @property
    def placement(self) -> Placement:
        return self.reached.deployable.placement

    @property
    def project(self) -> str:
        return _project(self.placement)

    @property
    def is_here(self) -> bool:
        return self.placement.provider == "gcp"

    def all(self) -> Iterator[Grant]:
        if self.is_here:
            for name in layout.store_names(self.placement):
                yield Grant(_bucket(name), _WRITE)
            yield from (Grant(_topic(bus(self.placement)), role) for role in (_LOOK, _PUBLISH))
            for element in self.reached.elements:
                yield from self._element(element)
        for placement in self.reached.elsewhere:
            yield from self._elsewhere(placement)
        for location in self.reached.arriving("gs"):
            yield Grant(_bucket(Location.of(location).bucket), _READ)
        for location in self.reached.made("gs"):
            yield Grant(_bucket(Location.of(location).bucket), _WRITE)
        for each in self.reached.heard:
            if each.placement.provider == "gcp":
                yield Grant(_project(each.placement), _SUBSCRIBE)
        for post in self.reached.posts("gs"):
            yield from self._post(post)

    def _post(self, post: Post) -> Iterator[Grant]:
        bucket = _bucket(Location.of(post.location).bucket)
        yield Grant(bucket, _WRITE)
        if post.element and self.is_here:
            yield Grant(bucket, _BUCKET)
            yield Grant(self.project, _ALLOW)

    def _elsewhere(self, placement: Placement) -> Iterator[Grant]:
        if placement.provider == "gcp":
            metadata, _, manifest = layout.store_names(placement)
            yield Grant(_bucket(metadata), _READ)
            yield Grant(_bucket(manifest), _READ)

    def _element(self, element: Element) -> Iterator[Grant]:
        match element:
            case GcsBucket():
                yield Grant(self.project, _BUCKET)
            case PubSubTopic():
                yield Grant(self.project, _SUBSCRIBE)
            case GcsPutListenerBoundary() if not element.by_listing:
                yield Grant(_bucket(Location.of(element.dataset.path_uri).bucket), _BUCKET)
                yield Grant(self.project, _ALLOW)
            case PubSubNotifier():
                yield Grant(_topic(parse_topic(element.topic, self.placement.account)), _PUBLISH)
            case CloudRunJobArc() if job := element.workload.job:
                named = f"projects/{self.placement.account}/locations/{self.placement.region}/jobs/{job}"
                yield Grant(f"//run.googleapis.com/{named}", _RUN)


def _project(placement: Placement) -> str:
    return f"//cloudresourcemanager.googleapis.com/projects/{placement.account}"


def _bucket(name: str) -> str:
    return f"//storage.googleapis.com/projects/_/buckets/{name}"


def _topic(topic: TopicName) -> str:
    return f"//pubsub.googleapis.com/{topic}"
