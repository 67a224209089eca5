"""How Google Cloud is reached: what ``.clsconfig-gcp`` and the environment say for a placement.

.. code-block:: toml

    credentials = "~/keys/pipelines.json"             # for all

    [placements."gcp:dev:my-project:europe-west1"]    # for the placement of this id, over the environment
    impersonate = "pipelines@my-project.iam.gserviceaccount.com"
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from attrs import Factory, field, frozen

from clusterless.model.placement import Placement
from clusterless.runtime.settings import provider_settings

_PROJECT = ("GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
_REGION = ("GOOGLE_CLOUD_REGION", "CLOUDSDK_COMPUTE_REGION")


@frozen(kw_only=True)
class Reach:
    """Where requests go, and as whom; what is None is for the SDK to find as it always does.

    *endpoint* (Cloud Storage) and *run_endpoint* (Cloud Run) are URLs; *pubsub_endpoint* is one, or ``host:port``,
    which is spoken to in plain text. *project* is the one that requests are made for. *credentials* is the file of a
    service account's key, or as ``gcloud`` writes it, and *impersonate* the address of a service account to act as, by
    these credentials.
    """

    endpoint: str | None = None
    pubsub_endpoint: str | None = None
    run_endpoint: str | None = None
    project: str | None = None
    credentials: str | None = None
    impersonate: str | None = None


@frozen(kw_only=True)
class GcpSettings:
    """``.clsconfig-gcp``: for all, and by a placement's id."""

    endpoint: str | None = None
    pubsub_endpoint: str | None = None
    run_endpoint: str | None = None
    project: str | None = None
    region: str | None = None
    credentials: str | None = None
    impersonate: str | None = None
    placements: Mapping[str, Reach] = Factory(dict)


@frozen
class Defaults:
    """The *project* and the *region* that the environment or the settings name."""

    project: str | None = field()
    region: str | None = field()


def reach(placement: Placement | None) -> Reach:
    """How *placement* is reached; another provider's, or None, by what holds for all.

    What is set for the placement counts first, then the environment, then what is set for all.

    Raises:
        MalformedError: a ``.clsconfig-gcp`` is no TOML, or sets what there is not.
    """
    settings = provider_settings("gcp", GcpSettings)
    own, project = Reach(), None
    if placement and placement.provider == "gcp":
        own, project = settings.placements.get(placement.id, own), placement.account
    return Reach(
        endpoint=_url(own.endpoint or _set("STORAGE_EMULATOR_HOST") or settings.endpoint),
        pubsub_endpoint=own.pubsub_endpoint or _set("PUBSUB_EMULATOR_HOST") or settings.pubsub_endpoint,
        run_endpoint=_url(own.run_endpoint or settings.run_endpoint),
        project=own.project or project or _set(*_PROJECT) or settings.project,
        # What the environment names the SDK finds by itself, of every kind that there is.
        credentials=own.credentials or (None if _set("GOOGLE_APPLICATION_CREDENTIALS") else settings.credentials),
        impersonate=own.impersonate or settings.impersonate,
    )


def defaults() -> Defaults:
    """What a placement that leaves them out is given.

    Raises:
        MalformedError: see `reach`.
    """
    settings = provider_settings("gcp", GcpSettings)
    return Defaults(_set(*_PROJECT) or settings.project, _set(*_REGION) or settings.region)


def _url(text: str | None) -> str | None:
    """Emulators are often named without a scheme."""
    if text is None:
        return None
    return (text if "://" in text else f"http://{text}").rstrip("/")


def _set(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)
