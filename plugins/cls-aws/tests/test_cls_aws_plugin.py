"""What cls-aws offers."""

from importlib.metadata import entry_points

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
    (scheme,) = plugin.cls_stores()
    assert scheme.scheme == "s3"
    assert scheme.load()("s3://bucket/a/", None).root == "s3://bucket/a/"
