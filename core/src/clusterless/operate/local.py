"""A lot's work as a script, to be run by hand."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from clusterless.engine.lot_states import attempt_id
from clusterless.engine.parts import lot_of
from clusterless.engine.sources import can_be_ready
from clusterless.errors import ClsError, WorkloadError
from clusterless.model.ledger import Claim
from clusterless.model.lot import Lot
from clusterless.operate.bench import open_views, workbench
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.provider import Script, Scripted
from clusterless.runtime.arc import RunningArc, pins
from clusterless.runtime.attempt import work_of


class UnscriptedError(ClsError):
    """Nothing of an arc's work can be run by hand."""

    code = "not-scripted"
    exit_code = 2


class SourcesMissingError(ClsError):
    """A lot cannot be worked before its sources are there."""

    code = "sources-missing"


def script_of(landscape: Landscape, view: ArcView, lot: Lot, scratch: Path, workloads: str = "") -> str:
    """What works *lot* by hand, for bash; nothing is claimed, and nothing that it comes to is ever committed.

    *workloads* names the container engine that works arcs of a container kind; none: each as its own component does.

    Raises:
        NotInstalledError: no plugin offers that engine.
        UnscriptedError: the arc's component has no code of anybody's to run.
        SourcesMissingError: there is nothing to work.
        WorkloadError: the command selects what is not there.
    """
    with ExitStack() as stack:
        bench = stack.enter_context(workbench(landscape, scratch, lambda: False, workloads))
        (arc,) = open_views(landscape, [view], bench, stack)
        if not isinstance(arc.workload, Scripted):
            msg = (
                f"{view.name} is of the type {view.reader.element.type}, which runs no command and no function of yours"
            )
            raise UnscriptedError(msg, hint=f"this works the lot: cls exec {view.arc.name} {lot}")
        own = lot_of(view.arc, lot)
        return written(view.name, own, _script(arc, arc.workload, own))


def _script(arc: RunningArc, workload: Scripted, lot: Lot) -> Script:
    found = arc.find_sources(lot)
    if not can_be_ready(arc.arc, found):
        msg = f"the sources of {arc.element} {lot} are not there"
        raise SourcesMissingError(msg, hint="cls gaps --why says what they wait for")
    now = arc.now()
    claim = Claim(
        put_id="",
        at=now,
        by=arc.writer.by,
        attempt=attempt_id(0, 0, arc.writer.new_id()),
        revision=0,
        sources=pins(arc, found),
        expires=now + timedelta(seconds=arc.arc.lease_sec),
    )
    try:
        return workload.script(work_of(arc, lot, claim, found))
    except WorkloadError as error:
        msg = f"{arc.element} {lot}: {error.problem}"
        raise WorkloadError(msg, hint=error.hint) from error


def written(name: str, lot: Lot, script: Script) -> str:
    """The text of a script; every value is quoted as bash needs it."""
    head = (
        f"{name}, lot {lot}",
        "The CLS_ variables are what the workload is given. It reads the lot's sources, and writes",
        "where the arc writes; its manifests are staged, and never committed: 'cls exec' does that.",
    )
    variables = {**script.variables, "CLS_LOCAL": "true"}
    lines: Sequence[str] = [
        "#!/bin/bash",
        *map(_comment, head),
        f"cd {shlex.quote(str(script.folder))} || exit",
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        *map(_comment, script.notes),
        *(f"{shlex.join(command)} >&2 || exit" for command in script.before),  # what is printed is the work's alone
        shlex.join(script.command),
    ]
    return "\n".join([*lines, ""])


def _comment(text: str) -> str:
    """On one line, whatever *text* holds."""
    return "# " + "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
