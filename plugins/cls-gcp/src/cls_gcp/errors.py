"""What the SDKs raise, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from clusterless.errors import (
    ClsError,
    ObjectExistsError,
    ObjectMissingError,
    PlaceMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)

_CREDENTIALS = (
    "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS, or 'credentials' in"
    " .clsconfig-gcp"
)
_SIGN_IN = "sign in again (`gcloud auth application-default login`), or check the file of the credentials"
_ACCESS = (
    "have these credentials allowed to do it, and check that it is not another project's; Cloud Storage also says so"
    " of what is not there where listing is not allowed"
)


@frozen
class _Told:
    """What an answer means; without a *kind* it is a refusal."""

    problem: str
    hint: str = ""
    kind: type[ClsError] = StoreRefusedError


_UNKNOWN = _Told("Google Cloud does not know these credentials", _SIGN_IN)
_DENIED = _Told("access was denied", _ACCESS)
_NO_BUCKET = _Told(
    "there is no such bucket",
    "`cls bootstrap` makes a placement's buckets; otherwise check its name",
    PlaceMissingError,
)
_BUSY = _Told("Google Cloud asks for fewer requests", "it is asked again", StoreUnavailableError)
_AGAIN = _Told("Google Cloud could not answer", "it is asked again", StoreUnavailableError)
_BETWEEN = _Told("another write of it is under way", "it is asked again", StoreUnavailableError)
_ABSENT = _Told("it is not there", kind=ObjectMissingError)
_EXISTS = _Told("it exists already", kind=ObjectExistsError)
_BROKEN = _Told("the connection broke, or no answer came in time", "", StoreUnavailableError)
_DAMAGED = _Told("it was damaged on its way", "", StoreUnavailableError)
_REFUSED = _Told("Google Cloud refused it")

_STATUSES: Mapping[int, _Told] = {
    401: _UNKNOWN,
    403: _DENIED,
    404: _ABSENT,
    408: _AGAIN,
    409: _BETWEEN,
    412: _EXISTS,
    429: _BUSY,
}
_ADDRESS = re.compile(r"(https?://[^\s?]+)\?[^\s:]*")  # of which what follows the "?" is left out
_BUSY_REASONS = {"rateLimitExceeded", "userRateLimitExceeded"}  # which come as 403

# Of the SDKs themselves, by the names of their exceptions, the nearest class first.
_TROUBLES: Mapping[str, _Told] = {
    "DefaultCredentialsError": _Told("there are no Google Cloud credentials", _CREDENTIALS),
    "RefreshError": _Told("the credentials are not taken any more", _SIGN_IN),
    "TransportError": _Told("nobody could be asked for credentials", _CREDENTIALS, StoreUnavailableError),
    "GoogleAuthError": _Told("the credentials cannot be used", _CREDENTIALS),
    "AlreadyExists": _EXISTS,
    "RetryError": _AGAIN,
    "DataCorruption": _DAMAGED,
    "ConnectionError": _Told(
        "Google Cloud cannot be reached, or the connection broke",
        "check the network, and any endpoint that is set",
        StoreUnavailableError,
    ),
    "RequestException": _BROKEN,
    "HTTPError": _BROKEN,
}


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Whatever the SDKs raise in the block, as an error of ours about *what* (a URI, a topic's name).

    Raises:
        StoreUnavailableError: there was no answer, or one that asks to come again.
        ObjectMissingError: an object, or another thing by that name, is not there.
        PlaceMissingError: its bucket is not there.
        ObjectExistsError: a condition that goes with a write does not hold.
        StoreRefusedError: all others; with a hint where something is to be done.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException, HTTPError, DataCorruption, InvalidResponse) as error:
        raise _meaning(what, error) from error


@contextmanager
def asking_bucket(uri: str) -> Iterator[None]:
    """As `asking`, for a request that is about no object: what is not there then is the bucket."""
    try:
        with asking(uri):
            yield
    except ObjectMissingError as error:
        msg = f"{uri}: {_NO_BUCKET.problem}"
        raise PlaceMissingError(msg, hint=_NO_BUCKET.hint) from error


def answered(what: str, response: Any) -> None:
    """Nothing, if a *response* of ``requests`` is a success.

    Raises:
        ClsError: see `asking`.
    """
    from google.api_core.exceptions import from_http_response

    if response.status_code >= 300:
        with asking(what):
            raise from_http_response(response)


def _meaning(what: str, error: Exception) -> ClsError:
    names = [each.__name__ for each in type(error).__mro__]
    told = next((_TROUBLES[name] for name in names if name in _TROUBLES), None) or _by_status(error)
    return told.kind(f"{what}: {told.problem} ({_said(error)})", hint=told.hint)


def _by_status(error: Exception) -> _Told:
    status = _status(error)
    if status == 403 and _reasons(error) & _BUSY_REASONS:
        return _BUSY
    if status == 404 and "bucket does not exist" in str(error).lower():
        return _NO_BUCKET
    if status >= 500:
        return _AGAIN
    return _STATUSES.get(status, _REFUSED)


def _status(error: Exception) -> int:
    """The HTTP status of an answer, by whichever SDK; 0 where there was none."""
    answer = getattr(error, "response", None)
    return int(getattr(error, "code", None) or getattr(answer, "status_code", None) or 0)


def _reasons(error: Exception) -> set[str]:
    return {str(each.get("reason")) for each in _body(error).get("errors", ()) if isinstance(each, dict)}


def _said(error: Exception) -> str:
    """What the answer says, without the address that was asked: that may have a signature in it."""
    said = _body(error).get("message") or getattr(error, "message", "") or error
    return _ADDRESS.sub(r"\1", str(said)).strip().rstrip(".") or type(error).__name__


def _body(error: Exception) -> Mapping[str, Any]:
    """What Cloud Storage writes of an error; nothing of others."""
    try:
        told = getattr(error, "response", None).json()["error"]  # type: ignore[union-attr]
    except (AttributeError, ValueError, KeyError, TypeError):
        return {}
    return told if isinstance(told, Mapping) else {}
