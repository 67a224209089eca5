"""How much a workload that runs on this machine may take."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, ge, instance_of, le, optional

from clusterless.model.naming import LONGEST

_MOST_MB = 1024 * 1024 * 1024


@frozen(kw_only=True)
class Limits:
    """What takes more than that is ended, with all that it started; what it wrote until then is not looked at.

    ``memorySizeMB`` is what each process may allocate, and what all together may hold; ``cpuSec`` are seconds of a
    processor, for each process.
    """

    memory_size_mb: int | None = field(default=None, validator=optional(and_(instance_of(int), ge(16), le(_MOST_MB))))
    cpu_sec: int | None = field(default=None, validator=optional(and_(instance_of(int), ge(1), le(LONGEST))))
    processes: int = field(default=1024, validator=and_(instance_of(int), ge(1)))
