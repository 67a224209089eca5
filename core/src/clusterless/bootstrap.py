"""What a placement needs beforehand, made and removed by plans that are shown before they are applied."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from clusterless.model.placement import Placement


class Action(enum.Enum):
    """What a plan does with a thing."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    REMOVE = "remove"


@frozen(kw_only=True)
class Step:
    """What a plan does with *what* (a URI, or the provider's own name for it); *note* says why, or what is lost."""

    action: Action
    what: str
    note: str = ""


Exports = Mapping[str, Mapping[str, str]]
"""What was made, as ``metadata.json`` keeps it: the ``name``, ``id``, ``arn`` … of ``metadata``, ``arcState``, …"""


@frozen(kw_only=True)
class Plan:
    """What is about to be done to a placement; nothing is, before *apply* is called."""

    steps: Sequence[Step]
    apply: Callable[[], Exports] = field(repr=False)

    @property
    def changes(self) -> bool:
        return any(step.action is not Action.KEEP for step in self.steps)


class Bootstrap(Protocol):
    """Makes, finds and removes what a placement needs beforehand.

    ``metadata.json`` is written after `make`'s plan was applied, and removed before `remove`'s is: what
    has one, is whole. Every method raises `ClsError` for what is half made, naming what to do about it.
    """

    def make(self, placement: Placement, base: Path) -> Plan:
        """The plan that makes what is missing; of a placement that is whole it keeps everything."""

    def remove(self, placement: Placement, base: Path, with_data: bool) -> Plan:
        """The plan that removes what was made; what holds data is kept, unless *with_data*."""

    def placements(self, base: Path) -> Iterable[Placement]:
        """The placements that are there, as far as they can be seen from here: those with a ``metadata.json``.

        Where running makes what is missing, those that were run in, too.
        """
