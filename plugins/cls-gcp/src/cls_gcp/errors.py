"""What the SDKs raise, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from clusterless.errors import (
    ObjectExistsError,
    ObjectMissingError,
    PlaceMissingError,
    StoreUnavailableError,
)
from clusterless.runtime.meaning import Meaning, by_class, unsigned

_CREDENTIALS = (
    "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS, or 'credentials' in"
    " .clsconfig-gcp"
)
_SIGN_IN = "sign in again (`gcloud auth application-default login`), or check the file of the credentials"
_ACCESS = (
    "have these credentials allowed to do it, and check that it is not another project's; Cloud Storage also says so"
    " of what is not there where listing is not allowed"
)


_UNKNOWN = Meaning("Google Cloud does not know these credentials", _SIGN_IN)
_DENIED = Meaning("access was denied", _ACCESS)
_NO_BUCKET = Meaning(
    "there is no such bucket",
    "`cls bootstrap` makes a placement's buckets; otherwise check its name",
    PlaceMissingError,
)
_BUSY = Meaning("Google Cloud asks for fewer requests", "it is asked again", StoreUnavailableError)
_AGAIN = Meaning("Google Cloud could not answer", "it is asked again", StoreUnavailableError)
_BETWEEN = Meaning("another write of it is under way", "it is asked again", StoreUnavailableError)
_ABSENT = Meaning("it is not there", kind=ObjectMissingError)
_EXISTS = Meaning("it exists already", kind=ObjectExistsError)
_BROKEN = Meaning("the connection broke, or no answer came in time", "", StoreUnavailableError)
_DAMAGED = Meaning("it was damaged on its way", "", StoreUnavailableError)
_REFUSED = Meaning("Google Cloud refused it")

_STATUSES: Mapping[int, Meaning] = {
    401: _UNKNOWN,
    403: _DENIED,
    404: _ABSENT,
    408: _AGAIN,
    409: _BETWEEN,
    412: _EXISTS,
    429: _BUSY,
}
_BUSY_REASONS = {"rateLimitExceeded", "userRateLimitExceeded"}  # which come as 403

# Of the SDKs themselves, by the names of their exceptions, the nearest class first.
_TROUBLES: Mapping[str, Meaning] = {
    "DefaultCredentialsError": Meaning("there are no Google Cloud credentials", _CREDENTIALS),
    "RefreshError": Meaning("the credentials are not taken any more", _SIGN_IN),
    "TransportError": Meaning("nobody could be asked for credentials", _CREDENTIALS, StoreUnavailableError),
    "GoogleAuthError": Meaning("the credentials cannot be used", _CREDENTIALS),
    "AlreadyExists": _EXISTS,
    "RetryError": _AGAIN,
    "DataCorruption": _DAMAGED,
    "ConnectionError": Meaning(
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
        meaning = by_class(error, _TROUBLES) or _by_status(error)
        raise meaning.error(what, _said(error)) from error


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


def _by_status(error: Exception) -> Meaning:
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
    return unsigned(str(said)).strip().rstrip(".") or type(error).__name__


def _body(error: Exception) -> Mapping[str, Any]:
    """What Cloud Storage writes of an error; nothing of others."""
    try:
        told = getattr(error, "response", None).json()["error"]  # type: ignore[union-attr]
    except (AttributeError, ValueError, KeyError, TypeError):
        return {}
    return told if isinstance(told, Mapping) else {}
