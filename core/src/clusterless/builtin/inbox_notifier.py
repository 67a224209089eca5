"""``cls:core:inboxNotifier``: an object in a reader's inbox for each event."""

from __future__ import annotations

from clusterless.builtin.notifiers import InboxNotifier
from clusterless.model.event import Event
from clusterless.provider import Surroundings
from clusterless.runtime import cloud_event, inbox


class InboxPublisher:
    """Writes event objects; threads may share it."""

    def __init__(self, notifier: InboxNotifier, surroundings: Surroundings) -> None:
        self._store = surroundings.open_store(notifier.path_uri)
        self._surroundings = surroundings

    def publish(self, event: Event) -> None:
        """Put it there, again where it was before: it may have been lost on the way.

        Raises:
            StoreUnavailableError: no answer; the object may be there.
            StoreRefusedError: the inbox may not be written, which whoever owns it may put right.
        """
        body = cloud_event.body(event, self._surroundings.project, self._surroundings.placement)
        self._store.put(inbox.key(event), body)
