"""A committed lot as a CloudEvents 1.0 event, for whoever reads those.

It is made of the event alone: whoever announces a revision, and however often, says the same.
"""

from __future__ import annotations

import json
from typing import Any

from clusterless import codec
from clusterless.model.event import Event
from clusterless.model.placement import Placement
from clusterless.model.project import Project

TYPE = "io.clusterless.lot.committed"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def event_id(event: Event) -> str:
    """``<dataset>/<version>/<lot>/<revision>``."""
    return f"{event.dataset.id}/{event.lot}/{event.revision}"


def body(event: Event, project: Project, placement: Placement) -> bytes:
    """The event in structured mode, as UTF-8; without a ``time``, which not everyone who announces it knows alike."""
    message: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id(event),
        "source": f"/placements/{placement.id}/projects/{project.id}",
        "type": TYPE,
        "subject": f"{event.dataset.id}/{event.lot}",
        "datacontenttype": "application/json",
        "data": codec.to_json(event),
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
