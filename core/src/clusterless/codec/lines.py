"""Where in the text of a project file a value stands, for those who look for it by its line."""

from __future__ import annotations

import json
import re

from clusterless.codec.names import below
from clusterless.codec.text import without_comments

_PART = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:\n]|[^\s{}\[\],:"]+')


def with_lines(text: str, findings: list[str]) -> list[str]:
    """The *findings* in the JSON *text*, each with the line of the innermost value on its path that is there.

    Of a text of one line nothing is said.
    """
    lines = _lines(without_comments(text))
    if not findings or max(lines.values()) == 1:
        return findings
    return [_with_line(finding, lines) for finding in findings]


def _with_line(finding: str, lines: dict[str, int]) -> str:
    there = [path for path in lines if finding.startswith(path) and finding[len(path)] in ":.["]
    if not there:
        return finding
    inner = max(there, key=len)
    where, colon, what = finding[len(inner) :].partition(": ")
    return f"{inner}{where} (line {lines[inner]}){colon}{what}"


def _lines(text: str) -> dict[str, int]:
    """The line of each value by its path; *text* is JSON that was read already."""
    lines: dict[str, int] = {}
    around: list[tuple[str, int]] = []  # path, and of a list the index that it is at
    here, line, last = "$", 1, ""
    for part in _PART.findall(text):
        match part:
            case "\n":
                line += 1
                continue
            case "}" | "]":
                here, _ = around.pop()
            case ":":
                here = below(around[-1][0], json.loads(last))
                lines[here] = line
            case ",":
                path, index = around[-1]
                if index >= 0:
                    around[-1] = (path, index + 1)
                    here = below(path, index + 1)
            case _:
                lines.setdefault(here, line)
                if part in {"{", "["}:
                    around.append((here, 0 if part == "[" else -1))
                    here = below(here, 0) if part == "[" else here
        last = part
    return lines
