"""What all that is made for a project is marked with (FORMATS 4.6)."""

from __future__ import annotations

from collections.abc import Mapping

from clusterless.model.placement import Placement
from clusterless.model.project import Project

PLACEMENT = "cls:placement"
"""Marks what runs have made in a placement, by its id."""


def tags(project: Project, placement: Placement) -> dict[str, str]:
    marks = {"cls:project:name": project.name, "cls:project:version": project.version, PLACEMENT: placement.id}
    return {**marks, "cls:project:stage": placement.stage} if placement.stage else marks


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """*tags* as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
