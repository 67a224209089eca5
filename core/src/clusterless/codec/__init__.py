"""Values to JSON and back; stored names are known here only.

A *declaration* is typed by a person: an unknown key is a mistake, and every
mistake is reported at once, with its path. A *record* was written by a program,
perhaps a newer one: unknown keys are passed over, our own are written in full
and in order. A plugin's attrs classes need no registration for either.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from clusterless.codec.stored import stored_values
from clusterless.errors import ClsError, InvalidValueError, MalformedError, PluginError
from clusterless.model.ledger import ENTRIES, Entry

T = TypeVar("T")

_KINDS = {entry.kind: entry for entry in ENTRIES}


def read_declaration(value: object, into: type[T], *, source: str, at: str = "$") -> T:
    """The declaration that JSON values spell, strictly.

    Where a field's default is an attrs value and *value* has an object, what that
    object leaves out comes from that default; maps and lists are replaced.

    Args:
        value: JSON values: dicts, lists, text, numbers.
        into: An attrs class.
        source: The file, for messages.
        at: The JSON path that *value* was found at.

    Raises:
        MalformedError: with a finding for every mistake.
        PluginError: *into* has a field that JSON cannot be read into.
    """
    from clusterless.codec.converters import declarations

    return _structured(declarations(), value, into, source, at)


def to_json(value: Any) -> Any:
    """JSON values for a declaration or a record: every key, nulls too, in the order of the class."""
    from clusterless.codec.converters import records

    return records().unstructure(value)


def record_bytes(value: Any) -> bytes:
    """A record as it is stored: compact JSON in UTF-8, keys in order, nulls written."""
    return _compact(to_json(value))


def read_record(body: bytes, into: type[T], *, source: str) -> T:
    """The record stored as *body*; keys it does not know are passed over.

    Raises:
        MalformedError: naming *source* (a URI).
    """
    return _recorded(_parsed(body, source), into, source)


def ledger_entry_bytes(entry: Entry) -> bytes:
    """A ledger entry as it is stored: ``{"entry": "claim", …}``."""
    return _compact({"entry": entry.kind, **to_json(entry)})


def read_ledger_entry(body: bytes, *, source: str) -> Entry:
    """The ledger entry stored as *body*.

    Raises:
        MalformedError: it is none, or of a kind that this version does not know.
    """
    value = _parsed(body, source)
    kind = value.get("entry") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise MalformedError(source, [f"$.entry: must be one of {', '.join(_KINDS)}, not {kind!r}"])
    return _recorded(value, _KINDS[kind], source)


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _parsed(body: bytes, source: str) -> object:
    try:
        return stored_values(body)
    except InvalidValueError as error:
        raise MalformedError(source, [f"not JSON: {error.problem}"]) from error


def _recorded(value: object, into: type[T], source: str) -> T:
    from clusterless.codec.converters import records

    try:
        return records(detailed=False).structure(value, into)
    except Exception:  # noqa: BLE001  whatever it is, the other converter finds it again, and says where
        return _structured(records(), value, into, source, "$")


def _structured(converter: Any, value: object, into: type[T], source: str, at: str) -> T:
    from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError

    from clusterless.codec.findings import findings

    try:
        return converter.structure(value, into)  # type: ignore[no-any-return]
    except (BaseValidationError, ClsError) as exc:
        raise MalformedError(source, findings(exc, at)) from exc
    except StructureHandlerNotFoundError as exc:
        msg = f"{into.__name__} cannot be read from JSON: {exc}"
        raise PluginError(msg) from exc
