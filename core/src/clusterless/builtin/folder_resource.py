"""`local:core:folder`."""

from __future__ import annotations

import os

from clusterless.builtin.folder_components import FolderResource
from clusterless.builtin.folder_errors import explained
from clusterless.provider import Surroundings


def make_folder(resource: FolderResource, surroundings: Surroundings) -> None:
    """Make the folder, and those above it, if it is not there.

    Raises:
        StoreRefusedError: it may not be made, or a file is in its place.
    """
    path = surroundings.base / resource.path
    with explained(str(path)):
        os.makedirs(path, exist_ok=True)
