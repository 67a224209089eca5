"""The SDKs' clients, made when they are first wanted and shared by all threads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cls_gcp.errors import asking
from cls_gcp.settings import Reach
from clusterless.errors import StoreRefusedError

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.storage import Client
    from google.pubsub_v1 import PublisherClient, SubscriberClient

CONNECT, READ = 10, 60  # seconds without an answer
_CONNECTIONS = 64  # at a time: lots are worked, and their objects copied, by many threads
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

_made: dict[tuple[str, Reach], Any] = {}
_making = Lock()


def storage(reach: Reach) -> Client:
    """The client of Cloud Storage; no request is made.

    Raises:
        StoreRefusedError: there are no credentials, or they cannot be read.
    """
    made: Client = _shared("storage", reach, _storage)
    return made


def session(reach: Reach) -> Any:
    """The ``requests`` session that `storage` asks by."""
    return _shared("session", reach, _session)


def publisher(reach: Reach) -> PublisherClient:
    """The client that knows topics; no request is made. Raises as `storage` does."""
    from google.pubsub_v1 import PublisherClient

    made: PublisherClient = _shared("publisher", reach, lambda reach: _grpc(PublisherClient, reach))
    return made


def subscriber(reach: Reach) -> SubscriberClient:
    """The client that knows subscriptions; no request is made. Raises as `storage` does."""
    from google.pubsub_v1 import SubscriberClient

    made: SubscriberClient = _shared("subscriber", reach, lambda reach: _grpc(SubscriberClient, reach))
    return made


def default_project(reach: Reach) -> str | None:
    """The project that the credentials are of, where they tell.

    Raises:
        StoreRefusedError: there are no credentials, or they cannot be read.
    """
    with asking("Google Cloud for the project of your credentials"):
        return _found(reach)[1]


def _shared(name: str, reach: Reach, make: Callable[[Reach], Any]) -> Any:
    with _making:
        found = _made.get((name, reach))
    if found is None:
        with asking("Google Cloud"):
            found = make(reach)
        with _making:
            found = _made.setdefault((name, reach), found)
    return found


def _storage(reach: Reach) -> Client:
    from google.api_core.client_info import ClientInfo
    from google.cloud.storage import Client

    asked = session(reach)
    options = {"api_endpoint": reach.endpoint} if reach.endpoint else None
    return Client(
        project=reach.project,
        credentials=asked.credentials,
        client_options=options,
        client_info=ClientInfo(user_agent="clusterless"),
        _http=asked,
    )


def _session(reach: Reach) -> Any:
    from google.auth.transport.requests import AuthorizedSession
    from requests.adapters import HTTPAdapter

    made = AuthorizedSession(_credentials(reach, reach.endpoint))
    made.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
    made.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return made


def _grpc(kind: Any, reach: Reach) -> Any:
    from google.api_core.client_options import ClientOptions

    endpoint = reach.pubsub_endpoint
    if not endpoint or endpoint.startswith("https://"):
        options = ClientOptions(api_endpoint=urlsplit(endpoint).netloc) if endpoint else None
        return kind(credentials=_credentials(reach, endpoint), client_options=options)
    import grpc

    channel = grpc.insecure_channel(endpoint.removeprefix("http://"))
    return kind(transport=kind.get_transport_class("grpc")(channel=channel))


def _credentials(reach: Reach, endpoint: str | None) -> Credentials:
    """Those that are set, or found; none go to an *endpoint* that is spoken to in plain text."""
    if endpoint and not endpoint.startswith("https://"):
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()
    found = _found(reach)[0]
    if not reach.impersonate:
        return found
    from google.auth.impersonated_credentials import Credentials as Impersonated

    return Impersonated(source_credentials=found, target_principal=reach.impersonate, target_scopes=list(_SCOPES))


def _found(reach: Reach) -> tuple[Credentials, str | None]:
    """Credentials, and the project that they are of."""
    import google.auth

    if not reach.credentials:
        return google.auth.default(scopes=_SCOPES)
    path = Path(reach.credentials).expanduser()
    try:
        return _of_file(path)
    except (OSError, ValueError) as error:
        msg = f"the credentials in {path} cannot be used: {error}"
        raise StoreRefusedError(msg, hint="have the file written anew, as `gcloud` or the console does") from error


def _of_file(path: Path) -> tuple[Credentials, str | None]:
    """Raises ``ValueError`` or ``OSError`` for what is no such file."""
    from google.oauth2.credentials import Credentials as UserCredentials
    from google.oauth2.service_account import Credentials as AccountCredentials

    values = json.loads(path.read_text(encoding="utf-8"))
    kind = values.get("type") if isinstance(values, dict) else None
    if kind == "service_account":
        return AccountCredentials.from_service_account_info(values, scopes=_SCOPES), values.get("project_id")
    if kind == "authorized_user":
        return UserCredentials.from_authorized_user_info(values, scopes=_SCOPES), values.get("quota_project_id")
    msg = f"their type is {kind!r}; set GOOGLE_APPLICATION_CREDENTIALS for others than service_account, authorized_user"
    raise ValueError(msg)
