"""Signatures as Standard Webhooks has them: HMAC-SHA256 over what was sent, under which id, and when."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from clusterless.errors import InvalidValueError

_PREFIX = "whsec_"
_LEAST = 24  # bytes, by the specification
_MOST = 64


def key_of(secret: str) -> bytes:
    """The key that a *secret* spells.

    Raises:
        InvalidValueError: it is no secret, or one that could be guessed; the message does not show it.
    """
    text = secret.strip().removeprefix(_PREFIX)
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not _LEAST <= len(decoded) <= _MOST:
        msg = "no secret: 24 to 64 bytes in base64, after 'whsec_'"
        raise InvalidValueError(msg, hint="make one by: echo whsec_$(head -c 32 /dev/urandom | base64)")
    return decoded


def signature(key: bytes, message_id: str, sent: int, content: bytes) -> str:
    """What *key* signs a message with that was *sent* so many seconds after 1970: ``v1,…``."""
    signed = f"{message_id}.{sent}.".encode() + content
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
