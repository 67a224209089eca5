"""What the SDK raises, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from clusterless.errors import (
    ClsError,
    ObjectExistsError,
    ObjectMissingError,
    PlaceMissingError,
    StoreBusyError,
    StoreUnavailableError,
)
from clusterless.runtime.meaning import Meaning, by_class

_SIGN_IN = "sign in again (`aws sso login`), or set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
_CREDENTIALS = "set AWS_PROFILE, or 'profile' in .clsconfig-aws, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_REGION = "set AWS_REGION, or 'region' in .clsconfig-aws or in the placement"
_ACCESS = (
    "have these credentials (`aws sts get-caller-identity` shows whose) allowed to do it, and check that it is not"
    " another account's; S3 also says so of what is not there where listing is not allowed"
)
_CLOCK = "set this machine's clock: AWS takes requests of the last minutes only"


_LATER = "try again in a minute; what goes on running asks again by itself"

_EXPIRED = Meaning("the credentials have expired", _SIGN_IN)
_UNKNOWN = Meaning("AWS does not know these credentials", _CREDENTIALS)
_DENIED = Meaning("access was denied", _ACCESS)
_ELSEWHERE = Meaning("it is in another region than was asked", _REGION)
_NO_BUCKET = Meaning(
    "there is no such bucket",
    "`cls bootstrap` makes a placement's buckets; otherwise check its name",
    PlaceMissingError,
)
_BUSY = Meaning("AWS asks for fewer requests", _LATER, StoreBusyError)
_LIMITED = Meaning(
    "AWS allows no more of it", "wait for others to end, or have the quota raised", StoreUnavailableError
)
_AGAIN = Meaning("AWS could not answer", _LATER, StoreUnavailableError)
_REMOVED = Meaning(
    "it was removed less than a minute ago, and AWS makes no other by that name yet",
    _LATER,
    StoreUnavailableError,
)
_BETWEEN = Meaning("another write of it is under way", _LATER, StoreUnavailableError)
_EXISTS = Meaning("it exists already", kind=ObjectExistsError)
_ABSENT = Meaning("there is none", kind=ObjectMissingError)
_UNABLE = Meaning(
    "this server does not know how", "use S3, or a server that knows conditional writes and uploads in parts"
)
_LATE = Meaning("this machine's time is not that of AWS", _CLOCK)
_OF_ANOTHER_TIME = ("Signature expired", "Signature not yet current")  # what most services say then

_ANSWERS: Mapping[str, Meaning] = {
    code: told
    for told, codes in {
        _EXPIRED: ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        _UNKNOWN: (
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        _DENIED: (
            "403",
            "AccessDenied",
            "AccessDeniedException",
            "AccountProblem",
            "AllAccessDisabled",
            "Forbidden",
            "NotAuthorized",
            "UnauthorizedOperation",
        ),
        _ELSEWHERE: ("301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"),
        _NO_BUCKET: ("NoSuchBucket",),
        _BUSY: (
            "429",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "ServiceUnavailable",  # as S3 says it too
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "TooManyRequestsException",
        ),
        _AGAIN: ("InternalError", "InternalFailure", "RequestTimeout", "RequestTimeoutException"),
        _LIMITED: ("LimitExceededException",),
        _REMOVED: ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently"),
        _BETWEEN: ("ConditionalRequestConflict", "OperationAborted"),
        _ABSENT: ("404", "NoSuchKey", "NoSuchVersion", "NoSuchUpload", "NotFound"),
        _EXISTS: ("412", "PreconditionFailed"),
        _UNABLE: ("NotImplemented",),
        _LATE: ("RequestTimeTooSkewed", "RequestInTheFuture"),
    }.items()
    for code in codes
}

# Of the SDK itself, by the names of its exceptions, the nearest class first.
_TROUBLES: Mapping[str, Meaning] = {
    "NoCredentialsError": Meaning("there are no AWS credentials", _CREDENTIALS),
    "PartialCredentialsError": Meaning("the AWS credentials are not complete", _CREDENTIALS),
    "CredentialRetrievalError": Meaning("the AWS credentials could not be had", _CREDENTIALS),
    "ProfileNotFound": Meaning(
        "there is no such AWS profile", "`aws configure list-profiles` names those that there are"
    ),
    "SSOError": Meaning("the sign-in has expired", _SIGN_IN),
    "TokenRetrievalError": Meaning("the sign-in has expired", _SIGN_IN),
    "NoRegionError": Meaning("no AWS region is set", _REGION),
    "InvalidRegionError": Meaning("that is no AWS region", _REGION),
    "EndpointConnectionError": Meaning(
        "AWS cannot be reached", "check the network, the region and any endpoint that is set", StoreUnavailableError
    ),
    "ConnectionError": Meaning("no connection could be made", "", StoreUnavailableError),
    "HTTPClientError": Meaning("the connection broke, or no answer came in time", "", StoreUnavailableError),
    "ResponseStreamingError": Meaning("the connection broke", "", StoreUnavailableError),
    "IncompleteReadError": Meaning("the answer broke off", "", StoreUnavailableError),
    "ResponseParserError": Meaning(
        "what answered is not AWS", "check the endpoint, and any proxy between", StoreUnavailableError
    ),
    "FlexibleChecksumError": Meaning("the answer was damaged on its way", "", StoreUnavailableError),
}


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Whatever the SDK raises in the block, as an error of ours about *what* (a URI, a queue's name).

    Raises:
        StoreUnavailableError: there was no answer, or one that asks to come again.
        ObjectMissingError: an object, or another thing by that name, is not there.
        ObjectExistsError: a condition that goes with a write does not hold.
        StoreRefusedError: all others; with a hint where something is to be done.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise refusal(what, error.response) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _trouble(what, error) from error


def code(answer: Mapping[str, Any]) -> str:
    """The name of the error in what the service answered, such as ``NoSuchKey``; or its HTTP status."""
    return str(answer.get("Error", {}).get("Code") or status(answer))


def status(answer: Mapping[str, Any]) -> int:
    """The HTTP status of what the service answered."""
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def refusal(what: str, answer: Mapping[str, Any]) -> ClsError:
    """The error that an answer which is no success comes to."""
    told = _ANSWERS.get(code(answer)) or _by_status(status(answer))
    said = str(answer.get("Error", {}).get("Message") or "").strip().rstrip(".")
    if said.startswith(_OF_ANOTHER_TIME):
        told = _LATE
    return told.error(what, f"{code(answer)}: {said}" if said else code(answer))


def _by_status(number: int) -> Meaning:
    if number in {429, 503}:
        return _BUSY
    return _AGAIN if number >= 500 else Meaning("AWS refused it")


def _trouble(what: str, error: Exception) -> ClsError:
    meaning = by_class(error, _TROUBLES) or Meaning("the AWS SDK refused it")
    return meaning.error(what, str(error))
