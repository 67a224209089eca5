"""The SDK's clients, made when they are first wanted and shared by all threads."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any

from cls_aws.errors import asking
from cls_aws.settings import Reach
from cls_aws.settings import reach as reach_of
from clusterless.errors import StoreRefusedError
from clusterless.model.placement import Placement

if TYPE_CHECKING:
    from botocore.config import Config

_CONNECTIONS = 64  # at a time to one service: lots are worked, and their objects copied, by many threads
_CONNECT, _READ = 10, 60  # seconds without an answer
_ATTEMPTS = 5
_ENDPOINT = "set AWS_ENDPOINT_URL, or 'endpoint' in .clsconfig-aws, to a URL such as http://127.0.0.1:9000"

_made: dict[tuple[str, Reach], Any] = {}
_making = Lock()  # the SDK's sessions, unlike its clients, are for one thread at a time


def client(service: str, placement: Placement | None) -> Any:
    """The SDK's client of *service* (``"s3"``, ``"sqs"``, …) as *placement* reaches it; no request is made.

    Requests to S3 are sent once: a conditional write whose answer was lost must not be repeated blindly,
    and `clusterless.store.retrying` knows how. All others are repeated here, with back-off and jitter.

    Raises:
        StoreRefusedError: there is no such profile, or no region, or the endpoint is none.
        MalformedError: see `cls_aws.settings.reach`.
    """
    return reached(service, reach_of(placement, service))


def reached(service: str, reach: Reach) -> Any:
    """As `client`, by a reach."""
    with _making:
        if (service, reach) not in _made:
            try:
                with asking(f"AWS {service}"):
                    _made[service, reach] = _make(service, reach)
            except ValueError as error:
                msg = f"AWS {service} cannot be reached at {reach.endpoint}: {error}"
                raise StoreRefusedError(msg, hint=_ENDPOINT) from error
        return _made[service, reach]


def _make(service: str, reach: Reach) -> Any:
    import boto3

    from cls_aws.retries import note_retries

    logging.getLogger("botocore.credentials").addFilter(_in_brief)
    session = boto3.Session(profile_name=reach.profile, region_name=reach.region)
    if reach.role:
        from cls_aws.roles import acting

        session = acting(reach.role, session, endpoint=reach_of(None, "sts").endpoint)
    made = session.client(service, endpoint_url=reach.endpoint, config=_config(service, reach))  # type: ignore[call-overload]
    note_retries(made)
    return made


def _in_brief(record: logging.LogRecord) -> bool:
    """What the SDK warns of with a trace is raised too where it matters: `-v` shows it, without the trace."""
    record.exc_info = None
    return logging.getLogger(record.name).isEnabledFor(logging.INFO)


def _config(service: str, reach: Reach) -> Config:
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT,
        read_timeout=_READ,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": 1 if service == "s3" else _ATTEMPTS},
        user_agent="clusterless",  # the SDK's own is put together for each request, and takes a fifth of its time
    )
    if not reach.endpoint:
        return config
    # Servers that are not AWS need not know its newer checksums, nor have a name for each bucket.
    return config.merge(
        Config(
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
    )
