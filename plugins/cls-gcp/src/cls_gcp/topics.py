"""Topics: found, made, and published to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cls_gcp.errors import asking
from cls_gcp.names import TopicName
from clusterless import codec
from clusterless.errors import MalformedError, ObjectExistsError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.event import Event

if TYPE_CHECKING:
    from google.pubsub_v1 import PublisherClient

SOURCE = "clusterless.arc"
DETAIL_TYPE = "Clusterless Arc Notification"
TIMEOUT = 30.0  # seconds, in which the SDK asks again where the service could not answer

_LONGEST_FILTER = 256  # bytes


def attributes(event: Event) -> dict[str, str]:
    """What subscriptions may be filtered by: as the reference system's rules are, by its names."""
    return {"source": SOURCE, "detail-type": DETAIL_TYPE, "datasetId": event.dataset.id}


def read_event(data: bytes, source: str) -> Event:
    """The event in a message.

    Raises:
        MalformedError: it is none; *source* says where it was.
    """
    try:
        return codec.read_record(data, Event, source=source)
    except UnicodeDecodeError as error:
        raise MalformedError(source, [f"not text: {error}"]) from error


def wanting(datasets: Sequence[Dataset]) -> str:
    """The filter of a subscription that takes up the events of *datasets*: the same for the same ones.

    Empty, so that all come, where the service would not take one so long.
    """
    ids = sorted({dataset.id for dataset in datasets})
    return fitting(" OR ".join(f"attributes.datasetId = {quoted(each)}" for each in ids))


def fitting(wanted: str) -> str:
    """The filter *wanted*, or none where the service would not take one so long: what is not wanted is dropped."""
    return wanted if len(wanted.encode()) <= _LONGEST_FILTER else ""


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class TopicPublisher:
    """Publishes each event to *topic*; threads may share it."""

    def __init__(self, publisher: PublisherClient, topic: TopicName) -> None:
        self._publisher = publisher
        self._topic = topic

    def publish(self, event: Event) -> None:
        """Announce durably.

        Raises:
            StoreUnavailableError: the service did not take it.
            StoreRefusedError: it says no, or there is no such topic.
        """
        publish(self._publisher, self._topic, codec.record_bytes(event), attributes(event))


def publish(publisher: PublisherClient, topic: TopicName, data: bytes, attributes: Mapping[str, str]) -> None:
    """Publish one message, and wait until the service has it."""
    from google.pubsub_v1.types import PubsubMessage

    message = PubsubMessage(data=data, attributes=dict(attributes))
    with asking(f"the topic {topic}"):
        publisher.publish(topic=str(topic), messages=[message], timeout=TIMEOUT)


def is_there(publisher: PublisherClient, topic: TopicName) -> bool:
    try:
        with asking(f"the topic {topic}"):
            publisher.get_topic(topic=str(topic), timeout=TIMEOUT)
    except ObjectMissingError:
        return False
    return True


def make(publisher: PublisherClient, topic: TopicName, labels: Mapping[str, str]) -> None:
    """Make the topic if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    if is_there(publisher, topic):
        return
    try:
        with asking(f"the topic {topic}"):
            publisher.create_topic(request={"name": str(topic), "labels": dict(labels)}, timeout=TIMEOUT)
    except ObjectExistsError:
        return  # another made it at the same moment
