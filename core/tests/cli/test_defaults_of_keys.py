"""The default of a key of an object is that of the object which stands where nothing is given."""

from __future__ import annotations

from attrs import Factory, frozen

from clusterless.cli.keys import every_key


@frozen(kw_only=True)
class Inner:
    tries: int = 0
    minutes: int = 5


@frozen(kw_only=True)
class Middle:
    inner: Inner = Factory(lambda: Inner(tries=2))


@frozen(kw_only=True)
class Outer:
    plain: Inner = Factory(Inner)
    more: Inner = Factory(lambda: Inner(tries=3))
    middle: Middle = Factory(lambda: Middle(inner=Inner(minutes=9)))
    given: Inner
    maybe: Inner | None = None


def test_defaults_are_those_of_the_nearest_object() -> None:
    assert {key.name: key.default for key in every_key(Outer)} == {
        "plain.tries": "0",
        "plain.minutes": "5",
        "more.tries": "3",
        "more.minutes": "5",
        "middle.inner.tries": "0",
        "middle.inner.minutes": "9",
        "given.tries": "0",
        "given.minutes": "5",
        "maybe": "null",
    }
