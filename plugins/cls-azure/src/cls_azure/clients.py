"""The SDKs' clients, made when they are first wanted and shared by all threads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from cls_azure.errors import asking
from cls_azure.settings import Reach
from clusterless.errors import StoreRefusedError
from clusterless.store.servertime import ServerTime

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueServiceClient

CONNECT, READ = 10, 60  # seconds without an answer
CHUNK = 4 << 20  # bytes that are read by one request
_CONNECTIONS = 64  # at a time: lots are worked, and their objects copied, by many threads
_ATTEMPTS = 5
_PAUSES: Mapping[str, Any] = {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1}  # seconds
_SUFFIX = "core.windows.net"

_made: dict[tuple[str, Reach], Any] = {}
_making = Lock()


def blobs(reach: Reach) -> BlobServiceClient:
    """The client of the account's blobs; no request is made.

    It sends each request once: a conditional write whose answer was lost must not be repeated blindly, and
    `clusterless.store.retrying` knows how.

    Raises:
        StoreRefusedError: no account is named, or it cannot be asked with what is set.
    """
    made: BlobServiceClient = _shared("blob", reach, _blobs)
    return made


def queues(reach: Reach) -> QueueServiceClient:
    """The client of the account's queues; no request is made. What fails is asked again, with back-off.

    Raises:
        StoreRefusedError: see `blobs`.
    """
    made: QueueServiceClient = _shared("queue", reach, _queues)
    return made


def identity(reach: Reach) -> TokenCredential:
    """As whom Azure is asked where no key is set: what the environment, its own identity or a sign-in gives."""
    made: TokenCredential = _shared("identity", reach, _identity)
    return made


def time_of(reach: Reach) -> ServerTime:
    """The time that is heard from the answers of `blobs`: the same one each time."""
    made: ServerTime = _shared("time", reach, lambda _: ServerTime())
    return made


def _shared(name: str, reach: Reach, make: Callable[[Reach], Any]) -> Any:
    with _making:
        found = _made.get((name, reach))
    if found is None:
        with asking("Azure"):
            found = make(reach)
        with _making:
            found = _made.setdefault((name, reach), found)
    return found


def _blobs(reach: Reach) -> Any:
    from azure.storage.blob import BlobServiceClient, ExponentialRetry

    time = time_of(reach)
    return _client(
        BlobServiceClient,
        reach,
        "blob",
        reach.blob_endpoint,
        retry_policy=ExponentialRetry(**_PAUSES, retry_total=0),
        max_single_get_size=CHUNK,
        raw_response_hook=lambda answer: time.heard(answer.http_response),
    )


def _queues(reach: Reach) -> Any:
    from azure.storage.queue import ExponentialRetry, QueueServiceClient

    retry = ExponentialRetry(**_PAUSES, retry_total=_ATTEMPTS - 1)
    return _client(QueueServiceClient, reach, "queue", reach.queue_endpoint, retry_policy=retry)


def _client(kind: Any, reach: Reach, service: str, endpoint: str | None, **options: Any) -> Any:
    from azure.core.pipeline.transport import RequestsTransport

    logging.getLogger("azure").setLevel(logging.ERROR)  # what it warns of comes as an error too, or is asked again
    transport = RequestsTransport(session=_session(), connection_timeout=CONNECT, read_timeout=READ)
    options |= {"transport": transport, "user_agent": "clusterless"}
    if reach.connection_string:
        # The last of several by one name counts.
        led = f";{service.capitalize()}Endpoint={endpoint}" if endpoint else ""
        return kind.from_connection_string(reach.connection_string.rstrip(";") + led, **options)
    if not reach.account:
        msg = "no storage account of Azure is given"
        hint = "set AZURE_STORAGE_ACCOUNT, or 'account' in .clsconfig-azure or in the placement"
        raise StoreRefusedError(msg, hint=hint)
    credential = {"account_name": reach.account, "account_key": reach.key} if reach.key else identity(reach)
    return kind(endpoint or f"https://{reach.account}.{service}.{_SUFFIX}", credential=credential, **options)


def _session() -> Any:
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return session


def _identity(reach: Reach) -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    named = {"managed_identity_client_id": reach.client, "workload_identity_client_id": reach.client}
    return DefaultAzureCredential(**(named if reach.client else {}))
