"""What `cls bootstrap` makes for a placement on Azure: three containers of its storage account.

The queues of those who subscribe are made as projects are run, and removed with the placement.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from cls_azure import clients
from cls_azure.errors import asking
from cls_azure.events import PLACEMENT
from cls_azure.names import check_container
from cls_azure.resources import make_container
from cls_azure.settings import reach
from cls_azure.store import open_container
from clusterless import codec, layout
from clusterless.bootstrap import Action, Exports, Plan, Step
from clusterless.errors import ClsError, ObjectMissingError, PlaceMissingError, StoreRefusedError
from clusterless.model.placement import Bootstrapped, Placement, bootstrap_command

_EXPORTS = ("metadata", "arcState", "manifest")
_MARKS = {"clsbootstrap": "1"}

_log = logging.getLogger(__name__)


@frozen
class _Container:
    """*holds* says whether anything but ``metadata.json`` is in it, *ours* whether `cls bootstrap` made it."""

    name: str
    is_there: bool = False
    ours: bool = False
    holds: bool = False

    @property
    def uri(self) -> str:
        return f"az://{self.name}/"


class AzureBootstrap:
    """Makes what is missing, thing by thing; each is safe to be made again."""

    def make(self, placement: Placement, base: Path) -> Plan:
        containers = _containers(placement)
        _check_whole(placement, containers)
        steps = [Step(action=Action.KEEP if each.is_there else Action.CREATE, what=each.uri) for each in containers]
        return Plan(steps=steps, apply=partial(_make, placement, containers))

    def remove(self, placement: Placement, base: Path, with_data: bool) -> Plan:
        there = [each for each in _containers(placement) if each.is_there]
        if others := [each.uri for each in there if not each.ours]:
            msg = f"{placement.id} was not made by cls bootstrap, which removes only what it has made"
            raise StoreRefusedError(msg, hint=f"remove {' and '.join(others)} with what made them, or by hand")
        gone = [each for each in there if with_data or not each.holds]
        queues = _queues(placement)
        steps = [Step(action=Action.REMOVE, what=f"queue {name}") for name in queues]
        steps += [_removal(each, each in gone) for each in there]
        return Plan(steps=steps, apply=partial(_remove, placement, gone, queues))

    def placements(self, base: Path) -> Iterator[Placement]:
        """Those whose metadata is in a container of the storage account that the environment or the settings name."""
        found = reach(None)
        if not found.account:
            return
        with asking(f"the containers of {found.account}"):
            names = [str(each.name) for each in clients.blobs(found).list_containers()]
        for name in layout.placements_named("azure", names):
            if (recorded := _bootstrapped(name)) and recorded.placement:
                yield recorded.placement


# ---- what there is ---------------------------------------------------------------------------------------------


def _containers(placement: Placement) -> Sequence[_Container]:
    names = layout.store_names(placement)
    for name in names:
        check_container(name)
    return [_container(placement, name) for name in names]


def _container(placement: Placement, name: str) -> _Container:
    client = clients.blobs(reach(placement)).get_container_client(name)
    try:
        with asking(f"az://{name}/"):
            metadata = client.get_container_properties().metadata or {}
            few = list(next(client.list_blob_names(results_per_page=2).by_page(), ()))
    except PlaceMissingError:
        return _Container(name)
    return _Container(
        name, True, _MARKS.items() <= metadata.items(), any(each != layout.PLACEMENT_META for each in few)
    )


def _check_whole(placement: Placement, containers: Sequence[_Container]) -> None:
    """Refuse what is half made, unless by a `cls bootstrap` that did not come to its end.

    Raises:
        StoreRefusedError: it is.
    """
    there = [each for each in containers if each.is_there]
    missing = [each.uri for each in containers if not each.is_there]
    if not there or not missing:
        return
    command = bootstrap_command(placement)
    if others := [each.uri for each in there if not each.ours]:
        msg = (
            f"{placement.id} is half made: {_named(others)} was not made by cls bootstrap, {_named(missing)} is missing"
        )
        raise StoreRefusedError(msg, hint=f"make what is missing with what made the rest, or remove it; then {command}")
    if containers[0].is_there and _bootstrapped(containers[0].name, placement):
        msg = f"{placement.id} is half made: {_named(missing)} is gone since it was bootstrapped"
        raise StoreRefusedError(msg, hint=f"{command} --destroy (what holds data is kept), then {command}")


def _named(uris: Sequence[str]) -> str:
    return " and ".join(uris)


def _bootstrapped(container: str, placement: Placement | None = None) -> Bootstrapped | None:
    store = open_container(f"az://{container}/", placement)
    source = layout.uri(store.root, layout.PLACEMENT_META)
    try:
        return codec.read_record(store.get(layout.PLACEMENT_META), Bootstrapped, source=source)
    except ObjectMissingError:
        return None
    except ClsError as error:
        _log.warning("a placement is passed over: %s", error)
        return None


def _queues(placement: Placement) -> list[str]:
    """Those of the placement's subscribers."""
    with asking(f"the queues of {placement.account}"):
        found: list[Any] = list(clients.queues(reach(placement)).list_queues(include_metadata=True))
    return [str(each.name) for each in found if (each.metadata or {}).get(PLACEMENT) == placement.id]


# ---- what is done ----------------------------------------------------------------------------------------------


def _removal(container: _Container, is_gone: bool) -> Step:
    if is_gone:
        return Step(action=Action.REMOVE, what=container.uri, note="with all that it holds" if container.holds else "")
    return Step(action=Action.KEEP, what=container.uri, note="it holds data")


def _make(placement: Placement, containers: Sequence[_Container]) -> Exports:
    for each in containers:
        make_container(reach(placement), each.name, _MARKS)
    return {name: {"name": each.name} for name, each in zip(_EXPORTS, containers, strict=True)}


def _remove(placement: Placement, containers: Sequence[_Container], queues: Sequence[str]) -> Exports:
    """A container goes with what is in it; what was announced and not heard yet is found by looking."""
    found = reach(placement)
    for name in queues:
        with asking(f"the queue {name}"):
            clients.queues(found).delete_queue(name)
    for each in containers:
        with asking(each.uri):
            clients.blobs(found).delete_container(each.name)
    return {}
