"""cls-azure is found under its name, and each hook answers with what can be loaded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from cls_azure import plugin
from clusterless.model.placement import Placement
from clusterless.plugins import Plugin, Plugins, find_plugins

OFFERS = {
    "cls_providers": ["azure"],
    "cls_stores": ["az"],
    "cls_resources": ["azure:core:blobContainer", "azure:core:storageQueue"],
    "cls_boundaries": ["azure:core:blobPutListenerBoundary"],
    "cls_arcs": ["azure:core:blobCopyArc", "azure:core:containerAppsJobArc"],
    "cls_notifiers": ["azure:core:storageQueueNotifier", "azure:core:eventGridNotifier"],
}


def test_it_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="clusterless", name="azure")
    assert found.load() is plugin


@pytest.mark.parametrize(("hook", "names"), OFFERS.items())
def test_each_hook_names_what_it_offers_and_it_loads(hook: str, names: Sequence[str]) -> None:
    answers: Sequence[Any] = getattr(plugin, hook)()
    assert [getattr(each, "type", "") or getattr(each, "scheme", "") or each.name for each in answers] == names
    for each in answers:
        assert each.summary
        assert each.load()


def test_it_fits_with_all_that_is_installed() -> None:
    Plugins([Plugin(name="azure", answers=plugin)]).check()
    find_plugins().check()


def test_programs_in_containers_are_told_the_storage_account(apart: pytest.MonkeyPatch, tmp_path: Path) -> None:
    apart.chdir(tmp_path)
    (scheme,) = plugin.cls_stores()
    assert scheme.variables(None) == {}
    placement = Placement(provider="azure", stage="dev", account="myaccount", region="westeurope")
    assert scheme.variables(placement) == {"AZURE_STORAGE_ACCOUNT": "myaccount"}
