"""What makes Cloud Storage tell a subscription of objects: made if it is not there.

A bucket tells one topic of all its objects, since it tells few; whoever is to hear of some has a subscription to that.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cls_gcp import clients, topics
from cls_gcp.errors import asking
from cls_gcp.names import TopicName, fitted, labels
from cls_gcp.notices import FINALIZE
from cls_gcp.settings import Reach, reach
from cls_gcp.subscriptions import Pulled, subscribed
from clusterless.engine.names import ProjectNames
from clusterless.errors import ObjectMissingError, PlaceMissingError, StoreRefusedError
from clusterless.model.placement import Placement
from clusterless.provider import Surroundings
from clusterless.runtime.fitting import staged
from clusterless.runtime.noticed import Location

if TYPE_CHECKING:
    from google.pubsub_v1 import PublisherClient

_log = logging.getLogger(__name__)

_FORMAT = "JSON_API_V1"
_PUBLISH = "roles/pubsub.publisher"


def wire(element: str, location: Location, surroundings: Surroundings) -> Pulled:
    """See to it that what is put at *location* is told to the subscription of the *element*, and give that.

    Raises:
        StoreRefusedError: something of it may not be made, or there is no such bucket.
        StoreUnavailableError: Google Cloud did not answer.
    """
    placement = surroundings.placement
    found, topic = reach(placement), objects_topic(placement, location.bucket)
    marks = labels(surroundings.project, placement)
    topics.make(clients.publisher(found), topic, marks)
    _tell(found, location.bucket, topic)
    name = fitted(ProjectNames(surroundings.project, placement).element(element))
    return subscribed(clients.subscriber(found), topic, name, wanting(location), marks)


def objects_topic(placement: Placement, bucket: str) -> TopicName:
    """The topic that a bucket tells of its objects, for all that is in the placement."""
    return TopicName(placement.account or "", fitted(staged(placement, f"objects-{bucket}")))


def wanting(location: Location) -> str:
    """The filter of a subscription that takes up what is put at *location*."""
    put = f"attributes.eventType = {topics.quoted(FINALIZE)}"
    if not location.prefix:
        return put
    return topics.fitting(f"{put} AND hasPrefix(attributes.objectId, {topics.quoted(location.prefix)})") or put


def _tell(found: Reach, bucket: str, topic: TopicName) -> None:
    """Have the bucket tell *topic* of what is put in it; whom else it tells stays."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    client = clients.storage(found)
    asked = client.bucket(bucket)
    what = f"what gs://{bucket}/ tells of its objects"
    try:
        with asking(what):
            there = list(asked.list_notifications(retry=DEFAULT_RETRY))
            if any(_tells(each, topic) for each in there):
                return
            if found.pubsub_endpoint is None:  # an emulator has no permissions, and no accounts to give them to
                allow(clients.publisher(found), topic, f"serviceAccount:{client.get_service_account_email()}")
            asked.notification(
                topic_name=topic.name, topic_project=topic.project, event_types=[FINALIZE], payload_format=_FORMAT
            ).create(retry=DEFAULT_RETRY)
    except (ObjectMissingError, PlaceMissingError) as error:
        msg = f"there is no bucket {bucket}, or it does not tell of its objects"
        hint = "declare it as a resource, gcp:core:gcsBucket, or check its name; or set 'notices' to 'listing'"
        raise StoreRefusedError(msg, hint=hint) from error
    _log.info("%s was changed, so that %s hears of them", what, topic)


def _tells(notification: Any, topic: TopicName) -> bool:
    """Whether a bucket's *notification* tells *topic* of all that is put."""
    is_ours = (notification.topic_project, notification.topic_name) == (topic.project, topic.name)
    types = notification.event_types
    return is_ours and not notification.blob_name_prefix and (types is None or FINALIZE in types)


def allow(publisher: PublisherClient, topic: TopicName, member: str) -> None:
    """Let *member* publish to *topic*; who else may stays."""
    policy = publisher.get_iam_policy(request={"resource": str(topic)}, timeout=topics.TIMEOUT)
    for binding in policy.bindings:
        if binding.role == _PUBLISH and not binding.HasField("condition"):
            if member in binding.members:
                return
            binding.members.append(member)
            break
    else:
        policy.bindings.add(role=_PUBLISH, members=[member])
    publisher.set_iam_policy(request={"resource": str(topic), "policy": policy}, timeout=topics.TIMEOUT)
