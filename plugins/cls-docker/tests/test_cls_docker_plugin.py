"""cls-docker says plainly that it has nothing to offer yet."""

from importlib.metadata import entry_points, version

import pytest

from cls_docker import plugin
from clusterless.errors import NotInstalledError


def test_it_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="clusterless", name="docker")
    assert found.load() is plugin


def test_hook_cls_providers_names_the_version_and_what_is_missing() -> None:
    (entry,) = plugin.cls_providers()
    assert entry.name == "docker"
    assert entry.unavailable.startswith(f"cls-docker {version('cls-docker')} is installed but offers nothing yet: no ")
    assert "nothing yet" in entry.summary


def test_loading_it_is_refused_in_the_same_words() -> None:
    (entry,) = plugin.cls_providers()
    with pytest.raises(NotInstalledError) as refused:
        entry.load()
    assert refused.value.problem == entry.unavailable
    assert "'local'" in refused.value.hint
