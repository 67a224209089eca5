"""What people have set once, so as not to type it each time: ``.clsconfig``, ``~/.cls/config`` and ``-D``."""

from __future__ import annotations

import enum
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import Factory, field, frozen
from attrs.validators import and_, ge, le, optional

from clusterless.codec import read_declaration
from clusterless.codec.names import stored_names
from clusterless.codec.values import suggestion
from clusterless.errors import InvalidValueError, MalformedError
from clusterless.model.naming import check_name
from clusterless.runtime.settings import files

_NAMESPACE = "common."  # which `-D` keys may begin with


class Output(enum.Enum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


@frozen(kw_only=True)
class ReportConfig:
    output: Output = Output.TABLE


@frozen(kw_only=True)
class PlacementConfig:
    provider: str = field(default="local", validator=check_name)
    stage: str | None = field(default=None, validator=optional(check_name))
    account: str | None = field(default=None, validator=optional(check_name))
    region: str | None = field(default=None, validator=optional(check_name))


@frozen(kw_only=True)
class RunConfig:
    concurrency: int | None = field(default=None, validator=optional(and_(ge(1), le(256))))


@frozen(kw_only=True)
class ResourceConfig:
    remove_all_on_destroy: bool = False


@frozen(kw_only=True)
class Config:
    """Settings with a default each; what is None is not set."""

    report: ReportConfig = Factory(ReportConfig)
    placement: PlacementConfig = Factory(PlacementConfig)
    run: RunConfig = Factory(RunConfig)
    resource: ResourceConfig = Factory(ResourceConfig)


def load_config(set_here: Sequence[str] = ()) -> Config:
    """What holds: *set_here* (``key=value``) over the local file over the global one over the defaults.

    Raises:
        MalformedError: a file, or what was set here, has a key or a value that does not exist; each with where it is.
        InvalidValueError: what was set here is no ``key=value``.
    """
    values: dict[str, Any] = {}
    for file in files():
        _merge(values, read_file(file))
    if set_here:
        given = _set_here(set_here)
        try:
            read_declaration(given, Config, source="-D", at="")
        except MalformedError as error:
            findings = [finding.removeprefix(".") for finding in error.findings]
            raise MalformedError("-D", findings, hint=_known()) from None
        _merge(values, given)
    return read_declaration(values, Config, source="config") if values else Config()


def read_file(file: Path) -> dict[str, Any]:
    """The values that *file* sets, which are checked.

    Raises:
        MalformedError: it is no TOML, or sets what is not to be set.
    """
    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise MalformedError(str(file), [str(error)], hint="cls config init --force writes it anew") from None
    try:
        read_declaration(values, Config, source=str(file), at="")
    except MalformedError as error:
        findings = [_placed(finding.removeprefix("."), text) for finding in error.findings]
        raise MalformedError(str(file), findings, hint=f"{_known()}; cls config init --force writes it anew") from None
    return values


def _placed(finding: str, text: str) -> str:
    """*finding* with its line of *text*, and what became of a line that the section above it took."""
    key = finding.partition(":")[0]
    section, _, name = key.partition(".")
    spelled = re.compile(rf"\s*(?:[\w-]+\s*\.\s*)*{re.escape(key.rpartition('.')[2])}\s*[.=]")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if spelled.match(line)]
    line = f"line {lines[0]}: " if len(lines) == 1 else ""
    taken = name and name.partition(".")[0] in stored_names(Config).values()
    mend = f"; it stands in the section [{section}]: write it above the first section, or in [{name}]" if taken else ""
    return f"{line}{finding}{mend}"


def _known() -> str:
    return f"what can be set: {', '.join(key for key, _, _ in leaves())}"


# ---- key=value -------------------------------------------------------------------------------------------------


def leaves(model: Any = Config, below: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each setting: its dotted key, the class that has it, and its field there."""
    attrs.resolve_types(model)
    names = stored_names(model)
    for each in attrs.fields(model):
        key = f"{below}{names[each.name]}"
        if attrs.has(each.type):
            yield from leaves(each.type, f"{key}.")
        else:
            yield key, model, each


def _set_here(given: Sequence[str]) -> dict[str, Any]:
    known = {key: each.type for key, _, each in leaves()}
    values: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        key = key.strip().removeprefix(_NAMESPACE)
        if not equals:
            msg = f"-D {text}: not a setting"
            raise InvalidValueError(msg, hint="give it as key=value, such as -D report.output=json")
        if key not in known:
            msg = f"-D {key}: there is no such setting{suggestion(key, list(known))}"
            raise InvalidValueError(msg, hint=_known())
        _merge(values, _nested(key.split("."), _typed(known[key], value.strip())))
    return values


def _typed(kind: Any, text: str) -> Any:
    """*text* as the setting wants it: an account number is text, a concurrency is not."""
    if str in (kind, *typing.get_args(kind)):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    return {path[0]: _nested(path[1:], value) if len(path) > 1 else value}


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
