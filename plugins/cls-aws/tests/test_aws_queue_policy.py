"""A queue's policy: what is ours is there afterwards, what is others' stays, and again changes nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cls_aws.queue_policy import completed, sending

QUEUE = "arn:aws:sqs:us-west-2:123456789012:q"
RULE = "arn:aws:events:us-west-2:123456789012:rule/bus/r"
OURS = sending("events.amazonaws.com", QUEUE, RULE)

other = st.fixed_dictionaries(
    {
        "Sid": st.text(max_size=8),
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.just("*"),
        "Action": st.sampled_from(["sqs:SendMessage", "sqs:*"]),
        "Resource": st.just(QUEUE),
    }
)
edited = st.sampled_from([{**OURS, "Effect": "Deny"}, {**OURS, "Condition": {}}, {**OURS, "Resource": "*"}])
statements = st.lists(st.one_of(other, edited, st.just(OURS)), max_size=4)


def text(statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Id": "theirs", "Statement": statements})


@given(statements)
def test_what_is_ours_is_there_once_and_what_is_others_stays(found: list[dict[str, Any]]) -> None:
    policy = completed(text(found), [OURS])
    after = json.loads(policy.text) if policy else json.loads(text(found))
    assert after["Id"] == "theirs"
    assert OURS in after["Statement"]
    if policy:
        assert after["Statement"].count(OURS) == 1
    assert [each for each in after["Statement"] if each["Sid"] != OURS["Sid"]] == [
        each for each in found if each["Sid"] != OURS["Sid"]
    ]
    assert completed(json.dumps(after), [OURS]) is None


def test_a_queue_without_a_policy_is_given_one_and_that_is_no_mending() -> None:
    policy = completed(None, [OURS])
    assert policy
    assert not policy.edited
    assert json.loads(policy.text) == {"Version": "2012-10-17", "Statement": [OURS]}


def test_the_service_may_spell_a_list_of_one_as_a_text_and_a_statement_without_a_list() -> None:
    spelled = {**OURS, "Action": [OURS["Action"]], "Resource": [QUEUE]}
    assert completed(text([spelled]), [OURS]) is None
    assert completed(text(OURS), [OURS]) is None


def test_two_senders_are_told_apart() -> None:
    dots, dashes = (sending("events.amazonaws.com", QUEUE, f"{RULE}{end}") for end in (".1", "-1"))
    assert dots["Sid"] != dashes["Sid"]


def test_a_policy_that_lets_us_in_no_more_is_told_to_be_edited() -> None:
    policy = completed(text([{**OURS, "Effect": "Deny"}]), [OURS])
    assert policy
    assert policy.edited
