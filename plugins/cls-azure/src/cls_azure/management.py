"""Azure Resource Manager, asked once a request: what runs jobs, and says where events go, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cls_azure import clients
from cls_azure.errors import asking
from cls_azure.settings import Reach
from clusterless.errors import StoreUnavailableError

_PUBLIC = "https://management.azure.com"
_SCOPE = f"{_PUBLIC}/.default"


class Management:
    """Asks as the identity that the SDK finds; an endpoint in plain text is told of none."""

    def __init__(self, found: Reach, version: str) -> None:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, UserAgentPolicy

        self._endpoint = endpoint = (found.management_endpoint or _PUBLIC).rstrip("/")
        policies: list[Any] = [UserAgentPolicy("clusterless")]
        if not endpoint.startswith("http://"):
            policies.append(BearerTokenCredentialPolicy(clients.identity(found), _SCOPE))
        self._client: PipelineClient[Any, Any] = PipelineClient(endpoint, policies=policies)
        self._version = version

    def get(self, path: str) -> Mapping[str, Any]:
        """What is at *path*, or at a link that an answer gave.

        Raises:
            ObjectMissingError: there is nothing.
            ClsError: see `cls_azure.errors.asking`.
        """
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The answer, empty where nothing is told; raises as `get` does."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """As `post`."""
        return self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        from azure.core.rest import HttpRequest

        is_link = path.startswith("http")
        url, params = (path, None) if is_link else (self._endpoint + path, {"api-version": self._version})
        request = HttpRequest(method, url, params=params, json=body)
        what = "what comes next of a list in Azure" if is_link else path
        with asking(what):
            answer = self._client.send_request(
                request, connection_timeout=clients.CONNECT, read_timeout=clients.READ, stream=False
            )
            answer.raise_for_status()
        if not answer.content:
            return {}
        try:
            value: Mapping[str, Any] = answer.json()
        except ValueError as error:
            msg = f"{what}: the answer is no JSON"
            raise StoreUnavailableError(msg) from error
        return value
