"""How what a storage account keeps, and copies, is declared; imports no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import field, frozen

from cls_azure.names import check_container, check_marks
from cls_azure.queues import check_queue
from clusterless.model.element import Resource
from clusterless.runtime.bucket_copy import BucketCopyArc


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
class BlobCopyArc(BucketCopyArc):
    """Copies the objects of its source lots to every sink, a place in a container; Azure does it inside an account.

    Raises:
        InvalidValueError: a sink is elsewhere.
    """

    SCHEME: ClassVar[str] = "az"
