"""What all declared elements share."""

from __future__ import annotations

from attrs import field, frozen

from clusterless.model.naming import check_name


@frozen(kw_only=True)
class Needs:
    """What must be there where an element is run, besides what a plugin looks for itself.

    A *program* is looked for in the folders *path* (as the variable PATH spells them, where it is given), a Python
    *module*, which is to have a *function*, in *folders* first, the Dockerfile of an image in the folder *image*;
    relative ones are meant from the project file's.
    """

    program: str = ""
    path: str | None = None
    module: str = ""
    function: str = ""
    folders: tuple[str, ...] = ()
    image: str = ""


@frozen(kw_only=True)
class Element:
    """A resource, boundary, barrier, arc, activity or notifier of a project.

    ``type`` is ``provider:namespace:component`` and picks the class it is read into.
    """

    type: str
    name: str = field(validator=check_name)
    exclude: bool = False  # neither built nor run, but known

    @property
    def needs(self) -> Needs:
        """What it cannot be run without; components that need something override it."""
        return Needs()


@frozen(kw_only=True)
class Resource(Element):
    """Durable infrastructure that the project owns."""
