"""What an element was declared as: what is told apart over time, so that it is known which lots were made before."""

from __future__ import annotations

import hashlib
import json

from clusterless import codec
from clusterless.model.element import Element

_HOW = {"exclude", "retry", "leaseSec", "wait"}  # how lots are worked, not what comes of it
_HEARD = {"start", "onRevision", "subscribe", "inbox"}
_DIGITS = 16


def digest(element: Element) -> str:
    """Sixteen hexadecimal digits that change with what an arc makes of its sources; its code is not looked at."""
    declared = {key: value for key, value in codec.to_json(element).items() if key not in _HOW}
    for role, source in declared.get("sources", {}).items():
        declared["sources"][role] = {key: value for key, value in source.items() if key not in _HEARD}
    text = json.dumps(declared, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
