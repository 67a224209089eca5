"""What code that works a lot is told, wherever it runs (FORMATS 5.4 and 5.5): the workload contract.

The `clusterless.sdk` reads these variables in a worker process, a container and a function alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.arc import Arc
from clusterless.model.dataset import LocatedDataset
from clusterless.provider import Occasion, SourceLot, Work

_INHERITED = re.compile(r"PATH|HOME|LANG|LC_[A-Z]+|TMPDIR|TZ|VIRTUAL_ENV")
_SELECTOR = re.compile(r"\$\$?(?:\.[A-Za-z_][\w-]*)*")


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What of a parent's *environment* a workload sees: no secrets, unless they are declared for it."""
    return {name: value for name, value in environment.items() if _INHERITED.fullmatch(name)}


def variables(arc: Arc, work: Work, props: Mapping[str, Any]) -> dict[str, str]:
    """The ``CLS_…`` variables of an attempt; *props* are the arc's ``workloadProps``."""
    return {
        "CLS_ARC_PROPS_JSON": _compact(_arc_props(arc, work, props)),
        "CLS_LOT": str(work.lot),
        "CLS_ATTEMPT": work.attempt,
        "CLS_REVISION": str(work.revision),
        "CLS_IDEMPOTENCY_KEY": work.token,
    }


def occasion_variables(occasion: Occasion, props: Mapping[str, Any]) -> dict[str, str]:
    """The ``CLS_…`` variables of an activity's attempt; *props* are its ``workloadProps``."""
    return {
        "CLS_LOT": str(occasion.lot),
        "CLS_ATTEMPT": occasion.attempt,
        "CLS_IDEMPOTENCY_KEY": occasion.token,
        "CLS_WORKLOAD_PROPS_JSON": _compact(dict(props)),
    }


def _arc_props(arc: Arc, work: Work, props: Mapping[str, Any]) -> dict[str, Any]:
    """Every declared source is named; one that the arc did not wait for has no path and no manifest."""
    return {
        "sources": {
            role: {"name": source.name, "version": source.version, "subscribe": source.subscribe}
            | (_place(work.sources[role]) if role in work.sources else {})
            for role, source in arc.sources.items()
        },
        "sinks": {role: _located(sink.dataset) for role, sink in work.sinks.items()},
        "sourceManifestPaths": {role: source.manifest_uri for role, source in work.sources.items()},
        "sinkManifestTemplates": {role: sink.staging for role, sink in work.sinks.items()},
        "workloadProps": dict(props),
    }


def _place(source: SourceLot) -> dict[str, Any]:
    """Where the objects lie; *roots* are told where the dataset's location is not the only one."""
    location = source.dataset.path_uri
    return {"pathURI": location} | ({} if source.roots == (location,) else {"roots": list(source.roots)})


def context(work: Work, partials: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The ArcWorkloadContext; *partials* are the URIs of the manifests of earlier attempts, by sink role."""
    source = work.sources[work.role]
    return {
        "role": work.role,
        "arcNotifyEvent": {
            "dataset": _located(source.dataset),
            "lot": str(work.lot),
            "manifest": source.manifest_uri,
            "datasetId": source.dataset.id,
        },
        "existingPartialManifests": {role: list(uris) for role, uris in partials.items()},
    }


def execution(work: Work, input: Mapping[str, Any]) -> dict[str, Any]:
    """What ``$$`` selects from: the attempt, in the words of a step function's context."""
    return {
        "Execution": {"Id": work.token, "Name": work.attempt, "Input": dict(input)},
        "State": {"Name": work.arc},
        "StateMachine": {"Id": work.arc, "Name": work.arc},
        "Task": {"Token": work.token},
    }


def is_selector(argument: str) -> bool:
    """Whether *argument* of a command stands for something of the context: ``$``, ``$.…`` or ``$$.…``."""
    return argument == "$" or argument.startswith(("$.", "$$."))


def check_command(_: object, __: object, command: Sequence[str]) -> None:
    """Refuse a command that cannot be substituted: a validator.

    Raises:
        InvalidValueError: an argument begins as a selector does, and is none.
    """
    for argument in command:
        if is_selector(argument) and not _SELECTOR.fullmatch(argument):
            msg = f"{argument!r} selects nothing: use names with dots, such as '$.arcNotifyEvent.lot'"
            raise InvalidValueError(msg)


def arguments(command: Sequence[str], work: Work, partials: Mapping[str, Sequence[str]]) -> list[str]:
    """*command* as it is run for an attempt; *partials* are the manifests of earlier attempts, as of `context`.

    Raises:
        WorkloadError: it selects what is not there.
    """
    selected = context(work, partials)
    try:
        return substitute(command, selected, execution(work, selected))
    except InvalidValueError as error:
        raise WorkloadError(error.problem, hint=error.hint) from error


def substitute(command: Sequence[str], context: Mapping[str, Any], execution: Mapping[str, Any]) -> list[str]:
    """*command* with each selector replaced by what it selects; whole arguments only.

    Raises:
        InvalidValueError: a selector leads to nothing, or to something else than a text.
    """
    return [
        _select(argument, execution if argument.startswith("$$") else context) if is_selector(argument) else argument
        for argument in command
    ]


def _select(selector: str, root: Mapping[str, Any]) -> str:
    if selector == "$":
        return _compact(root)
    value: Any = root
    for name in selector.split(".")[1:]:
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, str):
        found = "nothing" if value is None else "no text"
        msg = f"the command's {selector!r} selects {found}"
        raise InvalidValueError(msg, hint="'$' alone gives the whole context as JSON")
    return value


def _located(dataset: LocatedDataset) -> dict[str, str]:
    return {"name": dataset.name, "version": dataset.version, "pathURI": dataset.path_uri}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
