"""What containers are called, and what all that is made is marked with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clusterless.errors import InvalidValueError
from clusterless.model.placement import Placement
from clusterless.model.project import Project

_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_MARK = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_container(name: str) -> None:
    """Refuse what cannot be the name of a container.

    Raises:
        InvalidValueError: it is too long, has capitals, or is otherwise not as Azure has it.
    """
    if not _CONTAINER.fullmatch(name):
        msg = f"{name!r} cannot be the name of a container"
        raise InvalidValueError(msg, hint="use 3 to 63 of a-z 0-9, and single hyphens between them")


def check_marks(metadata: Mapping[str, str]) -> None:
    """Refuse *metadata* that Azure would not keep.

    Raises:
        InvalidValueError: a name is no identifier, or a value is not plain.
    """
    for name, value in metadata.items():
        if not _MARK.fullmatch(name) or not value.isascii() or not value.isprintable() or value != value.strip():
            msg = f"{name!r}: {value!r} cannot be metadata in Azure"
            hint = "use letters, digits and _ for the name, and plain ASCII without spaces around it for the value"
            raise InvalidValueError(msg, hint=hint)


def marks(project: Project, placement: Placement) -> dict[str, str]:
    """What all that is made for a project is marked with (FORMATS 4.6), by names such as metadata may have."""
    found = {"clsprojectname": project.name, "clsprojectversion": project.version}
    return found | ({"clsprojectstage": placement.stage} if placement.stage else {})
