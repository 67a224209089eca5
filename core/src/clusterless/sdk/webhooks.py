"""What receives the webhooks of a `cls:core:webhookNotifier`: whether a message is from whom it should be, and fresh.

from clusterless.sdk.webhooks import verified

received = verified(request.headers, request.body, [os.environ["HOOK_SECRET"]])
if received.id not in dealt_with:
    deal_with(received.event)
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

from attrs import frozen

from clusterless import codec
from clusterless.errors import InvalidValueError
from clusterless.model.event import Event
from clusterless.runtime.clock import SystemClock
from clusterless.runtime.cloud_event import TYPE
from clusterless.runtime.signing import key_of, signature

WINDOW = 300.0
"""Seconds that a message may be old, or ahead: in which whoever recorded it could send it again."""

_LONGEST = 20  # digits of a time


@frozen(kw_only=True)
class Received:
    """A message that is what it should be; *id* is the same for every announcement of one revision of a lot."""

    id: str
    event: Event


@frozen(kw_only=True)
class _Envelope:
    type: str
    data: Event


def verified(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: float | None = None) -> Received:
    """The event in *body*, as it was received, which one of *secrets* (``whsec_…``) has signed within the `WINDOW`.

    Keep the ids of what is dealt with, for that long at least: a message can be sent twice by others within the
    window, and at any time by us. *now*, in seconds after 1970, is for tests.

    Raises:
        InvalidValueError: it is not signed by any of them, too old, or ahead; or a secret is none.
        MalformedError: who signed it says something else than an event.
    """
    keys = [key_of(secret) for secret in secrets]
    given = {name.lower(): value for name, value in headers.items()}
    message_id, sent = given.get("webhook-id", ""), _time(given.get("webhook-timestamp", ""))
    if abs((SystemClock().now().timestamp() if now is None else now) - sent) > WINDOW:
        msg = "the message is more than five minutes old, or ahead"
        raise InvalidValueError(msg, hint="have the clocks of both machines set by the network")
    wanted = [signature(key, message_id, sent, body).encode() for key in keys]
    offered = [each.encode(errors="replace") for each in given.get("webhook-signature", "").split()]
    if not any([hmac.compare_digest(one, other) for one in wanted for other in offered]):  # noqa: C419  all, always
        msg = "the message is not signed by whom we know"
        raise InvalidValueError(msg, hint="give the receiver the secret that the notifier's 'secretEnv' names")
    envelope = codec.read_record(body, _Envelope, source="the message")
    if envelope.type != TYPE:
        msg = f"the message is a {envelope.type!r}, and no {TYPE!r}"
        raise InvalidValueError(msg)
    return Received(id=message_id, event=envelope.data)


def _time(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST):
        msg = "the message has no 'webhook-timestamp'"
        raise InvalidValueError(msg)
    return int(text)
