"""The objects of a container, held to the contract of every store."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from beds.azurite import Azurite

from cls_azure import clients
from cls_azure.settings import reach
from cls_azure.store import ContainerStore, open_container
from clusterless.testing.store_contract import ObjectStoreContract

_NUMBERS = count(1)


@pytest.fixture
def root(azure: Azurite) -> str:
    """A location that nobody else writes to."""
    container = f"tests-{uuid4().hex[:12]}"
    clients.blobs(reach(None)).create_container(container)
    return f"az://{container}/{next(_NUMBERS)}/a%20folder/"


class TestContainerStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, root: str) -> ContainerStore:
        store = open_container(root, None)
        assert isinstance(store, ContainerStore)
        return store

    def poke(self, store: Any, key: str, body: bytes) -> None:
        blob(store, key).upload_blob(body, overwrite=True)

    def peek(self, store: Any, key: str) -> bytes:
        body: bytes = blob(store, key).download_blob().readall()
        return body


def blob(store: ContainerStore, key: str) -> Any:
    container, _, folder = store.root.removeprefix("az://").partition("/")
    return clients.blobs(reach(None)).get_blob_client(container, unquote(folder) + key)
