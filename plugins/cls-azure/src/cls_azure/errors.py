"""What the SDKs raise, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from clusterless.errors import (
    ClsError,
    ObjectExistsError,
    ObjectMissingError,
    PlaceMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.runtime.meaning import Meaning, by_class, unsigned

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


_UNKNOWN = Meaning("Azure does not take these credentials", _SIGN_IN)
_DENIED = Meaning("access was denied", _ACCESS)
_NO_CONTAINER = Meaning(
    "there is no such container",
    "`cls bootstrap` makes a placement's containers; otherwise check its name, and the storage account",
    PlaceMissingError,
)
_BUSY = Meaning("Azure asks for fewer requests", "it is asked again", StoreUnavailableError)
_AGAIN = Meaning("Azure could not answer", "it is asked again", StoreUnavailableError)
_BETWEEN = Meaning("another write of it is under way", "it is asked again", StoreUnavailableError)
_REMOVED = Meaning("it is being removed just now", "try again in a minute", StoreUnavailableError)
_ABSENT = Meaning("it is not there", kind=ObjectMissingError)
_EXISTS = Meaning("it exists already", kind=ObjectExistsError)
_LEASED = Meaning("another holds a lease on it", "have the lease released, or wait until it ends")
_HELD = Meaning("a policy keeps it from being changed", "wait for its end, or have the policy lifted")
_ARCHIVED = Meaning("it is archived", "have it brought back to the Hot or Cool tier first")
_NO_NAME = Meaning("Azure takes no such name", "use a shorter one, of plain letters, digits and '-'")
_BROKEN = Meaning("the connection broke, or no answer came in time", "", StoreUnavailableError)
_DAMAGED = Meaning("it was damaged on its way", "", StoreUnavailableError)
_REFUSED = Meaning("Azure refused it")

_CODES: Mapping[str, Meaning] = {
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

_STATUSES: Mapping[int, Meaning] = {
    401: _UNKNOWN,
    403: _DENIED,
    404: _ABSENT,
    408: _AGAIN,
    409: _BETWEEN,
    412: _EXISTS,
    429: _BUSY,
}

# Of the SDKs themselves, by the names of their exceptions, the nearest class first.
_TROUBLES: Mapping[str, Meaning] = {
    "CredentialUnavailableError": Meaning("there are no Azure credentials", _CREDENTIALS),
    "AzureSigningError": Meaning("the key of the storage account is no key", _CREDENTIALS),
    "ServiceRequestError": Meaning("Azure cannot be reached", _ENDPOINT, StoreUnavailableError),
    "ServiceResponseError": _BROKEN,
    "DecodeError": _BROKEN,
    "ConnectionError": Meaning("Azure cannot be reached, or the connection broke", _ENDPOINT, StoreUnavailableError),
    "RequestException": _BROKEN,
    "HTTPError": _BROKEN,
}

# Where nobody answered: an answer comes as the same exception.
_UNASKED: Mapping[str, Meaning] = {
    "ClientAuthenticationError": Meaning("there are no Azure credentials that are taken", _CREDENTIALS)
}

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
        raise _meaning(error).error(what, _said(error)) from error
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


def _meaning(error: Exception) -> Meaning:
    if found := _CODES.get(code(error)):
        return found
    if found := by_class(error, _TROUBLES):
        return found
    number = status(error)
    if not number:
        return _without_answer(error)
    return _AGAIN if number >= 500 else _STATUSES.get(number, _REFUSED)


def _without_answer(error: Exception) -> Meaning:
    """What the SDKs found by themselves, in what they had."""
    if found := by_class(error, _UNASKED):
        return found
    return _DAMAGED if "MD5 mismatch" in str(error) else _BROKEN


def _said(error: Exception) -> str:
    """What the answer says in its first line, without the address that was asked: that may have a signature in it."""
    said = str(getattr(error, "message", "") or error).strip().partition("\n")[0][:_LONG]
    return ": ".join(part for part in (code(error), unsigned(said).rstrip(".")) if part) or _name(error)


def _name(error: Any) -> str:
    return type(error).__name__
