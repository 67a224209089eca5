"""What others' exceptions mean: looked up by the names of their classes, and told without what is secret."""

from __future__ import annotations

import pytest

from clusterless.errors import ClsError, StoreRefusedError, StoreUnavailableError
from clusterless.runtime.meaning import Meaning, by_class, unsigned

LOST = Meaning("nobody answered", "check the network", StoreUnavailableError)
REFUSED = Meaning("it was refused")


class ForeignError(ConnectionError):
    pass


@pytest.mark.parametrize(
    ("meaning", "kind", "hint"), [(LOST, StoreUnavailableError, "check the network"), (REFUSED, StoreRefusedError, "")]
)
def test_an_error_says_of_what_it_is_and_what_they_said(meaning: Meaning, kind: type[ClsError], hint: str) -> None:
    error = meaning.error("s3://bucket/", "503: slow down")
    assert type(error) is kind
    assert (error.problem, error.hint) == (f"s3://bucket/: {meaning.problem} (503: slow down)", hint)


def test_the_nearest_class_that_is_known_counts() -> None:
    assert by_class(ForeignError(), {"OSError": REFUSED, "ConnectionError": LOST}) is LOST
    assert by_class(ForeignError(), {"OSError": REFUSED}) is REFUSED
    assert by_class(ForeignError(), {"ValueError": REFUSED}) is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("GET https://a.blob.example.net/c/b?sig=SECRET&se=1: 403", "GET https://a.blob.example.net/c/b: 403"),
        ("(http://127.0.0.1:80/x?a=1) and https://b/?c", "(http://127.0.0.1:80/x and https://b/"),
        ("is it there?", "is it there?"),
    ],
)
def test_of_an_address_no_signature_is_told(said: str, told: str) -> None:
    assert unsigned(said) == told
