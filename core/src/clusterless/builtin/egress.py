"""How the boundaries that take lots out are declared."""

from __future__ import annotations

from attrs import Factory, field, frozen
from attrs.validators import and_, ge, instance_of, le

from clusterless.model.boundary import EgressBoundary, PathFilter
from clusterless.model.copying import check_rename


@frozen(kw_only=True)
class CopyEgressBoundary(EgressBoundary):
    """Copies the objects of committed lots to a location outside, and then marks each lot there as whole.

    The objects of an attempt go to a folder of its own, ``lot=…/attempt=…/``, and last of all
    ``lot=…/mark.json`` is written, which names that folder and each object in it: a reader who begins
    there sees one whole revision of the lot, at any time.

    A newer revision of the lot (a source with ``"onRevision": "rerun"``) goes to another folder, and the
    mark is replaced as a whole. What it named before is kept, so that those who read it can go on;
    a folder that no mark names any more may be removed once they are done.
    """

    filter: PathFilter = Factory(PathFilter)
    rename: str | None = field(default=None, validator=check_rename)
    parallel: int = field(default=8, validator=and_(instance_of(int), ge(1), le(256)))
