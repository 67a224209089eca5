"""The receiver that the page about notifiers shows takes what is sent, once, and nothing else."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from clusterless.builtin import webhook_message as message
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.model.project import Project
from clusterless.runtime import cloud_event

SECRETS = ["whsec_" + base64.b64encode(bytes([number] * 32)).decode() for number in range(3)]
KEYS = [message.key(secret, "") for secret in SECRETS]
EVENT = Event(
    dataset=LocatedDataset(name="a.b", version="1", path_uri="file:///ä/"),
    lot=Lot.parse("20240131PT5M287"),
    manifest="file:///m",
)
BODY = cloud_event.body(EVENT, Project(name="p", version="1"), Placement(provider="local"))


@pytest.fixture
def verified(read: Any) -> Callable[..., Any]:
    names: dict[str, Any] = {}
    [block] = read("docs/howto/notify.md").blocks("python")
    exec(block, names)
    found: Callable[..., Any] = names["verified"]
    return found


def headers(*keys: bytes, ago: float = 0) -> dict[str, str]:
    return message.headers(EVENT, BODY, int(time.time() - ago), keys)


def test_it_is_short(read: Any) -> None:
    [block] = read("docs/howto/notify.md").blocks("python")
    assert len([line for line in block.splitlines() if line]) <= 15


def test_it_takes_what_is_sent(verified: Any) -> None:
    assert verified(headers(KEYS[0]), BODY, SECRETS[:1], set())["id"] == "a.b/1/20240131PT5M287/0"


def test_either_side_may_be_ahead_with_a_new_secret(verified: Any) -> None:
    assert verified(headers(KEYS[0], KEYS[1]), BODY, SECRETS[:1], set())
    assert verified(headers(KEYS[0], KEYS[1]), BODY, SECRETS[1:2], set())
    assert verified(headers(KEYS[1]), BODY, SECRETS[:2], set())


def test_it_takes_an_event_once(verified: Any) -> None:
    assert verified(headers(KEYS[0]), BODY, SECRETS, {headers()["webhook-id"]}) is None


@pytest.mark.parametrize("ago", [301, 86_400, -310])
def test_it_refuses_what_may_have_been_recorded(verified: Any, ago: float) -> None:
    with pytest.raises(ValueError, match="five minutes"):
        verified(headers(KEYS[0], ago=ago), BODY, SECRETS, set())


def test_it_refuses_what_was_changed_or_signed_by_others(verified: Any) -> None:
    sent = headers(KEYS[0])
    forged = [
        (sent, BODY + b" ", SECRETS),
        (sent, BODY, SECRETS[1:]),
        ({**sent, "webhook-id": "other"}, BODY, SECRETS),
        ({**sent, "webhook-timestamp": str(int(sent["webhook-timestamp"]) - 1)}, BODY, SECRETS),
        ({**sent, "webhook-signature": ""}, BODY, SECRETS),
    ]
    for each in forged:
        with pytest.raises(ValueError, match="not signed"):
            verified(*each, set())
