"""What images can be called."""

from __future__ import annotations

import re

from clusterless.errors import InvalidValueError, cut

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:(?:{_HOST})/)?{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?", re.ASCII
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
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


def check_reference(reference: str) -> None:
    """Refuse what names no image; a name may be followed by the digest of its content, which may stand alone.

    Raises:
        InvalidValueError: no image can be meant.
    """
    name, _, digest = reference.rpartition("@")
    split_reference(name if name and _DIGEST.fullmatch(digest) else reference)
