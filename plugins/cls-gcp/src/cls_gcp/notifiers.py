"""Events announced to another topic."""

from __future__ import annotations

from cls_gcp import clients, topics
from cls_gcp.components import Form, PubSubNotifier
from cls_gcp.names import parse_topic
from cls_gcp.settings import reach
from clusterless import codec
from clusterless.model.event import Event
from clusterless.provider import Surroundings
from clusterless.runtime import cloud_event


class PubSubPublisher:
    """Publishes to a topic; threads may share it."""

    def __init__(self, notifier: PubSubNotifier, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._form = notifier.form
        self._topic = parse_topic(notifier.topic, surroundings.placement.account)
        self._publisher = clients.publisher(reach(surroundings.placement))

    def publish(self, event: Event) -> None:
        """Announce durably; a topic that is not there is tried again later, as all that refuses is."""
        attributes = topics.attributes(event)
        if self._form is Form.EVENT:
            topics.publish(self._publisher, self._topic, codec.record_bytes(event), attributes)
            return
        around = self._surroundings
        told = cloud_event.body(event, around.project, around.placement)
        topics.publish(self._publisher, self._topic, told, {**attributes, "content-type": cloud_event.CONTENT_TYPE})
