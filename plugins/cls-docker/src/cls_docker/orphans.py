"""Containers that an attempt left behind, since its process was killed: known by their labels."""

from __future__ import annotations

from cls_docker.client import Engine
from cls_docker.errors import ContainerGoneError, asking
from cls_docker.run import LABEL, Run
from clusterless.errors import WorkloadError

_ATTEMPT = f"{LABEL}attempt"


def take_over(engine: Engine, run: Run) -> str | None:
    """The id of the container of this very attempt, if there is one; those of other attempts at the lot are removed.

    Whoever begins an attempt has the lot's claim: what others left has lost it, whether it still runs or not.
    """
    mine = None
    for container, attempt in _found(engine, run):
        if attempt == run.labels[_ATTEMPT]:
            mine = container
        else:
            remove(engine, container)
    return mine


def remove(engine: Engine, container: str) -> None:
    """End it at once if it runs, and remove it with what it wrote into volumes of its own."""
    from docker.errors import APIError

    try:
        with asking("remove a container"):
            engine.client.api.remove_container(container, v=True, force=True)
    except ContainerGoneError:
        return
    except WorkloadError as error:
        cause = error.__cause__
        if not (isinstance(cause, APIError) and cause.status_code == 409):  # somebody is removing it already
            raise


def _found(engine: Engine, run: Run) -> list[tuple[str, str]]:
    same = [f"{name}={value}" for name, value in run.labels.items() if name != _ATTEMPT]
    with asking("look for containers that were left behind"):
        found = engine.client.api.containers(all=True, filters={"label": same})
    return [(each["Id"], each["Labels"].get(_ATTEMPT, "")) for each in found]
