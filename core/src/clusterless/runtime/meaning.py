"""What others' exceptions and answers mean, in words that say what to do: tables of a provider's, looked up alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from clusterless.errors import ClsError, StoreRefusedError

_ADDRESS = re.compile(r"(https?://[^\s?]+)\?[^\s:]*")  # of which what follows the "?" is left out


@frozen
class Meaning:
    """What an answer means; without a *kind* it is a refusal."""

    problem: str
    hint: str = ""
    kind: type[ClsError] = StoreRefusedError

    def error(self, what: str, said: str) -> ClsError:
        """As an error about *what* (a URI, a queue's name), of which they *said* this."""
        return self.kind(f"{what}: {self.problem} ({said})", hint=self.hint)


def by_class(error: BaseException, meanings: Mapping[str, Meaning]) -> Meaning | None:
    """The meaning of the nearest class of *error*, each known by its name: so no SDK is imported to tell."""
    names = (each.__name__ for each in type(error).__mro__)
    return next((meanings[name] for name in names if name in meanings), None)


def unsigned(text: str) -> str:
    """*text* without what follows the ``?`` of an address in it: that may be a signature."""
    return _ADDRESS.sub(r"\1", text)
