"""What `cls run` must be allowed for declared projects, as role assignments of Azure: values in, values out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from attrs import frozen

from cls_azure.boundaries import BlobPutListenerBoundary
from cls_azure.components import BlobContainer, EventGridNotifier, StorageQueue, StorageQueueNotifier
from cls_azure.container_apps import ContainerAppsJobArc
from cls_azure.names import parse_queue
from cls_azure.settings import Reach, reach
from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.element import Element
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable
from clusterless.runtime.noticed import Location
from clusterless.runtime.reached import Post, Reached, all_reached

_READ = "Storage Blob Data Reader"
_WRITE = "Storage Blob Data Contributor"
_SEND = "Storage Queue Data Message Sender"
_QUEUES = "Storage Queue Data Contributor"
_POST = "EventGrid Data Sender"
_TELL = "EventGrid EventSubscription Contributor"
_SEE = "Reader"
_RUN = "Container Apps Jobs Operator"
_WITHIN = {_READ: _WRITE, _SEND: _QUEUES}
"""Roles, by name, all of whose permissions another one has as well."""

_log = logging.getLogger(__name__)


@frozen(order=True)
class Grant:
    """A built-in *role* of Azure, at a *scope*: the id of a resource, and all that is in it."""

    role: str
    scope: str


def policy(deployables: Sequence[Deployable]) -> list[dict[str, str]]:
    """The least of Azure's own roles that ``cls run`` of *deployables*, whose placements are completed, is to have
    on Azure.

    Those that are placed elsewhere may read datasets, hear of them, and keep objects here. Of a dataset that none of
    them writes, only the manifests are among it: where it lies is not known. Who makes containers or queues has the
    role at the whole storage account: a scope that is not there cannot be named.

    Raises:
        InvalidValueError: the subscription or the resource group of a storage account is not set.
    """
    grants = {grant for each in all_reached(deployables, f"'{_READ}'") for grant in _Needs(each).all()}
    return [{"role": each.role, "scope": each.scope} for each in sorted(_least(grants))]


def _least(grants: Iterable[Grant]) -> list[Grant]:
    """Those of *grants* that no other has within it."""
    return [each for each in grants if not any(_has(other, each) for other in grants if other != each)]


def _has(other: Grant, grant: Grant) -> bool:
    covers = other.role in {grant.role, _WITHIN.get(grant.role)}
    return covers and f"{grant.scope}/".startswith(f"{other.scope}/")


@frozen
class _Needs:
    """What one deployable needs."""

    reached: Reached

    @property
    def placement(self) -> Placement:
        return self.reached.deployable.placement

    @property
    def is_here(self) -> bool:
        return self.placement.provider == "azure"

    def all(self) -> Iterator[Grant]:
        if self.is_here:
            yield from self._stores()
            yield from self._announced()
            for element in self.reached.elements:
                yield from self._element(element)
        yield from self._elsewhere()
        for each in self.reached.heard:
            if each.placement.provider == "azure":
                yield from self._heard(each.placement)
        for post in self.reached.posts("az"):
            yield from self._post(post)
        for location in self.reached.arriving("az"):
            yield self._blobs(_READ, location)
        for location in self.reached.made("az"):
            yield self._blobs(_WRITE, location)

    def _stores(self) -> Iterator[Grant]:
        for name in layout.store_names(self.placement):
            yield Grant(_WRITE, _container(self.placement, name))

    def _elsewhere(self) -> Iterator[Grant]:
        for placement in self.reached.elsewhere:
            if placement.provider == "azure":
                metadata, _, manifest = layout.store_names(placement)
                yield Grant(_READ, _container(placement, metadata))
                yield Grant(_READ, _container(placement, manifest))

    def _announced(self) -> Iterator[Grant]:
        if topic := reach(self.placement).event_grid:
            yield Grant(_POST, _topic(self.placement, topic))
        else:  # subscribers' queues are found, and sent to
            yield Grant(_QUEUES, _account(self.placement))

    def _heard(self, there: Placement) -> Iterator[Grant]:
        yield Grant(_QUEUES, _account(there))
        if topic := reach(there).event_grid:
            yield from _told(_topic(there, topic), there)

    def _post(self, post: Post) -> Iterator[Grant]:
        yield Grant(_WRITE, _container(post.placement, Location.of(post.location).bucket))
        if post.element and self.is_here and reach(self.placement).subscription:
            yield Grant(_QUEUES, _account(self.placement))
            yield from _told(_account(self.placement), self.placement)

    def _blobs(self, role: str, location: str) -> Grant:
        return Grant(role, _container(self.placement, Location.of(location).bucket))

    def _element(self, element: Element) -> Iterator[Grant]:
        match element:
            case BlobContainer():
                yield Grant(_WRITE, _account(self.placement))
            case StorageQueue():
                yield Grant(_QUEUES, _account(self.placement))
            case BlobPutListenerBoundary() if not element.by_listing:
                yield Grant(_QUEUES, _account(self.placement))
                yield from _told(_account(self.placement), self.placement)
            case ContainerAppsJobArc() if job := element.workload.job:
                is_id = job.startswith("/")
                yield Grant(
                    _RUN, job if is_id else f"{_group(reach(self.placement))}/providers/Microsoft.App/jobs/{job}"
                )
            case StorageQueueNotifier():
                yield from self._sent_to(element)
            case EventGridNotifier() if not element.key_env:
                yield Grant(_POST, _topic(self.placement, element.endpoint))

    def _sent_to(self, notifier: StorageQueueNotifier) -> Iterator[Grant]:
        account, name = parse_queue(notifier.queue)
        if account and account != self.placement.account:
            _log.warning("allow '%s' at the queue %s of the storage account %s as well", _SEND, name, account)
            return
        yield Grant(_SEND, f"{_account(self.placement)}/queueServices/default/queues/{name}")


def _told(source: str, placement: Placement) -> Iterator[Grant]:
    """To have Event Grid put what *source* tells into queues of the storage account."""
    yield Grant(_TELL, source)
    yield from (Grant(_SEE, scope) for scope in (source, _account(placement)))


def _container(placement: Placement, name: str) -> str:
    return f"{_account(placement)}/blobServices/default/containers/{name}"


def _topic(placement: Placement, endpoint: str) -> str:
    """A topic's endpoint begins with its name."""
    name = urlsplit(endpoint).netloc.partition(".")[0]
    return f"{_group(reach(placement))}/providers/Microsoft.EventGrid/topics/{name}"


def _account(placement: Placement) -> str:
    found = reach(placement)
    return f"{_group(found)}/providers/Microsoft.Storage/storageAccounts/{found.account}"


def _group(found: Reach) -> str:
    for name, value in (("subscription", found.subscription), ("resource group", found.resource_group)):
        if not value:
            msg = f"no {name} is given for the storage account {found.account}"
            hint = "set AZURE_SUBSCRIPTION_ID (an id) and AZURE_RESOURCE_GROUP, or both in .clsconfig-azure"
            raise InvalidValueError(msg, hint=hint)
    return f"/subscriptions/{found.subscription}/resourceGroups/{found.resource_group}"
