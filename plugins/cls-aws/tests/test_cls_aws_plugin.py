"""What cls-aws offers, and what it says plainly that it does not."""

from importlib.metadata import entry_points, version

import pytest

from cls_aws import plugin
from clusterless.errors import NotInstalledError


def test_it_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="clusterless", name="aws")
    assert found.load() is plugin


def test_hook_cls_providers_names_the_version_and_what_is_missing() -> None:
    (entry,) = plugin.cls_providers()
    assert entry.name == "aws"
    assert entry.unavailable.startswith(f"cls-aws {version('cls-aws')} is installed but offers no provider yet")


def test_loading_it_is_refused_in_the_same_words() -> None:
    (entry,) = plugin.cls_providers()
    with pytest.raises(NotInstalledError) as refused:
        entry.load()
    assert refused.value.problem == entry.unavailable
    assert "'local'" in refused.value.hint


def test_hook_cls_stores_offers_buckets() -> None:
    (scheme,) = plugin.cls_stores()
    assert scheme.scheme == "s3"
    assert scheme.load()("s3://bucket/a/", None).root == "s3://bucket/a/"
