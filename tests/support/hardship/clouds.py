"""The clouds' plugins in the place of their own, each of whose notifiers loses one event in ten, and doubles one.

They are found by entry points, as any plugin; ``CLS_DISABLE_PLUGINS`` leaves out those that they stand for.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from attrs import evolve, frozen

from clusterless.hookspecs import hookimpl
from clusterless.model.dataset import Dataset
from clusterless.provider import Provider, ProviderEntry, Publisher, Subscription, Surroundings
from clusterless.testing.messages import FaultyPublisher, FaultySubscription, Losses

SEED = "CLS_TEST_SEED"
PROVIDERS = ("aws", "gcp", "azure")

_LOSSES = Losses(lost=0.1, doubled=0.1)


def install(folder: Path) -> dict[str, str]:
    """Make what finds these plugins in *folder*; gives the variables that have `cls` use them."""
    info = folder / "cls_hard_clouds-1.dist-info"
    info.mkdir(parents=True)
    points = "".join(f"hard-{name} = hardship.clouds:{name}\n" for name in PROVIDERS)
    (info / "entry_points.txt").write_text(f"[clusterless]\n{points}")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cls-hard-clouds\nVersion: 1\n")
    support = Path(__file__).parents[1]
    return {"CLS_DISABLE_PLUGINS": ",".join(PROVIDERS), "PYTHONPATH": f"{support}{os.pathsep}{folder}"}


@frozen
class _Unreliable:
    """*provider*, over whose events chance has its say."""

    provider: Provider
    chance: random.Random

    def __getattr__(self, name: str) -> Any:
        return getattr(self.provider, name)

    def publisher(self, surroundings: Surroundings) -> Publisher:
        return FaultyPublisher(self.provider.publisher(surroundings), self.chance, _LOSSES)

    def subscription(self, surroundings: Surroundings, subscriber: str, datasets: Sequence[Dataset]) -> Subscription:
        opened = self.provider.subscription(surroundings, subscriber, datasets)
        return FaultySubscription(opened, self.chance)


def _instead(name: str) -> ModuleType:
    plugin = import_module(f"cls_{name}.plugin")

    @hookimpl
    def cls_providers() -> Iterable[ProviderEntry]:
        return list(_entries(plugin.cls_providers))

    instead = ModuleType(f"hard_{name}")
    vars(instead).update({each: answer for each, answer in vars(plugin).items() if each.startswith("cls_")})
    instead.cls_providers = cls_providers  # type: ignore[attr-defined]  # a module takes any
    return instead


def _entries(plain: Callable[[], Iterable[ProviderEntry]]) -> Iterator[ProviderEntry]:
    chance = random.Random(os.environ.get(SEED, ""))
    for entry in plain():
        yield evolve(entry, load=_loading(entry.load, chance))


def _loading(load: Callable[[], Provider], chance: random.Random) -> Callable[[], Provider]:
    return lambda: cast("Provider", _Unreliable(load(), chance))


aws, gcp, azure = map(_instead, PROVIDERS)
