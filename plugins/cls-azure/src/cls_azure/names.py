"""What containers and queues are called, and what all that is made is marked with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from clusterless.errors import InvalidValueError
from clusterless.model.placement import Placement
from clusterless.model.project import Project

DEAD = "-dead"
"""What follows a queue's name in that of the one for what nobody can read."""

_LONGEST_QUEUE = 63
_HASHED = 8
_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_MARK = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_container(name: str) -> None:
    """Refuse what cannot be the name of a container.

    Raises:
        InvalidValueError: it is too long, has capitals, or is otherwise not as Azure has it.
    """
    if not _NAME.fullmatch(name):
        msg = f"{name!r} cannot be the name of a container"
        raise InvalidValueError(msg, hint="use 3 to 63 of a-z 0-9, and single hyphens between them")


def check_queue(name: str) -> None:
    """Refuse what cannot be the name of a queue.

    Raises:
        InvalidValueError: it is too long, has capitals, or is otherwise not as Storage Queues have it.
    """
    if not _NAME.fullmatch(name):
        msg = f"{name!r} cannot be the name of a queue"
        hint = f"use 3 to {_LONGEST_QUEUE} of a-z 0-9, and single hyphens between them"
        raise InvalidValueError(msg, hint=hint)


def parse_queue(text: str) -> tuple[str | None, str]:
    """The account and the name in ``https://ACCOUNT.queue.core.windows.net/NAME``; of a name alone, no account.

    Raises:
        InvalidValueError: it is neither.
    """
    match = re.fullmatch(r"(?:https://([a-z0-9]{3,24})\.queue\.core\.windows\.net/)?([^/]*)", text)
    if not match:
        msg = f"{text!r} is not a queue"
        raise InvalidValueError(msg, hint="use its name, or 'https://ACCOUNT.queue.core.windows.net/NAME'")
    check_queue(match[2])
    return match[1], match[2]


def fitted(name: str) -> str:
    """*name* as a queue may be called that has one for the dead beside it.

    What must be changed is told apart from what else would become the same, by a few digits of its hash.
    """
    most = _LONGEST_QUEUE - len(DEAD)
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if plain == name and 3 <= len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASHED]
    return f"{plain[: most - _HASHED - 1].rstrip('-') or 'cls'}-{digest}"


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
