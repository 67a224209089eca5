"""How what a storage account keeps, and copies, is declared; imports no SDK."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from cls_azure.names import check_container, check_marks
from cls_azure.queues import check_queue
from clusterless import layout
from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.copying import CopyProps
from clusterless.model.element import Resource
from clusterless.model.runtime_props import FunctionProps


@frozen(kw_only=True)
class BlobContainer(Resource):
    """A container that is closed to the public, in the placement's storage account."""

    container_name: str = field()
    remove_on_destroy: bool = False
    metadata: Mapping[str, str] = field(factory=dict)

    @container_name.validator
    def _is_a_container(self, _: object, name: str) -> None:
        check_container(name)

    @metadata.validator
    def _is_taken(self, _: object, metadata: Mapping[str, str]) -> None:
        check_marks(metadata)


@frozen(kw_only=True)
class StorageQueue(Resource):
    """A queue, such as one for a ``storageQueueNotifier``, or one that Event Grid tells of new blobs."""

    queue_name: str = field()
    remove_on_destroy: bool = False
    metadata: Mapping[str, str] = field(factory=dict)

    @queue_name.validator
    def _is_a_queue(self, _: object, name: str) -> None:
        check_queue(name)

    @metadata.validator
    def _is_taken(self, _: object, metadata: Mapping[str, str]) -> None:
        check_marks(metadata)


@frozen(kw_only=True)
class BlobCopySettings(WorkloadSettings):
    workload_props: CopyProps = Factory(CopyProps)  # type: ignore[assignment]  # typed props instead of free ones
    runtime_props: FunctionProps = Factory(lambda: FunctionProps(memory_size_mb=512, retry_attempts=3, timeout_min=15))


@frozen(kw_only=True)
class BlobCopyArc(Arc):
    """Copies the objects of its source lots to every sink, a place in a container; Azure does it inside an account.

    Raises:
        InvalidValueError: a sink is elsewhere.
    """

    workload: BlobCopySettings = Factory(BlobCopySettings)

    def __attrs_post_init__(self) -> None:
        for role, sink in self.sinks.items():
            if layout.scheme(sink.path_uri) != "az":
                msg = f"sink '{role}' of {self.name} is {sink.path_uri}, and must be an az:// location"
                raise InvalidValueError(
                    msg, hint="give a pathURI like az://container/out/, or copy by cls:core:copyArc"
                )
