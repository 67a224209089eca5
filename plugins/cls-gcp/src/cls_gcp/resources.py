"""Buckets and topics that a project declares: made if they are not there; what is there stays as it is."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from cls_gcp import clients, topics
from cls_gcp.components import GcsBucket, PubSubTopic
from cls_gcp.errors import asking
from cls_gcp.names import TopicName, labels
from cls_gcp.settings import Reach, reach
from clusterless.errors import StoreRefusedError, StoreUnavailableError
from clusterless.model.placement import Placement
from clusterless.provider import Surroundings

_log = logging.getLogger(__name__)


def make_declared_bucket(resource: GcsBucket, surroundings: Surroundings) -> None:
    """Make the bucket if it is not there; one that is has its versions turned on where they are declared.

    Raises:
        StoreRefusedError: it belongs to someone else, or may not be made.
    """
    placement = surroundings.placement
    marks = {**labels(surroundings.project, placement), **resource.labels}
    bucket = make_bucket(reach(placement), resource.bucket_name, placement, marks, versioned=resource.versioned)
    if resource.versioned and not bucket.versioning_enabled:
        bucket.versioning_enabled = True
        with asking(f"gs://{resource.bucket_name}/"):
            bucket.patch()


def make_bucket(
    found: Reach, name: str, placement: Placement, marks: Mapping[str, str], *, versioned: bool = False
) -> Any:
    """The bucket (as the SDK has it), made if it is not there: closed to the public, in the placement's location.

    Raises:
        StoreRefusedError: it belongs to someone else, or may not be made.
    """
    from google.api_core.exceptions import Conflict, Forbidden

    client = clients.storage(found)
    with asking(f"gs://{name}/"):
        try:
            if there := client.lookup_bucket(name):
                return there
            bucket = client.bucket(name)
            bucket.iam_configuration.uniform_bucket_level_access_enabled = True
            bucket.iam_configuration.public_access_prevention = "enforced"
            bucket.versioning_enabled = versioned
            bucket.labels = dict(marks)
            made = client.create_bucket(bucket, project=placement.account, location=placement.region)
        except Forbidden as error:
            msg = f"the bucket {name} is not of project {placement.account}, or closed to you"
            hint = "bucket names are the whole world's: choose another, such as one with your project in it"
            raise StoreRefusedError(msg, hint=hint) from error
        except Conflict as error:  # another made it at this moment: it is found the next time, or is closed to us
            msg = f"the bucket {name} was made by somebody else just now"
            raise StoreUnavailableError(msg, hint="the same again finds it, if it is yours") from error
    _log.info("made the bucket %s", name)
    return made


def make_declared_topic(resource: PubSubTopic, surroundings: Surroundings) -> None:
    """Make the topic if it is not there.

    Raises:
        StoreRefusedError: it may not be made.
    """
    placement = surroundings.placement
    marks = {**labels(surroundings.project, placement), **resource.labels}
    topics.make(clients.publisher(reach(placement)), TopicName(placement.account or "", resource.topic_name), marks)
