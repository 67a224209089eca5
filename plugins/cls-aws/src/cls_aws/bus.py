"""The placement's own events, on EventBridge: exactly as the reference system announces them (FORMATS 5.1, 5.2).

What arrives at the bus is durable; whether a rule takes it up is the subscriber's affair.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cls_aws.errors import asking
from clusterless import codec
from clusterless.errors import StoreUnavailableError
from clusterless.model.dataset import Dataset
from clusterless.model.event import Event
from clusterless.provider import Clock

SOURCE = "clusterless.arc"
DETAIL_TYPE = "Clusterless Arc Notification"

_TRIES = 4
_PAUSE = 0.5  # seconds before the second try, doubling


def entry(event: Event, bus: str) -> dict[str, Any]:
    """*event* as one entry of PutEvents, for the bus of that name or ARN."""
    detail = codec.record_bytes(event).decode()
    return {"EventBusName": bus, "Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": detail}


def pattern(datasets: Iterable[Dataset]) -> str:
    """The pattern of a rule that takes up the events of *datasets*: JSON text, the same for the same datasets."""
    wanted = {"source": [SOURCE], "detail-type": [DETAIL_TYPE], "detail": {"datasetId": sorted(_ids(datasets))}}
    return json.dumps(wanted, separators=(",", ":"))


def read_event(message: str, source: str) -> Event:
    """The event in a *message* that EventBridge delivered, or in one that is its detail alone.

    Raises:
        MalformedError: it is none; *source* says where it was.
    """
    try:
        value = json.loads(message)
        detail = value.get("detail", value) if isinstance(value, Mapping) else value
    except (ValueError, RecursionError):
        return codec.read_record(message.encode(), Event, source=source)
    return codec.read_record(json.dumps(detail).encode(), Event, source=source)


class BusPublisher:
    """Puts each event on the bus *name* (or ARN) by the SDK's client *events*; threads may share it."""

    def __init__(self, events: Any, name: str, clock: Clock) -> None:
        self._events = events
        self._name = name
        self._clock = clock

    def publish(self, event: Event) -> None:
        """Announce durably.

        Raises:
            StoreUnavailableError: the bus did not take it, though asked several times.
            StoreRefusedError: it says no.
        """
        problem = ""
        for attempt in range(_TRIES):
            if attempt:
                self._clock.sleep(_PAUSE * 2**attempt)
            problem = self._put(event)
            if not problem:
                return
        msg = f"the event bus {self._name} did not take an event: {problem}"
        raise StoreUnavailableError(msg)

    def _put(self, event: Event) -> str:
        """Nothing, or why the entry failed: a request that is answered may have failed all the same."""
        with asking(f"the event bus {self._name}"):
            answer = self._events.put_events(Entries=[entry(event, self._name)])
        if not answer.get("FailedEntryCount"):
            return ""
        failed = answer["Entries"][0]
        return f"{failed.get('ErrorCode', 'no reason given')}: {failed.get('ErrorMessage', '')}".rstrip(": ")


def _ids(datasets: Iterable[Dataset]) -> set[str]:
    return {dataset.id for dataset in datasets}
