"""How the resources that a Docker engine offers are declared."""

from __future__ import annotations

from attrs import field, frozen

from cls_docker.naming import split_reference
from clusterless.errors import InvalidValueError
from clusterless.model.element import Needs, Resource
from clusterless.model.naming import check_path


@frozen(kw_only=True)
class ImageResource(Resource):
    """Builds an image from the folder ``imagePath``, calls it by ``tags``, and with ``push`` has registries take it.

    It is built anew when a file of the folder has changed. Arcs and activities name it by one of its tags.
    """

    image_path: str = field()
    tags: tuple[str, ...] = field()
    push: bool = False

    @property
    def needs(self) -> Needs:
        return Needs(image=self.image_path)

    @image_path.validator
    def _is_a_folder(self, _: object, image_path: str) -> None:
        check_path(image_path)

    @tags.validator
    def _are_names(self, _: object, tags: tuple[str, ...]) -> None:
        if not tags:
            msg = "'tags' is empty: give the names that the image is to have, such as [\"count:1\"]"
            raise InvalidValueError(msg)
        for tag in tags:
            split_reference(tag)
