"""What a receiver takes of what is sent to it: what we sent, lately; all else is refused in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.builtin import webhook_message
from clusterless.errors import ClsError, InvalidValueError, MalformedError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.runtime import cloud_event
from clusterless.runtime.signing import key_of
from clusterless.sdk.webhooks import WINDOW, Received, verified

NOW = 1_706_745_600
SECRETS = ["whsec_" + base64.b64encode(bytes([number] * 32)).decode() for number in range(3)]
KEYS = [key_of(secret) for secret in SECRETS]
EVENT = Event(
    dataset=LocatedDataset(name="a.b", version="1", path_uri="file:///ä/"),
    lot=Lot.parse("20240131PT5M287"),
    manifest="file:///m",
    revision=2,
)
BODY = cloud_event.body(EVENT, Project(name="p", version="1"), Placement(provider="local"))


def headers(*keys: bytes, body: bytes = BODY, sent: int = NOW) -> dict[str, str]:
    return webhook_message.headers(EVENT, body, sent, keys)


def test_what_the_notifier_sends_is_taken() -> None:
    received = verified(headers(KEYS[0]), BODY, SECRETS[:1], now=NOW)
    assert received == Received(id="a%2Eb/1/20240131PT5M287/2", event=EVENT)


def test_names_of_headers_may_be_written_in_any_case() -> None:
    shouted = {name.upper(): value for name, value in headers(KEYS[0]).items()}
    assert verified(shouted, BODY, SECRETS[:1], now=NOW).event == EVENT


def test_either_side_may_be_ahead_with_a_new_secret() -> None:
    assert verified(headers(KEYS[0], KEYS[1]), BODY, SECRETS[1:2], now=NOW)
    assert verified(headers(KEYS[1]), BODY, SECRETS[:2], now=NOW)


@pytest.mark.parametrize("away", [WINDOW, -WINDOW, 0])
def test_within_the_window_it_is_taken(away: float) -> None:
    assert verified(headers(KEYS[0]), BODY, SECRETS, now=NOW + away)


@pytest.mark.parametrize("away", [WINDOW + 1, -WINDOW - 1, 1e9])
def test_what_may_have_been_recorded_is_refused(away: float) -> None:
    with pytest.raises(InvalidValueError, match="more than five minutes old, or ahead"):
        verified(headers(KEYS[0]), BODY, SECRETS, now=NOW + away)


def test_a_recorded_message_cannot_be_made_young() -> None:
    old = headers(KEYS[0], sent=NOW - 9999)
    with pytest.raises(InvalidValueError, match="not signed"):
        verified({**old, "webhook-timestamp": str(NOW)}, BODY, SECRETS, now=NOW)


@pytest.mark.parametrize(
    ("changed", "body", "secrets"),
    [
        ({}, BODY + b" ", SECRETS),
        ({}, BODY, SECRETS[1:]),
        ({}, BODY, []),
        ({"webhook-id": "other"}, BODY, SECRETS),
        ({"webhook-signature": ""}, BODY, SECRETS),
        ({"webhook-signature": "v1, v1 ü"}, BODY, SECRETS),
    ],
)
def test_what_was_changed_or_signed_by_others_is_refused(
    changed: Mapping[str, str], body: bytes, secrets: list[str]
) -> None:
    with pytest.raises(InvalidValueError, match="not signed by whom we know"):
        verified({**headers(KEYS[0]), **changed}, body, secrets, now=NOW)


@pytest.mark.parametrize("sent", ["", "soon", "-1", "1e3", "٣", "9" * 5000, "nan"])
def test_a_time_that_is_none_is_refused(sent: str) -> None:
    with pytest.raises(InvalidValueError, match="no 'webhook-timestamp'"):
        verified({**headers(KEYS[0]), "webhook-timestamp": sent}, BODY, SECRETS, now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{}", b'{"type":"x","data":{}}', b"[" * 100_000])
def test_nonsense_that_is_signed_is_still_nonsense(body: bytes) -> None:
    with pytest.raises(MalformedError, match="the message"):
        verified(headers(KEYS[0], body=body), body, SECRETS, now=NOW)


def test_another_kind_of_event_is_none_of_ours() -> None:
    body = json.dumps({**json.loads(BODY), "type": "else"}).encode()
    with pytest.raises(InvalidValueError, match="is a 'else'"):
        verified(headers(KEYS[0], body=body), body, SECRETS, now=NOW)


def test_a_secret_that_is_none_is_not_shown() -> None:
    with pytest.raises(InvalidValueError, match="no secret") as raised:
        verified(headers(KEYS[0]), BODY, ["whsec_hunter2"], now=NOW)
    assert "hunter2" not in str(raised.value) + raised.value.hint


NAMES = st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "Webhook-Id"])


@given(st.dictionaries(NAMES, st.text() | st.just(str(NOW))), st.binary())
def test_nothing_that_is_not_signed_is_taken(strange: dict[str, Any], body: bytes) -> None:
    with pytest.raises(ClsError):
        verified(strange, body, SECRETS, now=NOW)
