"""Whom Azure was asked of for a placement that is not found: for people who see that nothing is there."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from cls_azure import clients
from cls_azure.errors import asking
from cls_azure.settings import Reach, reach
from clusterless import layout
from clusterless.errors import ClsError
from clusterless.model.placement import Placement

_NAMED = 3  # placements


def asked(placement: Placement) -> str:
    """Which storage account was asked and as whom, and which placements there differ from *placement*."""
    found = reach(placement)
    told, others = f"the storage account {found.account} was asked, {_as_whom(found)}", list[str]()
    with suppress(ClsError):  # to list containers may not be allowed
        others = [each.id for each in _there(found) if each != placement]
    return f"{told}; it has {', '.join(others[:_NAMED])}" if others else told


def _as_whom(found: Reach) -> str:
    if found.connection_string:
        return "by its connection string"
    return "by its key" if found.key else "as the identity that Azure's SDK finds"


def _there(found: Reach) -> Collection[Placement]:
    with asking(f"the containers of {found.account}"):
        names = [str(each.name) for each in clients.blobs(found).list_containers()]
    return layout.placements_named("azure", names).values()
