"""What things are called in Google Cloud: names made to fit, and those that are given held to what it takes."""

from __future__ import annotations

import re

from attrs import frozen

from clusterless.engine.names import PlacementNames
from clusterless.errors import InvalidValueError
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.runtime import fitting

_LONGEST_BUCKET = 63
_LONGEST = 255 - len("-dead")  # of topics and subscriptions
_TOPIC = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~%+-]{2,254}")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


@frozen
class TopicName:
    """A topic of a *project*; as text it is what the service calls it."""

    project: str
    name: str

    def __str__(self) -> str:
        return f"projects/{self.project}/topics/{self.name}"


def parse_topic(text: str, project: str | None) -> TopicName:
    """``projects/…/topics/…``, or a name alone, which is of *project*.

    Raises:
        InvalidValueError: it is neither.
    """
    match = re.fullmatch(r"(?:projects/([^/]+)/topics/)?([^/]+)", text)
    if not match or not _TOPIC.fullmatch(match[2]):
        msg = f"{text!r} is not a topic"
        raise InvalidValueError(msg, hint="use 'projects/PROJECT/topics/NAME', or a name of 3 to 255 of a-z A-Z 0-9 -")
    return TopicName(match[1] or project or "", match[2])


def check_project(name: str) -> None:
    """Refuse what cannot be the id of a project.

    Raises:
        InvalidValueError: it is too long, has capitals, or is a number.
    """
    if not _PROJECT.fullmatch(name):
        msg = f"{name!r} is not a project of Google Cloud"
        raise InvalidValueError(msg, hint="give its id, such as 'my-project-123456', not its number or its name")


def check_bucket(name: str) -> None:
    """Refuse what cannot be the name of a bucket.

    Raises:
        InvalidValueError: it is too long, has capitals, or is otherwise not as Cloud Storage has it.
    """
    fits = re.fullmatch(r"[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]", name) and ".." not in name
    if not fits or re.fullmatch(r"[\d.]+", name) or name.startswith("goog") or "google" in name:
        msg = f"{name!r} cannot be the name of a bucket"
        hint = f"use 3 to {_LONGEST_BUCKET} of a-z 0-9 - and begin and end with a letter or digit; not 'google'"
        raise InvalidValueError(msg, hint=hint)


def fitted(name: str) -> str:
    """*name* as topics and subscriptions may be called."""
    begins = "" if re.match(r"(?!goog)[A-Za-z]", name) else "cls-"
    return fitting.fitted(name, _LONGEST, begins)


def bus(placement: Placement) -> TopicName:
    """The topic of the placement's events."""
    return TopicName(placement.account or "", fitted(PlacementNames(placement).bus))


def labels(project: Project, placement: Placement) -> dict[str, str]:
    """What all that is made for a project is marked with (FORMATS 4.6), as far as labels can say it."""
    marks = {"cls-project-name": project.name, "cls-project-version": project.version}
    marks |= {"cls-project-stage": placement.stage} if placement.stage else {}
    return {key: re.sub(r"[^a-z0-9_-]", "_", value.lower())[:63] for key, value in marks.items()}
