"""The `local` provider in the place of core's own: the same stores and queues, each request of which is counted.

It is found by an entry point, as any plugin; ``CLS_DISABLE_PLUGINS=local`` leaves out the one that it stands for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from attrs import asdict, evolve, frozen

from clusterless.builtin import local
from clusterless.hookspecs import hookimpl
from clusterless.model.dataset import Dataset
from clusterless.model.event import Event
from clusterless.model.placement import Placement
from clusterless.provider import (
    Delivery,
    Provider,
    ProviderEntry,
    Publisher,
    StoreRoots,
    StoreScheme,
    Subscription,
    Surroundings,
)
from clusterless.store.api import ObjectStore
from clusterless.testing.faults import ObservedStore
from hardship import weather
from hardship.fates import REQUESTS

T = TypeVar("T")

AHEAD = "CLS_TEST_AHEAD"
"""Seconds that stores are ahead of the machine's time: for what comes due."""

BUCKET = "CLS_TEST_BUCKET"
"""Where the placement's stores are instead of in folders: ``s3://BUCKET``. Their keys there begin with the folder."""

cls_boundaries = local.cls_boundaries
cls_resources = local.cls_resources


@hookimpl
def cls_stores() -> Iterable[StoreScheme]:
    return [evolve(each, load=_counted(each.load)) for each in (*local.cls_stores(), *_buckets())]


@hookimpl
def cls_providers() -> Iterable[ProviderEntry]:
    (entry,) = local.cls_providers()
    return [evolve(entry, load=lambda: _Provider(entry.load()))]


def _buckets() -> Iterable[StoreScheme]:
    if BUCKET not in os.environ:
        return []
    from cls_aws import plugin

    return [each for each in plugin.cls_stores() if each.scheme == "s3"]


def _counted(load: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: lambda root, placement: CountedStore(load()(root, placement))


class CountedStore(ObservedStore):
    """*store*, its requests counted with all others of the process, and subject to the weather."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.batch = store.batch
        self._ahead = timedelta(seconds=float(os.environ.get(AHEAD, "0")))
        self._name = os.path.relpath(urlsplit(store.root).path.rstrip("/"))

    def request(self, method: str, key: str, ask: Callable[[], T]) -> T:
        weather.suffer(method, self._name)
        return REQUESTS.request(method, f"{self._name}/{key}", ask)

    def together(self) -> AbstractContextManager[None]:
        return self.store.together()

    def now(self) -> datetime:
        return self.store.now() + self._ahead

    def copy(self, key: str, source: ObjectStore, source_key: str) -> None:
        plain = source.store if isinstance(source, CountedStore) else source  # which the other store may know
        self.request("copy", key, lambda: self.store.copy(key, plain, source_key))


@frozen
class _Provider:
    provider: Provider

    def complete(self, placement: Placement) -> Placement:
        return self.provider.complete(placement)

    def roots(self, placement: Placement, base: Path) -> StoreRoots:
        roots = self.provider.roots(placement, base)
        if BUCKET not in os.environ:
            return roots
        inside = {name: uri.replace("file://", os.environ[BUCKET], 1) for name, uri in asdict(roots).items()}
        return StoreRoots(**inside)

    def publisher(self, surroundings: Surroundings) -> Publisher:
        return weather.publisher(_Publisher(self.provider.publisher(surroundings)))

    def subscription(self, surroundings: Surroundings, subscriber: str, datasets: Sequence[Dataset]) -> Subscription:
        opened = REQUESTS.request(
            "subscribe", subscriber, lambda: self.provider.subscription(surroundings, subscriber, datasets)
        )
        return weather.subscription(_Subscription(opened, subscriber))


@frozen
class _Publisher:
    publisher: Publisher

    def publish(self, event: Event) -> None:
        REQUESTS.request("publish", event.dataset.name, lambda: self.publisher.publish(event))


@frozen
class _Subscription:
    subscription: Subscription
    name: str

    def receive(self, limit: int) -> Sequence[Delivery]:
        received = REQUESTS.request("receive", self.name, lambda: self.subscription.receive(limit))
        return [_Delivery(each, self.name) for each in received]

    def close(self) -> None:
        self.subscription.close()


@frozen
class _Delivery:
    delivery: Delivery
    name: str

    @property
    def event(self) -> Event:
        return self.delivery.event

    def acknowledge(self) -> None:
        REQUESTS.request("acknowledge", self.name, self.delivery.acknowledge)

    def defer(self, seconds: float) -> None:
        REQUESTS.request("defer", self.name, lambda: self.delivery.defer(seconds))
