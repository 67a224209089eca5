"""What goes with a webhook: a CloudEvents 1.0 event, signed as Standard Webhooks has it."""

from __future__ import annotations

from collections.abc import Sequence

from clusterless.errors import InvalidValueError
from clusterless.model.event import Event
from clusterless.runtime.cloud_event import CONTENT_TYPE, event_id
from clusterless.runtime.signing import key_of, signature


def headers(event: Event, content: bytes, sent: int, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers of a message *sent* so many seconds after 1970; each of *keys* signs it."""
    # A full stop in the id could be taken for the one that ends it in what is signed.
    message_id = event_id(event).replace(".", "%2E")
    return {
        "content-type": CONTENT_TYPE,
        "webhook-id": message_id,
        "webhook-timestamp": str(sent),
        "webhook-signature": " ".join(signature(key, message_id, sent, content) for key in keys),
    }


def header(value: str, variable: str) -> str:
    """*value*, which the environment *variable* holds, as it is sent.

    Raises:
        InvalidValueError: it is no header.
    """
    value = value.strip()
    if not value.isascii() or not value.isprintable():
        msg = f"the environment variable {variable} cannot be a header: it is not one line of ASCII"
        raise InvalidValueError(msg)
    return value


def key(secret: str, variable: str) -> bytes:
    """The key that a *secret* spells, which the environment *variable* holds.

    Raises:
        InvalidValueError: it is no secret, or one that could be guessed.
    """
    try:
        return key_of(secret)
    except InvalidValueError as error:
        msg = f"the environment variable {variable} holds {error.problem}"
        raise InvalidValueError(msg, hint=error.hint) from None
