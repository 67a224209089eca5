"""Which arcs, and which lots, a command is to act on: as they are named on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clusterless.cli.scope import Scope, refuse_unknown
from clusterless.deploy.check import findings
from clusterless.deploy.resolve import refuse_errors
from clusterless.engine.findings import Severity
from clusterless.errors import ClsError, InvalidValueError, did_you_mean
from clusterless.model.lot import Lot
from clusterless.operate.landscape import NARROWER, ArcView, Landscape
from clusterless.plugins import Plugins
from clusterless.store.api import ObjectStore


class ArcUnknownError(ClsError):
    """No arc has that name, or several have."""

    code = "arc-unknown"
    exit_code = 2


def split_lots(arguments: Sequence[str]) -> tuple[tuple[str, ...], tuple[Lot, ...]]:
    """The names and the lots among *arguments*."""
    names: list[str] = []
    lots: list[Lot] = []
    for each in arguments:
        try:
            lots.append(Lot.parse(each))
        except InvalidValueError:
            if each[:8].isdigit():
                raise  # no arc is called so
            names.append(each)
    return tuple(names), tuple(lots)


def runnable(scope: Scope, plugins: Plugins) -> Landscape:
    """All that *scope* is about, where nothing is wrong with the files that it names.

    Raises:
        MalformedError: something is.
    """
    landscape = scope.landscape(plugins)
    files = set(map(str, scope.files))
    found = [each for each in findings(landscape.surveyed) if each.severity is Severity.ERROR]
    refuse_errors([each for each in found if each.file in files])
    return landscape


def chosen_arcs(landscape: Landscape, scope: Scope, names: Sequence[str]) -> list[ArcView]:
    """Those that are named, as ``arc`` or ``project/arc``, or all that *scope* is about.

    Raises:
        ArcUnknownError: there is none of a name.
    """
    known = _in_scope(landscape, scope)
    if not names:
        return known
    return [arc for name in dict.fromkeys(names) for arc in _named(known, name)]


def one_arc(landscape: Landscape, scope: Scope, name: str) -> ArcView:
    """The arc of that name.

    Raises:
        ArcUnknownError: there is none, or there are several.
    """
    found = _named(_in_scope(landscape, scope), name)
    if len(found) > 1:
        where = ", ".join(f"{arc.project.versioned} in {arc.placement.title}" for arc in found)
        msg = f"there are several arcs {name!r}: of {where}"
        raise ArcUnknownError(msg, hint=f"add --project NAME:VERSION, or {NARROWER}")
    return found[0]


def _named(known: Sequence[ArcView], name: str) -> list[ArcView]:
    found = [arc for arc in known if name in {arc.name, arc.arc.name}]
    if not found:
        names = sorted({arc.arc.name for arc in known})
        hint = did_you_mean(name, names, f"there are: {', '.join(names[:10])}" if names else "")
        msg = f"there is no arc {name[:60]!r} " + ("here" if known else "here, nor any other")
        raise ArcUnknownError(msg, hint=hint or "-p FILE takes those of a project file")
    return found


def _in_scope(landscape: Landscape, scope: Scope) -> list[ArcView]:
    """Not what is upstream of it, in other projects.

    Raises:
        InvalidValueError: there is nothing of a project or name that is asked for.
    """
    known = [arc for arc in landscape.arcs if (arc.placement, arc.project) in landscape.own]
    refuse_unknown("project", scope.projects, [arc.project.spellings for arc in known])
    refuse_unknown("name", scope.names, [{arc.arc.name} for arc in known])
    kept = [arc for arc in known if not scope.projects or arc.project.spellings & {*scope.projects}]
    return [arc for arc in kept if not scope.names or arc.arc.name in scope.names]


def state_stores(landscape: Landscape) -> list[ObjectStore]:
    """Where arcs keep their state, each once."""
    return list({arc.state.root: arc.state for arc in landscape.arcs}.values())


def base_folder(scope: Scope) -> Path:
    """The folder that what is printed is kept in or above."""
    named = [file for file in scope.files if str(file) != "-"]
    return named[0].absolute().parent if named else Path.cwd()
