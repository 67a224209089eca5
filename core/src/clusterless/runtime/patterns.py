"""Regular expressions that people declare, searched in what anybody may have named.

Python's own engine can take years over forty characters. RE2's takes a time that grows with the text and no faster,
whatever the pattern; so it knows no look-ahead, no look-behind and no references back, and what has them is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import frozen

from clusterless.errors import InvalidValueError, cut

_SHOWN = 100  # characters of what RE2 says, which repeats the pattern
_HINT = "patterns are RE2's: https://github.com/google/re2/wiki/Syntax; they cannot look ahead, behind or back"


@frozen
class Pattern:
    """A regular expression that is one; threads may share it."""

    _compiled: Any

    @property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(self._compiled.groupindex)

    def is_all_of(self, text: str) -> bool:
        """Whether it matches the whole of *text*."""
        return _is_unicode(text) and self._compiled.fullmatch(text) is not None

    def find(self, text: str) -> Mapping[str, str | None] | None:
        """What its named groups match where it first occurs in *text*; None where it does not."""
        found = self._compiled.search(text) if _is_unicode(text) else None
        return found.groupdict() if found else None


def pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """The regular expression *text*, of which a dot is any character.

    Raises:
        InvalidValueError: it is none, or one of those that are not bounded in time.
    """
    return _compiled(text, ignore_case)


@lru_cache(maxsize=256)
def _compiled(text: str, ignore_case: bool) -> Pattern:
    import re2

    options = re2.Options()
    options.log_errors = False  # they are told by what is raised
    options.dot_nl = True
    options.case_sensitive = not ignore_case
    try:
        return Pattern(re2.compile(text, options))
    except re2.error as error:
        problem = error.args[0].decode(errors="replace") if error.args else "it is refused"
        raise InvalidValueError(cut(problem, _SHOWN), hint=_HINT) from None
    except UnicodeEncodeError:
        msg = "it is not Unicode"
        raise InvalidValueError(msg, hint=_HINT) from None


def literal(text: str) -> str:
    """The pattern that matches *text*."""
    import re2

    return str(re2.escape(text))


def _is_unicode(text: str) -> bool:
    """Half a character (a surrogate) is in no text, and RE2 takes none."""
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)
