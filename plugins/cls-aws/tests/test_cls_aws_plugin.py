"""What cls-aws offers."""

from importlib.metadata import entry_points

import pytest

from cls_aws import plugin
from cls_aws.provider import AwsProvider


def test_it_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="clusterless", name="aws")
    assert found.load() is plugin


def test_hook_cls_providers_offers_aws() -> None:
    (entry,) = plugin.cls_providers()
    assert (entry.name, entry.unavailable) == ("aws", "")
    assert isinstance(entry.load(), AwsProvider)


def test_hook_cls_stores_offers_buckets() -> None:
    found = {each.scheme: each for each in plugin.cls_stores()}
    assert sorted(found) == ["glue", "s3"]
    assert found["s3"].load()("s3://bucket/a/", None).root == "s3://bucket/a/"


@pytest.mark.parametrize("hook", ["cls_resources", "cls_boundaries", "cls_arcs", "cls_activities", "cls_notifiers"])
def test_each_hook_offers_components_of_ours_that_load(hook: str) -> None:
    for component in getattr(plugin, hook)():
        assert component.type.startswith("aws:core:")
        assert component.summary
        assert callable(component.load())
