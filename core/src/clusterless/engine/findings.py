"""What a check found: values, for people and programs alike."""

from __future__ import annotations

import enum

from attrs import frozen


class Severity(enum.Enum):
    ERROR = "error"  # it would not work, or not as it was meant
    WARNING = "warning"  # it works, perhaps not as it was meant


@frozen(kw_only=True)
class Finding:
    """Something in a project *file*, at a JSON *path*; *remedy* says what to do."""

    severity: Severity = Severity.ERROR
    file: str
    path: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.file}: {self.path}: {self.text}{remedy}"
