"""What a cloud function or a container is given to run in (FORMATS 2.9)."""

from __future__ import annotations

import enum

from attrs import field, frozen
from attrs.validators import and_, ge, le


class Architecture(enum.Enum):
    ARM_64 = "ARM_64"
    X86_64 = "X86_64"


@frozen(kw_only=True)
class FunctionProps:
    """A function's memory (MB), retries by the platform, and the minutes that it may take."""

    memory_size_mb: int = field(default=512, validator=and_(ge(128), le(10240)))
    retry_attempts: int = field(default=0, validator=ge(0))
    timeout_min: int = field(default=5, validator=ge(1))
    architecture: Architecture = Architecture.ARM_64


@frozen(kw_only=True)
class ContainerProps:
    """A container's; what sizes there are is the platform's to say."""

    memory_size_mb: int = field(default=1024, validator=ge(1))
    retry_attempts: int = field(default=0, validator=ge(0))
    timeout_min: int = field(default=60, validator=ge(1))
    architecture: Architecture = Architecture.X86_64
