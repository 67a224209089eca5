"""Turning elements of a project off and on again, whoever else does the same meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import field, frozen

from clusterless.engine.switches import Switches
from clusterless.errors import ClsError, cut, did_you_mean
from clusterless.model.element import Resource
from clusterless.model.project import Deployable, Project
from clusterless.model.switch import Stretch, Switched
from clusterless.operate.landscape import NARROWER, Landscape
from clusterless.runtime.switches import read_switches, turn
from clusterless.store.api import ObjectStore

_NAMED = 10  # in a hint
_SHOWN = 60  # characters of what was typed


class SwitchUnknownError(ClsError):
    """No project or element that could be turned off or on has that name, or several have."""

    code = "switch-unknown"
    exit_code = 2


class SwitchedMeanwhileError(ClsError):
    """Somebody else turned the same thing on or off meanwhile; what was asked for is not recorded."""

    code = "switched-meanwhile"


@frozen(kw_only=True, eq=False)
class Target:
    """What is turned off or on: an *element* of a project, or `WHOLE`; *state* keeps its ledger of switches."""

    landscape: Landscape = field(repr=False)
    deployable: Deployable
    element: str
    state: ObjectStore = field(repr=False)

    @property
    def project(self) -> Project:
        return self.deployable.project

    @property
    def name(self) -> str:
        """As people say it."""
        return f"{self.project.name}/{self.element}" if self.element else self.project.name

    @property
    def spelled(self) -> str:
        """The project as it must be typed: with its version, where several are in view."""
        alike = {project for _, project in self.landscape.own if project.name == self.project.name}
        return self.project.versioned if len(alike) > 1 else self.project.name

    @property
    def typed(self) -> str:
        return f"{self.spelled}/{self.element}" if self.element else self.spelled

    def read(self) -> Switches:
        return read_switches(self.state, self.project)

    def affected(self, switches: Switches) -> list[str]:
        """The elements that are turned on with it: not those that stay off by their own switch."""
        names = [each.name for each in self.deployable.elements if not isinstance(each, Resource) and not each.exclude]
        if self.element:
            return [self.element]
        return [name for name in dict.fromkeys(names) if not switches.turned_off(name)]


def find_target(landscape: Landscape, text: str) -> Target:
    """The project, or the element of one, that ``PROJECT[:VERSION][/ELEMENT]`` names.

    Raises:
        SwitchUnknownError: there is none of that name, or there are several.
    """
    spelled, _, element = text.partition("/")
    found = [each for each in landscape.surveyed.placed if spelled in each.part.project.spellings]
    if not found:
        raise _unknown_project(landscape, spelled)
    own = [each for each in found if (each.part.deployable.placement, each.part.project) in landscape.own]
    found = own or found
    if len(found) > 1:
        which = [each.part.deployable for each in found]
        where = ", ".join(f"{each.project.versioned} in {each.placement.title}" for each in which)
        msg = f"there are several projects {cut(spelled, _SHOWN)!r}: {where}"
        raise SwitchUnknownError(msg, hint=f"add the version, such as 'shop:2/copy', or {NARROWER}")
    placed = found[0]
    deployable = placed.part.deployable
    if element or "/" in text:
        _check_element(deployable, element)
    state = landscape.plugins.open_store(placed.roots[deployable.placement].arc_state)
    return Target(landscape=landscape, deployable=deployable, element=element, state=state)


def _unknown_project(landscape: Landscape, name: str) -> SwitchUnknownError:
    deployables = [each.part.deployable for each in landscape.surveyed.placed]
    error = _unknown("project", name, list(dict.fromkeys(each.project.name for each in deployables)))
    owners = [each.project.name for each in deployables if name in {element.name for element in each.elements}]
    return SwitchUnknownError(error.problem, hint=f"did you mean {owners[0]}/{name}?") if owners else error


def _check_element(deployable: Deployable, name: str) -> None:
    kinds = {each.name: each for each in deployable.elements}
    if name in kinds and isinstance(kinds[name], Resource):
        msg = f"{deployable.project.name}/{name} is a resource: there is nothing about it that runs"
        raise SwitchUnknownError(msg, hint="turn off what uses it")
    if name not in kinds:
        known = [each for each, element in kinds.items() if not isinstance(element, Resource)]
        raise _unknown(f"element of {deployable.project.name}", name, known)


def _unknown(what: str, name: str, known: Sequence[str]) -> SwitchUnknownError:
    some = f"there are: {', '.join(sorted(known)[:_NAMED])}" if known else "-p FILE takes those of a project file"
    msg = f"there is no {what} {cut(name, _SHOWN)!r} here"
    return SwitchUnknownError(msg, hint=did_you_mean(name, known, some))


# ---- turning ---------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Hand:
    """Who turns, and why: *new_id* makes up put ids."""

    by: str
    reason: str
    new_id: Callable[[], str]


def turn_off(target: Target, hand: Hand) -> Switched | None:
    """Have nothing begun any more, as soon as all have looked; where it was off already, the entry by which it is."""
    while True:
        known = target.read()
        if off := known.turned_off(target.element):
            return off
        if turn(target.state, target.project, known, _entry(target, hand, on=False)):
            return None


def turn_on(target: Target, hand: Hand, off: Switched, skipped: Stretch | None) -> None:
    """Have it work again, but for what is *skipped*; *off* is the entry by which it was seen to be off.

    Raises:
        SwitchedMeanwhileError: somebody else has turned it on since.
    """
    while True:
        known = target.read()
        if known.turned_off(target.element) != off:
            last = [entry for entry in known.entries if entry.element == target.element][-1]
            done = "enabled" if last.on else "enabled, and disabled again,"
            msg = f"{target.name} was {done} by {last.by} meanwhile: what you chose is not recorded"
            raise SwitchedMeanwhileError(msg, hint=f"see what it leaves out: cls explain, cls gaps {target.name}")
        if turn(target.state, target.project, known, _entry(target, hand, on=True, skipped=skipped)):
            return


def _entry(target: Target, hand: Hand, *, on: bool, skipped: Stretch | None = None) -> Switched:
    return Switched(
        put_id=hand.new_id(),
        at=target.state.now(),
        by=hand.by,
        element=target.element,
        on=on,
        reason=hand.reason,
        skipped=skipped,
    )
