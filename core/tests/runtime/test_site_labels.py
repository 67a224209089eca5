"""What sites of one run are told by."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.provider import StoreRoots
from clusterless.runtime.site import Site, labels

ROOTS = StoreRoots(metadata="file:///m/", arc_state="file:///a/", manifest="file:///f/")


def site(name: str, version: str = "1", stage: str | None = None, region: str = "here") -> Site:
    placement = Placement(provider="local", stage=stage, account="local", region=region)
    deployable = Deployable(project=Project(name=name, version=version), placement=placement)
    return Site(deployable=deployable, file="p.json", base=Path(), roots=ROOTS)


@pytest.mark.parametrize(
    ("sites", "told"),
    [
        ([], []),
        ([site("p")], ["p"]),
        ([site("p"), site("q")], ["p", "q"]),
        ([site("p"), site("p", "2"), site("q")], ["p:1", "p:2", "q"]),
        ([site("p", stage="dev"), site("p", stage="prod")], ["p:1@dev", "p:1@prod"]),
        ([site("p"), site("p", stage="prod")], ["p:1@local:null:local:here", "p:1@prod"]),
        ([site("p", region="a"), site("p", region="b")], ["p:1@local:null:local:a", "p:1@local:null:local:b"]),
    ],
)
def test_a_label_is_as_short_as_it_tells(sites: list[Site], told: list[str]) -> None:
    assert labels(sites) == told
