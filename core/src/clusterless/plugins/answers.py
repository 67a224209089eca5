"""What each hook is answered with: a module of its own, since it loads all that can be declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusterless import provider

ANSWERS: Mapping[str, type[Any]] = {
    "cls_providers": provider.ProviderEntry,
    "cls_stores": provider.StoreScheme,
    "cls_resources": provider.ResourceComponent,
    "cls_boundaries": provider.BorderComponent,
    "cls_barriers": provider.BarrierComponent,
    "cls_arcs": provider.ArcComponent,
    "cls_activities": provider.ActivityComponent,
    "cls_notifiers": provider.NotifierComponent,
    "cls_engines": provider.ContainerEngine,
    "cls_deployers": provider.DeployerEntry,
    "cls_project_formats": provider.ProjectFormat,
}
