"""The JSON values in what programs stored: in UTF-8, and of whole characters."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from clusterless.errors import InvalidValueError

Pairs = Callable[[list[tuple[str, Any]]], Any]


def stored_values(body: bytes, pairs: Pairs | None = None) -> Any:
    """The JSON values in *body*; *pairs* makes objects, where they are not to be plain ones.

    Raises:
        InvalidValueError: it is none, nested too deeply, or cannot be stored again as it is.
    """
    try:
        text = body.decode().removeprefix("\ufeff")
        values = _decoder(pairs).decode(text)
        if "\\u" in text:  # what is no character can only be written so
            json.dumps(values, ensure_ascii=False).encode()
    except InvalidValueError:
        raise
    except UnicodeEncodeError:
        msg = r"a text holds half a character (such as \ud800)"
        raise InvalidValueError(msg) from None
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(str(error)) from error
    return values


@lru_cache(maxsize=4)  # `json.loads` makes one for each text
def _decoder(pairs: Pairs | None) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=pairs)
