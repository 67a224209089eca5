"""``cls:core:webhookNotifier``: an HTTP POST for each event."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clusterless.builtin import webhook_message as message
from clusterless.builtin.notifiers import WebhookNotifier
from clusterless.errors import NotifyError, NotifyRefusedError, NotInstalledError
from clusterless.model.event import Event
from clusterless.provider import Surroundings
from clusterless.runtime import cloud_event

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_AGAIN = {408, 409, 425, 429}  # of the 4xx, those that pass
_CONNECTIONS = 4  # kept open between events
_ANSWER = 2048  # bytes of an answer that are read
_SHOWN = 200  # characters of it that are shown
_GUESSED = 4  # a shorter word would be found everywhere
_LONGEST = 3600.0  # seconds that a receiver may have us wait


class WebhookPublisher:
    """Posts events; threads may share it.

    Raises:
        NotInstalledError: urllib3 is not installed.
        InvalidValueError: an environment variable holds no secret, or no header.
    """

    def __init__(self, notifier: WebhookNotifier, surroundings: Surroundings) -> None:
        self._url = notifier.url
        self._host = urlsplit(notifier.url).netloc
        self._surroundings = surroundings
        self._keys = [message.key(os.environ[name], name) for name in notifier.secret_env]
        headers = notifier.headers_env.items()
        self._headers = {header: message.header(os.environ[name], name) for header, name in headers}
        self._hidden = _hidden(os.environ[name] for name in notifier.variables)
        self._pool = _pool(notifier.timeout_sec)

    def publish(self, event: Event) -> None:
        """Post the event.

        Raises:
            NotifyError: no answer, or one that is not final.
            NotifyRefusedError: an answer that says no for good.
        """
        from urllib3.exceptions import HTTPError

        content = cloud_event.body(event, self._surroundings.project, self._surroundings.placement)
        sent = int(self._surroundings.clock.now().timestamp())
        headers = {**self._headers, "user-agent": "clusterless", **message.headers(event, content, sent, self._keys)}
        try:
            answer = self._pool.request(
                "POST", self._url, body=content, headers=headers, redirect=False, retries=False, preload_content=False
            )
        except HTTPError as error:
            msg = f"{self._host} did not answer: {self._plain(str(error))}"
            raise NotifyError(msg) from error
        self._judge(answer)

    def _judge(self, answer: BaseHTTPResponse) -> None:
        said = _start_of(answer)
        if 200 <= answer.status < 300:
            return
        msg = self._plain(f"{self._host} answered {answer.status} {answer.reason or ''}: {said}").rstrip(": ")
        if 300 <= answer.status < 400:
            raise NotifyError(msg, hint="redirects are not followed: declare the address that it leads to")
        if 400 <= answer.status < 500 and answer.status not in _AGAIN:
            raise NotifyRefusedError(msg)
        raise NotifyError(msg, after=_retry_after(answer.headers, self._surroundings.clock.now()))

    def _plain(self, text: str) -> str:
        """*text* of others, fit for a log, and without what is not for it."""
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _pool(timeout: float) -> PoolManager:
    try:
        import urllib3
    except ImportError as error:
        msg = "cls:core:webhookNotifier needs urllib3, which is not installed"
        raise NotInstalledError(msg, hint="pip install 'clusterless[webhook]'") from error
    return urllib3.PoolManager(maxsize=_CONNECTIONS, timeout=urllib3.Timeout(connect=timeout, read=timeout))


def _hidden(values: Iterable[str]) -> list[str]:
    """What may not be shown: values, and what follows a word such as Bearer; the longest first."""
    words = {word.removeprefix("whsec_") for value in values for word in (value.strip(), *value.split())}
    return sorted((word for word in words if len(word) >= _GUESSED), key=len, reverse=True)


def _start_of(answer: BaseHTTPResponse) -> str:
    """What the answer begins with: what is there at once, for a receiver may take its time with the rest.

    The connection is kept for the next event where that was all of it.
    """
    from urllib3.exceptions import HTTPError

    try:
        start = answer.read1(_ANSWER, decode_content=False)
    except HTTPError:
        start = b""
    if answer.length_remaining == 0:
        answer.release_conn()
    answer.close()
    return start.decode(errors="replace")[:_SHOWN]


def _retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """The seconds that a receiver asks us to wait: a number or a date, an hour at most."""
    text = headers.get("retry-after", "")
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    return min(max(((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds(), 0), _LONGEST)
