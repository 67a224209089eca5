"""What is set for the engine of this machine, in ``.clsconfig-docker`` or ``~/.cls/config-docker``."""

from __future__ import annotations

from attrs import frozen

from clusterless.runtime.settings import provider_settings


@frozen(kw_only=True)
class DockerSettings:
    """``network`` is that of containers that ``cls run --workloads docker`` works arcs of other providers in."""

    network: str = ""


def settings() -> DockerSettings:
    """What is set.

    Raises:
        MalformedError: a file of settings cannot be read.
    """
    return provider_settings("docker", DockerSettings)
