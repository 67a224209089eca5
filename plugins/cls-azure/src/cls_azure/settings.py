"""How Azure is reached: what ``.clsconfig-azure`` and the environment say for a placement.

.. code-block:: toml

    region = "westeurope"                             # for all

    [placements."azure:dev:myaccount:westeurope"]     # for the placement of this id, over the environment
    client = "00000000-0000-0000-0000-000000000000"
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import Factory, field, frozen

from clusterless.errors import StoreRefusedError
from clusterless.model.placement import Placement
from clusterless.runtime.settings import provider_settings

_STRING = "AZURE_STORAGE_CONNECTION_STRING"
_REGION = ("AZURE_LOCATION", "AZURE_DEFAULTS_LOCATION")
_GROUP = ("AZURE_RESOURCE_GROUP", "AZURE_DEFAULTS_GROUP")
_PLAIN = ("blob_endpoint", "queue_endpoint", "management_endpoint", "event_grid")
_COPY = "copy it from the account's page of access keys: it begins with DefaultEndpointsProtocol=https"
_EMULATOR = "devstoreaccount1"  # the account of ``UseDevelopmentStorage=true``


@frozen(kw_only=True)
class Set:
    """What can be set, for a placement or for all; what is None is for the SDK to find as it always does.

    *blob_endpoint*, *queue_endpoint* and *management_endpoint* (of Container Apps) are URLs, and so is *event_grid*,
    that of the Event Grid topic which events are posted to. *credentials* is a file that holds the storage account's
    connection string, *client* the id of a managed identity to act as. *subscription* (by its id) and *resource_group*
    are those of jobs that are named without them.
    """

    blob_endpoint: str | None = None
    queue_endpoint: str | None = None
    management_endpoint: str | None = None
    event_grid: str | None = None
    credentials: str | None = None
    client: str | None = None
    subscription: str | None = None
    resource_group: str | None = None


@frozen(kw_only=True)
class AzureSettings(Set):
    """``.clsconfig-azure``: for all, and by a placement's id."""

    account: str | None = None
    region: str | None = None
    placements: Mapping[str, Set] = Factory(dict)


@frozen(kw_only=True)
class Reach:
    """Where requests go, and as whom. *account* is the storage account, None where none is known.

    It is reached by its *connection_string*, else by its *key*, else by an identity that the SDK finds: that of
    *client*, where one is set. For the rest see `Set`.
    """

    account: str | None = None
    blob_endpoint: str | None = None
    queue_endpoint: str | None = None
    management_endpoint: str | None = None
    event_grid: str | None = None
    connection_string: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    client: str | None = None
    subscription: str | None = None
    resource_group: str | None = None


@frozen
class Defaults:
    """The storage *account* and the *region* that the environment or the settings name."""

    account: str | None
    region: str | None


def reach(placement: Placement | None) -> Reach:
    """How *placement* is reached; another provider's, or None, by what holds for all.

    What is set for the placement counts first, then the environment, then what is set for all. A connection string
    and a key are for the account that they are of, and for no other.

    Raises:
        MalformedError: a ``.clsconfig-azure`` is no TOML, or sets what there is not.
        StoreRefusedError: a connection string cannot be read, or that of the placement is of another account.
    """
    settings = provider_settings("azure", AzureSettings)
    own, strings = Set(), _strings(settings)
    account = _account(settings, strings)
    if placement and placement.provider == "azure":
        own, account = settings.placements.get(placement.id, own), placement.account or account
        strings = [*_own_string(own, account), *strings]
    string = next((each for each in strings if account_of(each) == account), None)
    is_theirs = account is not None and account == os.environ.get("AZURE_STORAGE_ACCOUNT")
    return Reach(
        account=account,
        connection_string=string,
        key=os.environ.get("AZURE_STORAGE_KEY") if is_theirs and not string else None,
        # What the environment names the SDK finds by itself.
        client=own.client or (None if os.environ.get("AZURE_CLIENT_ID") else settings.client),
        subscription=own.subscription or os.environ.get("AZURE_SUBSCRIPTION_ID") or settings.subscription,
        resource_group=own.resource_group or _set(_GROUP) or settings.resource_group,
        **{name: getattr(own, name) or getattr(settings, name) for name in _PLAIN},
    )


def defaults() -> Defaults:
    """What a placement that leaves them out is given.

    Raises:
        MalformedError: see `reach`.
        StoreRefusedError: see `reach`.
    """
    settings = provider_settings("azure", AzureSettings)
    return Defaults(_account(settings, _strings(settings)), _set(_REGION) or settings.region)


def variables(placement: Placement | None) -> dict[str, str]:
    """What leads a program to the storage account that *placement* reaches; as whom it asks is not among it.

    Raises:
        MalformedError: see `reach`.
        StoreRefusedError: see `reach`.
    """
    account = reach(placement).account
    return {"AZURE_STORAGE_ACCOUNT": account} if account else {}


def account_of(connection_string: str) -> str | None:
    """The storage account that a *connection_string* is of; None where it does not tell."""
    pairs = (part.partition("=") for part in connection_string.split(";"))
    parts = {name.strip().lower(): value for name, _, value in pairs}
    if parts.get("usedevelopmentstorage") == "true":
        return _EMULATOR
    host = re.match(r"https?://([a-z0-9]{3,24})\.(?:blob|queue)\.", parts.get("blobendpoint", ""))
    return parts.get("accountname") or (host[1] if host else None)


def _set(names: Sequence[str]) -> str | None:
    """The first of the environment variables *names* that is set."""
    return next((value for name in names if (value := os.environ.get(name))), None)


def _account(settings: AzureSettings, strings: Sequence[str]) -> str | None:
    """The account that holds for all."""
    of_strings = account_of(strings[0]) if strings else None
    return os.environ.get("AZURE_STORAGE_ACCOUNT") or of_strings or settings.account


def _strings(settings: AzureSettings) -> list[str]:
    """The connection strings that hold for all, the one that counts first."""
    set_here = os.environ.get(_STRING)
    return [*([_checked(set_here, _STRING)] if set_here else []), *_of_file(settings)]


def _own_string(own: Set, account: str | None) -> list[str]:
    """That of the placement's own credentials, whose account is *account*."""
    found = _of_file(own)
    if any(account_of(each) != account for each in found):
        msg = f"the connection string in {own.credentials} is not one of the storage account {account}"
        raise StoreRefusedError(msg, hint=_COPY)
    return found


def _of_file(values: Set) -> list[str]:
    if not values.credentials:
        return []
    path = Path(values.credentials).expanduser()
    try:
        return [_checked(path.read_text(encoding="utf-8").strip(), str(path))]
    except (OSError, ValueError) as error:
        msg = f"the credentials in {path} cannot be read: {error}"
        raise StoreRefusedError(msg, hint="have the file hold the account's connection string") from error


def _checked(text: str, where: str) -> str:
    if account_of(text) is None:
        msg = f"{where} holds no connection string of a storage account"
        raise StoreRefusedError(msg, hint=_COPY)
    return text
