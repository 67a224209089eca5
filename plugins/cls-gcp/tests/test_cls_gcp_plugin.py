"""What cls-gcp offers."""

from importlib.metadata import entry_points

from cls_gcp import plugin


def test_it_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="clusterless", name="gcp")
    assert found.load() is plugin


def test_hook_cls_stores_offers_buckets() -> None:
    (found,) = plugin.cls_stores()
    assert found.scheme == "gs"
    assert found.load()("gs://bucket/a/", None).root == "gs://bucket/a/"
