"""How the resources that a Docker engine offers are declared."""

from __future__ import annotations

import re

from attrs import field, frozen

from clusterless.errors import InvalidValueError, cut
from clusterless.model.element import Resource
from clusterless.model.naming import check_path

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:(?:{_HOST})/)?{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?", re.ASCII
)
_SHOWN = 200


def split_reference(reference: str) -> tuple[str, str]:
    """The repository, with its registry if it names one, and the tag of an image, ``latest`` where it names none.

    Raises:
        InvalidValueError: no image can be called so.
    """
    match = _REFERENCE.fullmatch(reference)
    if not match:
        msg = f"{cut(repr(reference), _SHOWN)} cannot be the name of an image"
        raise InvalidValueError(msg, hint="use lower case, as in 'registry.example.org/team/count:2'")
    return match["repository"], match["tag"] or "latest"


@frozen(kw_only=True)
class ImageResource(Resource):
    """Builds an image from the folder ``imagePath``, calls it by ``tags``, and with ``push`` has registries take it.

    It is built anew when a file of the folder has changed. Arcs and activities name it by one of its tags.
    """

    image_path: str = field()
    tags: tuple[str, ...] = field()
    push: bool = False

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
