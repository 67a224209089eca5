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
    "run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or"
    " AZURE_STORAGE_CONNECTION_STRING; 'credentials' in .clsconfig-azure names a file that holds one"
)
_SIGN_IN = "sign in again (`az login`), or check the account's key, and this machine's clock"
_ACCESS = (
    "have this identity given a role that allows it (`cls policy` lists those that a project needs), and check the"
    " account's network rules; a new role takes some minutes"
)
_ENDPOINT = "check the network, the name of the storage account, and any endpoint that is set"


@frozen
class _Told:
    """What an answer means; without a *kind* it is a refusal."""

    problem: str
    hint: str = ""
    kind: type[ClsError] = StoreRefusedError


_UNKNOWN = _Told("Azure does not take these credentials", _SIGN_IN)
_DENIED = _Told("access was denied", _ACCESS)
_NO_CONTAINER = _Told(
    "there is no such container",
    "`cls bootstrap` makes a placement's containers; otherwise check its name, and the storage account",
    PlaceMissingError,
)
_BUSY = _Told("Azure asks for fewer requests", "it is asked again", StoreUnavailableError)
_AGAIN = _Told("Azure could not answer", "it is asked again", StoreUnavailableError)
_BETWEEN = _Told("another write of it is under way", "it is asked again", StoreUnavailableError)
_REMOVED = _Told("it is being removed just now", "try again in a minute", StoreUnavailableError)
_ABSENT = _Told("it is not there", kind=ObjectMissingError)
_EXISTS = _Told("it exists already", kind=ObjectExistsError)
_LEASED = _Told("another holds a lease on it", "have the lease released, or wait until it ends")
_HELD = _Told("a policy keeps it from being changed", "wait for its end, or have the policy lifted")
_ARCHIVED = _Told("it is archived", "have it brought back to the Hot or Cool tier first")
_NO_NAME = _Told("Azure takes no such name", "use a shorter one, of plain letters, digits and '-'")
_BROKEN = _Told("the connection broke, or no answer came in time", "", StoreUnavailableError)
_DAMAGED = _Told("it was damaged on its way", "", StoreUnavailableError)
_REFUSED = _Told("Azure refused it")

_CODES: Mapping[str, _Told] = {
    code: told
    for told, codes in {
        _UNKNOWN: ("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"),
        _DENIED: (
            "AccountIsDisabled",
            "AuthorizationFailure",
            "AuthorizationPermissionMismatch",
            "AuthorizationProtocolMismatch",
            "AuthorizationResourceTypeMismatch",
            "AuthorizationSourceIPMismatch",
            "InsufficientAccountPermissions",
            "PublicAccessNotPermitted",
        ),
        _NO_CONTAINER: ("ContainerNotFound", "ContainerDisabled"),
        _BUSY: ("ServerBusy", "TooManyRequests"),
        _AGAIN: ("InternalError", "OperationTimedOut"),
        _BETWEEN: ("InvalidBlockList", "PendingCopyOperation", "SourceConditionNotMet", "BlobBeingRehydrated"),
        _REMOVED: ("ContainerBeingDeleted", "QueueBeingDeleted"),
        _ABSENT: ("BlobNotFound", "MessageNotFound", "QueueNotFound", "ResourceNotFound"),
        _EXISTS: (
            "BlobAlreadyExists",
            "ConditionNotMet",
            "ContainerAlreadyExists",
            "QueueAlreadyExists",
            "ResourceAlreadyExists",
            "TargetConditionNotMet",
            "UnauthorizedBlobOverwrite",
        ),
        _LEASED: ("LeaseIdMissing", "LeaseIdMismatchWithBlobOperation", "LeaseIdMismatchWithContainerOperation"),
        _HELD: ("BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"),
        _ARCHIVED: ("BlobArchived",),
        _NO_NAME: ("InvalidResourceName", "InvalidUri", "OutOfRangeInput"),
        _DAMAGED: ("Md5Mismatch", "Crc64Mismatch"),
    }.items()
    for code in codes
}

_STATUSES: Mapping[int, _Told] = {
    401: _UNKNOWN,
    403: _DENIED,
    404: _ABSENT,
    408: _AGAIN,
    409: _BETWEEN,
    412: _EXISTS,
    429: _BUSY,
}

# Of the SDKs themselves, by the names of their exceptions, the nearest class first.
_TROUBLES: Mapping[str, _Told] = {
    "CredentialUnavailableError": _Told("there are no Azure credentials", _CREDENTIALS),
    "AzureSigningError": _Told("the key of the storage account is no key", _CREDENTIALS),
    "ServiceRequestError": _Told("Azure cannot be reached", _ENDPOINT, StoreUnavailableError),
    "ServiceResponseError": _BROKEN,
    "DecodeError": _BROKEN,
    "ConnectionError": _Told("Azure cannot be reached, or the connection broke", _ENDPOINT, StoreUnavailableError),
    "RequestException": _BROKEN,
    "HTTPError": _BROKEN,
}

_ADDRESS = re.compile(r"(https?://[^\s?]+)\?[^\s:]*")  # of which what follows the "?" is left out
_LONG = 300  # characters of what an identity that was not found says about each way that was tried


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Whatever the SDKs raise in the block, as an error of ours about *what* (a URI, a queue's name).

    Raises:
        StoreUnavailableError: there was no answer, or one that asks to come again.
        ObjectMissingError: an object, or another thing by that name, is not there.
        PlaceMissingError: its container is not there.
        ObjectExistsError: a condition that goes with a write does not hold.
        StoreRefusedError: all others; with a hint where something is to be done.
    """
    from azure.core.exceptions import AzureError
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (AzureError, RequestException, HTTPError) as error:
        raise _meaning(what, error) from error
    except ValueError as error:  # by which the SDKs refuse to ask: a token goes by https only
        if isinstance(error, ClsError):
            raise
        msg = f"{what}: {_REFUSED.problem} ({error})"
        raise StoreRefusedError(msg) from error


def code(error: Exception) -> str:
    """The service's own name for an *error*, such as ``BlobNotFound``; empty where it gave none."""
    named = getattr(error, "error_code", None)
    answer = getattr(error, "response", None)
    told = getattr(named, "value", named) or getattr(answer, "headers", {}).get("x-ms-error-code")
    return str(told or "")


def status(error: Exception) -> int:
    """The HTTP status of an answer; 0 where there was none."""
    return int(getattr(error, "status_code", None) or 0)


def _meaning(what: str, error: Exception) -> ClsError:
    told = _told(error)
    return told.kind(f"{what}: {told.problem} ({_said(error)})", hint=told.hint)


def _told(error: Exception) -> _Told:
    if found := _CODES.get(code(error)):
        return found
    names = [each.__name__ for each in type(error).__mro__]
    if found := next((_TROUBLES[name] for name in names if name in _TROUBLES), None):
        return found
    number = status(error)
    if not number:
        return _without_answer(error, names)
    return _AGAIN if number >= 500 else _STATUSES.get(number, _REFUSED)


def _without_answer(error: Exception, names: list[str]) -> _Told:
    """What the SDKs found by themselves, in what they had."""
    if "ClientAuthenticationError" in names:
        return _Told("there are no Azure credentials that are taken", _CREDENTIALS)
    return _DAMAGED if "MD5 mismatch" in str(error) else _BROKEN


def _said(error: Exception) -> str:
    """What the answer says in its first line, without the address that was asked: that may have a signature in it."""
    said = str(getattr(error, "message", "") or error).strip().partition("\n")[0][:_LONG]
    return ": ".join(part for part in (code(error), _ADDRESS.sub(r"\1", said).rstrip(".")) if part) or _name(error)


def _name(error: Any) -> str:
    return type(error).__name__
