"""Project files as text: JSON with comments, and without JSON's traps."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from clusterless.codec.names import below
from clusterless.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH = 64
_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|(?P<comment>//[^\n]*|#[^\n]*|/\*.*?\*/)|(?P<open>/\*)', re.DOTALL)
_PLAIN = {  # what Python's parser says, in words for those who write JSON
    "Expecting value": 'expected a value: text in ", a number, true, false, null, [ or {',
    "Expecting ',' delimiter": "expected ',' or the closing bracket",
    "Expecting ':' delimiter": "expected ':' after the key",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Extra data": "expected nothing after the end",
    "Illegal trailing comma before end of object": "a comma before '}'",
    "Illegal trailing comma before end of array": "a comma before ']'",
}


class _Doubled(dict[str, Any]):
    """An object that gives a key twice; JSON would silently keep the last."""

    keys_given_twice: list[str]


def declared_values(text: str) -> Any:
    """The JSON values in *text*, in which ``//``, ``/* */`` and ``#`` comments are passed over.

    Raises:
        InvalidValueError: with line and column, or the JSON path: not JSON, a key twice in
            one object, a number that is none, text that is not Unicode, or nested too deeply.
    """
    try:
        values = json.loads(
            without_comments(text),
            object_pairs_hook=_object,
            parse_constant=_refuse_number,
            parse_float=_finite,
        )
    except json.JSONDecodeError as exc:
        what = _PLAIN.get(exc.msg, exc.msg) if text.strip() else "the file is empty"
        msg = f"line {exc.lineno}, column {exc.colno}: {what}"
        raise InvalidValueError(msg) from None
    except RecursionError:
        raise _too_deep() from None
    except InvalidValueError:
        raise
    except ValueError as exc:  # a number of thousands of digits
        raise InvalidValueError(str(exc)) from None
    for path, value in _walk(values, "$", _DEPTH):
        if isinstance(value, _Doubled):
            msg = f"{path}: {value.keys_given_twice[0]!r} is given twice"
            raise InvalidValueError(msg)
    _check_unicode(values)
    return values


def without_comments(text: str) -> str:
    """*text* with blanks for its comments, so that every line and column is where it was.

    Raises:
        InvalidValueError: a comment is not closed.
    """
    return _TOKEN.sub(_blanked, text)


def _blanked(token: re.Match[str]) -> str:
    if token["open"]:
        line = token.string.count("\n", 0, token.start()) + 1
        msg = f"line {line}: the comment that begins here is not closed"
        raise InvalidValueError(msg)
    # As wide and as high as it was, so that the parser's line and column are the reader's.
    return re.sub(r"[^\n]", " ", token["comment"]) if token["comment"] else token[0]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known = dict(pairs)
    if len(known) == len(pairs):
        return known
    names = [name for name, _ in pairs]
    doubled = _Doubled(known)
    doubled.keys_given_twice = [name for name in known if names.count(name) > 1]
    return doubled


def _refuse_number(text: str) -> NoReturn:
    msg = f"{text[:40]} is not a number that JSON knows"
    raise InvalidValueError(msg)


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


def _walk(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if not depth:
        raise _too_deep()
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _walk(item, below(path, key), depth - 1)


def _too_deep() -> InvalidValueError:
    return InvalidValueError(f"nested more than {_DEPTH} deep")


def _check_unicode(values: Any) -> None:
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        msg = r"a text holds half a character (such as \ud800), which cannot be stored"
        raise InvalidValueError(msg) from None
