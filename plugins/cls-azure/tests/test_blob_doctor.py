"""What the lot protocol assumes of a store is raced on Azurite, by processes of their own."""

from __future__ import annotations

from uuid import uuid4

import pytest
from beds.azurite import Azurite

from cls_azure import clients
from cls_azure.settings import reach
from clusterless.doctor import stores
from clusterless.plugins import find_plugins
from clusterless.runtime.clock import SystemClock, random_id


@pytest.mark.slow
def test_nothing_is_wrong_with_a_container(azure: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "ROUNDS", 10)  # a hundred take long
    uri = f"az://doctor-{uuid4().hex[:12]}/"
    clients.blobs(reach(None)).create_container(uri.removeprefix("az://").rstrip("/"))
    checks = stores.examine(uri, find_plugins().open_store(uri), SystemClock(), random_id)
    assert [(each.name, each.result.name, each.detail) for each in checks if each.result.name == "FAILED"] == []
    assert len(checks) == 6
    assert list(find_plugins().open_store(uri).list()) == []
