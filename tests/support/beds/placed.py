"""What a component of AWS is handed, for tests that use one without a run around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from beds.aws import ACCOUNT, REGION
from clusterless.model.element import Resource
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.plugins import find_plugins
from clusterless.provider import Surroundings
from clusterless.runtime.clock import SystemClock


def placement(stage: str, account: str = ACCOUNT) -> Placement:
    return Placement(provider="aws", stage=stage, account=account, region=REGION)


def surroundings(placement: Placement, base: Path, resources: Sequence[Resource] = ()) -> Surroundings:
    plugins = find_plugins()
    return Surroundings(
        project=Project(name="Demo", version="20230101-00"),
        placement=placement,
        roots=plugins.roots(placement, base),
        open_store=plugins.open_store,
        clock=SystemClock(),
        base=base,
        scratch=base,
        resources=resources,
    )
