"""How the activities of AWS are declared (FORMATS 6.7)."""

from __future__ import annotations

from attrs import Attribute, Factory, field, frozen

from clusterless import layout
from clusterless.errors import InvalidValueError, cut
from clusterless.model.activity import Activity
from clusterless.model.runtime_props import FunctionProps

_SHOWN = 60


def _is_place(_: object, __: Attribute[str], path_uri: str) -> None:
    if not path_uri.startswith(("s3://", "/")):
        msg = f"{cut(repr(path_uri), _SHOWN)} is no place for logs: write s3://bucket/logs/, or /logs/ with a bucketRef"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class CloudWatchExport(Activity):
    """Has CloudWatch write the log events of each interval that has ended to a bucket.

    With a ``bucketRef``, a bucket of the project, ``pathURI`` is a path in it: ``/logs/`` or ``s3:///logs/``.

    Raises:
        InvalidValueError: it has no ``interval``; or a bucket too many, or none.
    """

    log_group_name: str
    log_stream_prefix: str | None = None
    bucket_ref: str | None = None
    path_uri: str = field(validator=_is_place)
    runtime_props: FunctionProps = Factory(lambda: FunctionProps(memory_size_mb=1024, retry_attempts=3, timeout_min=15))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.interval is None:
            msg = (
                f"{self.name} exports the log events of an interval: give 'interval', such as 'Fourths', and no 'cron'"
            )
            raise InvalidValueError(msg)
        names_bucket = bool(layout.scheme(self.path_uri)) and not self.path_uri.startswith("s3:///")
        if names_bucket is bool(self.bucket_ref):
            msg = f"{self.name} must have its bucket from 'bucketRef' or from 'pathURI', and not from both"
            hint = "write bucketRef and pathURI '/logs/', or pathURI 's3://bucket/logs/' alone"
            raise InvalidValueError(msg, hint=hint)
