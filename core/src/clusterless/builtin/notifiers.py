"""How the notifiers that every project can have are declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from attrs import Attribute, Factory, field, frozen
from attrs.validators import gt, le

from clusterless import codec
from clusterless.errors import InvalidValueError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.element import Needs
from clusterless.model.event import Event
from clusterless.model.limits import Limits
from clusterless.model.lot import Lot
from clusterless.model.notifier import LocatedNotifier, Notifier
from clusterless.runtime.contract import check_command, substitute

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = re.compile(r"webhook-.*|content-.*|host|connection|transfer-encoding", re.IGNORECASE)
_NO_URL = re.compile(r"[\s\x00-\x1f\x7f]")
_SAMPLE = Event(
    dataset=LocatedDataset(name="name", version="1", path_uri="file:///data/"),
    lot=Lot.parse("20240131PT5M287"),
    manifest="file:///manifest.json",
)


# ---- cls:core:webhookNotifier ----------------------------------------------------------------------------------


def _are_variables(_: object, __: Attribute[Any], names: Iterable[str] | Mapping[str, str]) -> None:
    for name in names.values() if isinstance(names, Mapping) else names:
        if not _VARIABLE.fullmatch(name) or name.startswith("whsec_"):
            # What stands here may be the secret itself.
            msg = "not the name of an environment variable: use letters, digits and _, such as 'HOOK_SECRET'"
            raise InvalidValueError(msg)


def _are_headers(_: object, __: Attribute[Any], headers: Mapping[str, str]) -> None:
    for name in headers:
        if not _HEADER.fullmatch(name) or _OWN_HEADERS.fullmatch(name):
            msg = f"{name!r} is no header that can be added: use a name such as 'Authorization'"
            raise InvalidValueError(msg)


@frozen(kw_only=True)
class WebhookNotifier(Notifier):
    """Posts a signed CloudEvents 1.0 event for each committed lot.

    The variables named in ``secretEnv`` hold secrets of the Standard Webhooks form, ``whsec_`` and base64;
    with several, each signs, so that a receiver can go over from one to the next.
    """

    url: str = field()
    secret_env: tuple[str, ...] = field(validator=_are_variables)
    headers_env: Mapping[str, str] = field(factory=dict, validator=[_are_headers, _are_variables])
    timeout_sec: float = field(default=10, validator=[gt(0), le(300)])
    allow_http: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        return (*self.secret_env, *self.headers_env.values())

    def check_variable(self, name: str, value: str) -> None:
        from clusterless.builtin.webhook_message import header, key

        if name in self.secret_env:
            key(value, name)
        if name in self.headers_env.values():
            header(value, name)

    @secret_env.validator
    def _has_one(self, _: object, names: tuple[str, ...]) -> None:
        if not names:
            msg = "name at least one environment variable that holds a secret to sign with"
            raise InvalidValueError(msg)

    @url.validator
    def _is_safe(self, _: object, url: str) -> None:
        parts = _split(url)
        if parts.scheme == "http" and not self.allow_http and not _is_this_machine(parts.hostname or ""):
            msg = "http sends to another machine what anyone on the way can read: use https, or set 'allowHttp'"
            raise InvalidValueError(msg)


def _split(url: str) -> SplitResult:
    """The parts of *url*, which is not repeated where it is refused, since it may hold a secret."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not _NO_URL.search(url)
    except ValueError:
        valid = False
    if not valid:
        msg = "not the address of a receiver: use one such as 'https://example.com/hooks'"
        raise InvalidValueError(msg)
    if "@" in parts.netloc or parts.fragment:
        msg = "a user, a password or a fragment does not belong in the address: send credentials by 'headersEnv'"
        raise InvalidValueError(msg)
    return parts


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# ---- cls:core:execNotifier -------------------------------------------------------------------------------------


@frozen(kw_only=True)
class ExecNotifier(Notifier):
    """Runs a command for each committed lot, with the event as JSON on its standard input.

    ``command`` is run without a shell, in the folder of the project file; an argument such as ``$.lot`` or
    ``$.dataset.name`` is replaced by what it selects from the event, ``$`` by the whole of it. It sees the variables
    that an execArc's command sees, and CLS_DATASET, CLS_LOT, CLS_MANIFEST, CLS_REVISION and CLS_IDEMPOTENCY_KEY. An
    exit code other than 0 is a failure. After ``timeoutSec`` it is ended, with all that it started.
    """

    command: tuple[str, ...] = field()
    environment: Mapping[str, str] = Factory(dict)
    timeout_sec: float = field(default=60, validator=[gt(0), le(3600)])
    limits: Limits = Factory(Limits)

    @property
    def needs(self) -> Needs:
        return Needs(program=self.command[0], path=self.environment.get("PATH"))

    @command.validator
    def _can_be_substituted(self, _: object, command: tuple[str, ...]) -> None:
        if not command or not command[0]:
            msg = '\'command\' is empty: give the program and its arguments, such as ["./tell.sh", "$.lot"]'
            raise InvalidValueError(msg)
        check_command(self, _, command)
        substitute(command, codec.to_json(_SAMPLE), {})


# ---- cls:core:inboxNotifier ------------------------------------------------------------------------------------


@frozen(kw_only=True)
class InboxNotifier(LocatedNotifier):
    """Puts a small CloudEvents 1.0 object for each committed lot where a reader in another place looks for it.

    ``pathURI`` is the ``inbox`` of a source there, in any store that the two share: no other service of either is
    needed. Whoever reads it removes what it has acted on; what was put there twice does no harm.
    """
