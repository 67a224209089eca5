from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pluggy
import pytest

from clusterless import hookspecs
from clusterless.builtin import local
from clusterless.builtin.folder_components import FolderResource, PutListenerBoundary
from clusterless.builtin.folder_listener import open_listener
from clusterless.builtin.folder_provider import FolderProvider
from clusterless.builtin.folder_resource import make_folder
from clusterless.store.files import FileStore
from clusterless.store.memory import MemoryStore


@pytest.fixture
def manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(local)
    manager.check_pending()
    return manager


def test_it_is_found_by_its_entry_point() -> None:
    (found,) = entry_points(group=hookspecs.NAME, name="local")
    assert found.load() is local


def test_cls_providers(manager: pluggy.PluginManager) -> None:
    ((provider,),) = manager.hook.cls_providers()
    assert provider.name == "local"
    assert isinstance(provider.load(), FolderProvider)


def test_cls_stores(manager: pluggy.PluginManager) -> None:
    (stores,) = manager.hook.cls_stores()
    opened = {store.scheme: store.load()(f"{store.scheme}:///a/", None) for store in stores}
    assert {scheme: type(store) for scheme, store in opened.items()} == {"file": FileStore, "memory": MemoryStore}
    assert {store.root for store in opened.values()} == {"file:///a/", "memory:///a/"}


def test_cls_resources(manager: pluggy.PluginManager) -> None:
    ((folder,),) = manager.hook.cls_resources()
    assert (folder.type, folder.model, folder.load()) == ("local:core:folder", FolderResource, make_folder)


def test_cls_boundaries(manager: pluggy.PluginManager) -> None:
    ((boundary,),) = manager.hook.cls_boundaries()
    assert boundary.type == "local:core:putListenerBoundary"
    assert (boundary.model, boundary.load()) == (PutListenerBoundary, open_listener)


def test_describing_what_is_offered_imports_nothing_heavy() -> None:
    program = (
        "import sys; from clusterless.builtin import local\n"
        "for hook in (local.cls_providers, local.cls_stores, local.cls_resources, local.cls_boundaries): list(hook())\n"
        "heavy = {'watchfiles', 'anyio', 'cattrs', 'tempfile', 'rich', 'clusterless.store.files'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
