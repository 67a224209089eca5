"""What is declared alike of every arc that copies to places of one scheme, whoever's they are (FORMATS 6.9)."""

from __future__ import annotations

from typing import ClassVar

from attrs import Factory, frozen

from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.copying import CopyProps
from clusterless.model.runtime_props import FunctionProps


def function_props() -> FunctionProps:
    """What an arc that moves or lists objects is given where it is worked by functions."""
    return FunctionProps(memory_size_mb=512, retry_attempts=3, timeout_min=15)


@frozen(kw_only=True)
class BucketCopySettings(WorkloadSettings):
    workload_props: CopyProps = Factory(CopyProps)  # type: ignore[assignment]  # typed props instead of free ones
    runtime_props: FunctionProps = Factory(function_props)


@frozen(kw_only=True)
class BucketCopyArc(Arc):
    """Copies the objects of its source lots to every sink, a place in a bucket.

    A provider's arc says what the URIs of its buckets begin with (``SCHEME``).

    Raises:
        InvalidValueError: a sink is elsewhere.
    """

    SCHEME: ClassVar[str]

    workload: BucketCopySettings = Factory(BucketCopySettings)

    def __attrs_post_init__(self) -> None:
        check_sinks(self, self.SCHEME, f"{self.SCHEME}://NAME/out/, or copy by cls:core:copyArc")


def check_sinks(arc: Arc, scheme: str, example: str) -> None:
    """Refuse an *arc* that writes to other places than those of *scheme*.

    Raises:
        InvalidValueError: a sink is elsewhere; the hint gives *example*.
    """
    for role, sink in arc.sinks.items():
        if layout.scheme(sink.path_uri) != scheme:
            msg = f"sink '{role}' of {arc.name} is {sink.path_uri}, which is no {scheme}:// location"
            raise InvalidValueError(msg, hint=f"give a pathURI like {example}")
