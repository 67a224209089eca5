"""What goes with a webhook: a CloudEvents 1.0 event, signed as Standard Webhooks has it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from clusterless.errors import InvalidValueError
from clusterless.model.event import Event
from clusterless.runtime.cloud_event import CONTENT_TYPE, event_id

_PREFIX = "whsec_"
_LEAST = 24  # bytes, by the specification
_MOST = 64


def headers(event: Event, content: bytes, sent: int, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers of a message *sent* so many seconds after 1970; each of *keys* signs it."""
    # A full stop in the id could be taken for the one that ends it in what is signed.
    message_id = event_id(event).replace(".", "%2E")
    signed = f"{message_id}.{sent}.".encode() + content
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "content-type": CONTENT_TYPE,
        "webhook-id": message_id,
        "webhook-timestamp": str(sent),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
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
    text = secret.strip().removeprefix(_PREFIX)
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not _LEAST <= len(decoded) <= _MOST:
        msg = f"the environment variable {variable} holds no secret: 24 to 64 bytes in base64, after 'whsec_'"
        raise InvalidValueError(msg, hint="make one by: echo whsec_$(head -c 32 /dev/urandom | base64)")
    return decoded
