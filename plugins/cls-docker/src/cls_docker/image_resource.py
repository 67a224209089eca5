"""``docker:core:imageResource``: an image that is built, tagged, and pushed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cls_docker.client import Engine
from cls_docker.errors import asking, registry_hint
from cls_docker.images import build
from cls_docker.naming import split_reference
from cls_docker.resources import ImageResource
from clusterless.errors import ClsError
from clusterless.provider import Surroundings

if TYPE_CHECKING:
    from docker import DockerClient


class PushError(ClsError):
    """A registry did not take an image; it is there on the engine."""

    code = "image-not-pushed"
    exit_code = 74


def make_image(resource: ImageResource, surroundings: Surroundings) -> None:
    """Build the image if its folder has changed, and see that its tags are, here and with ``push`` in their registries.

    Raises:
        WorkloadError: it cannot be built; with the end of the build's log.
        PushError: a registry did not answer, or does not let us.
        EngineUnavailableError, EngineRefusedError: there is no engine that can be used.
    """
    engine = Engine()
    try:
        image = build(engine, surroundings.base / resource.image_path)
        for tag in resource.tags:
            _tag(engine.client, image, tag)
            if resource.push:
                _push(engine.client, tag)
    finally:
        engine.close()


def _tag(client: DockerClient, image: str, tag: str) -> None:
    repository, version = split_reference(tag)
    with asking(f"call the image {tag}"):
        client.api.tag(image, repository, version, force=True)


def _push(client: DockerClient, tag: str) -> None:
    repository, version = split_reference(tag)
    with asking(f"push {tag}"):
        refused = _refusal(client.api.push(repository, tag=version, stream=True, decode=True))
    if refused:
        msg = f"cannot push {tag}: {refused}"
        raise PushError(msg, hint=registry_hint(repository, refused))


def _refusal(told: Iterable[Mapping[str, Any]]) -> str:
    """What a push came to is in the stream only: an error is told there after all went well."""
    return next((str(each["error"]).strip() for each in [*told] if "error" in each), "")
