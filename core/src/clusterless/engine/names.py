"""What infrastructure is called (FORMATS 4.6): the same names as ever, so that what is deployed is found again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from clusterless.model.placement import Placement
from clusterless.model.project import Project


def hyphenated(name: str) -> str:
    """``S3Simple`` → ``s3-simple``, ``my_project`` → ``my-project``, ``AWSLogs`` → ``a-w-s-logs``."""
    if "-" in name:
        words = name.split("-")
    elif "_" in name:
        words = name.split("_")
    else:
        words = re.findall(r"[A-Z][^A-Z]*|^[^A-Z]+", name)
    return "-".join(word.lower() for word in words if word)


def clashing(names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The names that would be called alike, by what they would be called: ``copyA`` and ``copy-a``."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(hyphenated(name), []).append(name)
    return {called: tuple(group) for called, group in groups.items() if len(group) > 1}


@frozen
class PlacementNames:
    """What a placement's own infrastructure is called."""

    placement: Placement

    @property
    def bootstrap(self) -> str:
        return self._staged("clusterless-bootstrap")

    @property
    def bus(self) -> str:
        return self._staged("arc-events", self.placement.region)

    @property
    def network(self) -> str:
        return self._staged("common-vpc")

    def _staged(self, *parts: str | None) -> str:
        stage = self.placement.stage.upper() if self.placement.stage else None
        return "-".join(part for part in (stage, *parts) if part)


@frozen
class ProjectNames:
    """What is called after a project and its elements (by their names)."""

    project: Project
    placement: Placement

    @property
    def group_stack(self) -> str:
        """The stack of all resources, activities and boundaries."""
        return self._regional("resource-activity-boundary")

    def arc_stack(self, arc: str) -> str:
        return self._regional("arc", hyphenated(arc))

    def element(self, name: str) -> str:
        """A state machine, a queue, a batch job, a compute environment."""
        return self._named(hyphenated(name), self.project.version)

    def regional(self, name: str) -> str:
        """The rule that feeds a boundary or an activity."""
        return self._regional(hyphenated(name))

    def function(self, name: str, suffix: str) -> str:
        """A function; *suffix* is what it is to the element, such as ``start``, ``complete``, ``func`` or ``int``."""
        return self._regional(hyphenated(name), suffix)

    def _regional(self, *parts: str) -> str:
        return self._named(*parts, self.project.version, self.placement.region)

    def _named(self, *parts: str | None) -> str:
        stage = self.placement.stage.upper() if self.placement.stage else None
        return "-".join(part for part in (stage, hyphenated(self.project.name), *parts) if part)
