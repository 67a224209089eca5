"""Events announced to a queue, or posted to a topic of Event Grid."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import evolve

from cls_azure import clients
from cls_azure.components import EventGridNotifier, Form, StorageQueueNotifier
from cls_azure.errors import asking
from cls_azure.names import parse_queue
from cls_azure.queues import Queue
from cls_azure.settings import Reach, reach
from clusterless import codec
from clusterless.errors import NotifyError, NotifyRefusedError, ObjectMissingError, StoreUnavailableError
from clusterless.model.event import Event
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.provider import Surroundings
from clusterless.runtime import cloud_event

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

_log = logging.getLogger(__name__)

KEY = "AZURE_EVENTGRID_KEY"
"""The environment variable that may hold the key of the topic that the settings name for the placement's own events."""

_TRIES = 4  # of the placement's own events; what a notifier cannot announce is kept, and tried again from there
_PAUSE = 0.5  # seconds before the second try, doubling
_FOR_GOOD = {400, 413}  # no such event will ever be taken
_LONGEST = 3600.0  # seconds that a topic may have us wait


class QueuePublisher:
    """Puts events into one queue; threads may share it."""

    def __init__(self, notifier: StorageQueueNotifier, surroundings: Surroundings) -> None:
        account, name = parse_queue(notifier.queue)
        found = reach(surroundings.placement)
        if account and account != found.account:  # whose key is not ours
            found = evolve(found, account=account, connection_string=None, key=None, queue_endpoint=None)
        self._surroundings = surroundings
        self._form = notifier.form
        self._queue = Queue(clients.queues(found).get_queue_client(name))

    def publish(self, event: Event) -> None:
        """Announce durably.

        Raises:
            NotifyError: there is no such queue.
            ClsError: see `cls_azure.errors.asking`.
        """
        around = self._surroundings
        is_plain = self._form is Form.EVENT
        content = codec.record_bytes(event) if is_plain else cloud_event.body(event, around.project, around.placement)
        try:
            self._queue.send(content)
        except ObjectMissingError as error:
            msg = f"there is no {str(self._queue).removeprefix('the ')}"
            raise NotifyError(msg, hint="declare it as an azure:core:storageQueue, or correct 'queue'") from error


class Topic:
    """A topic of Event Grid, at its *endpoint*, by its *key* or by an identity; threads may share it."""

    def __init__(self, found: Reach, endpoint: str, key: str | None) -> None:
        from azure.core.credentials import AzureKeyCredential
        from azure.eventgrid import EventGridPublisherClient

        self._host = urlsplit(endpoint).netloc
        self._client = EventGridPublisherClient(endpoint, AzureKeyCredential(key) if key else clients.identity(found))

    def __str__(self) -> str:
        return f"the Event Grid topic {self._host}"

    def post(self, event: Event, project: Project, placement: Placement) -> None:
        """Post it once, in CloudEvents 1.0. Raises what the SDK does."""
        from azure.core.messaging import CloudEvent

        told: CloudEvent[Any] = CloudEvent.from_dict(json.loads(cloud_event.body(event, project, placement)))
        # The SDK takes these here only. Asked again by itself, it would wait as long as a topic tells it to.
        self._client.send(told, retry_total=0, connection_timeout=clients.CONNECT, read_timeout=clients.READ)


class PlacementTopic:
    """Posts the placement's own events to the topic that the settings name."""

    def __init__(self, found: Reach, endpoint: str, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._topic = Topic(found, endpoint, os.environ.get(KEY))

    def publish(self, event: Event) -> None:
        """Announce durably.

        Raises:
            StoreUnavailableError: the topic did not take it, though asked several times.
            StoreRefusedError: it says no.
        """
        for attempt in range(1, _TRIES):
            try:
                self._post(event)
            except StoreUnavailableError as error:
                _log.info("%s", error)
                self._surroundings.clock.sleep(_PAUSE * 2**attempt)
            else:
                return
        self._post(event)

    def _post(self, event: Event) -> None:
        with asking(str(self._topic)):
            self._topic.post(event, self._surroundings.project, self._surroundings.placement)


class EventGridPublisher:
    """Posts events to another topic."""

    def __init__(self, notifier: EventGridNotifier, surroundings: Surroundings) -> None:
        key = os.environ[notifier.key_env] if notifier.key_env else None
        self._surroundings = surroundings
        self._topic = Topic(reach(surroundings.placement), notifier.endpoint, key)

    def publish(self, event: Event) -> None:
        """Announce durably.

        Raises:
            NotifyRefusedError: the topic takes no such event, however often it is asked.
            NotifyError: it asks to come again later.
            ClsError: see `cls_azure.errors.asking`.
        """
        from azure.core.exceptions import HttpResponseError

        with asking(str(self._topic)):
            try:
                self._topic.post(event, self._surroundings.project, self._surroundings.placement)
            except HttpResponseError as error:
                self._judge(error)
                raise

    def _judge(self, error: HttpResponseError) -> None:
        said = f"{self._topic} answered {error.status_code} {error.reason}"
        if error.status_code in _FOR_GOOD:
            hint = "its input schema must be CloudEvents 1.0" if error.status_code == 400 else ""
            raise NotifyRefusedError(said, hint=hint) from error
        if after := _retry_after(error):
            raise NotifyError(said, after=after) from error


def _retry_after(error: HttpResponseError) -> float:
    """The seconds that are asked for, an hour at most; 0 where none are."""
    text = str(getattr(error.response, "headers", {}).get("Retry-After", ""))
    return min(float(text), _LONGEST) if text.isascii() and text.isdecimal() else 0
