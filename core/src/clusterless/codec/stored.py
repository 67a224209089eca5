"""The JSON values in what programs stored: in UTF-8, and of whole characters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from clusterless.errors import InvalidValueError


def stored_values(body: bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The JSON values in *body*; *pairs* makes objects, where they are not to be plain ones.

    Raises:
        InvalidValueError: it is none, nested too deeply, or cannot be stored again as it is.
    """
    try:
        text = body.decode("utf-8-sig")
        values = json.loads(text, object_pairs_hook=pairs)
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
