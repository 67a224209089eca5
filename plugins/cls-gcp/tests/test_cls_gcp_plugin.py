"""What cls-gcp offers."""

from importlib.metadata import entry_points

import pytest

from cls_gcp import plugin
from cls_gcp.bootstrap import GcpBootstrap
from cls_gcp.provider import GcpProvider


def test_it_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="clusterless", name="gcp")
    assert found.load() is plugin


def test_hook_cls_providers_offers_gcp() -> None:
    (entry,) = plugin.cls_providers()
    assert (entry.name, entry.unavailable) == ("gcp", "")
    assert isinstance(entry.load(), GcpProvider)
    assert entry.bootstrap
    assert isinstance(entry.bootstrap(), GcpBootstrap)


def test_hook_cls_stores_offers_buckets() -> None:
    (found,) = plugin.cls_stores()
    assert found.scheme == "gs"
    assert found.load()("gs://bucket/a/", None).root == "gs://bucket/a/"


@pytest.mark.parametrize("hook", ["cls_resources", "cls_boundaries", "cls_arcs", "cls_notifiers"])
def test_each_hook_offers_components_of_ours_that_load(hook: str) -> None:
    for component in getattr(plugin, hook)():
        assert component.type.startswith("gcp:core:")
        assert component.summary
        assert callable(component.load())
