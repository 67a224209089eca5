"""``cls plans``: plans of work on lots, and how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import click
from attrs import frozen

from clusterless.cli.app import Session, reports
from clusterless.cli.choosing import state_stores
from clusterless.cli.planning import progress_report
from clusterless.cli.render import Report, Value, show
from clusterless.cli.scope import Scope, refuse_unknown, scoped
from clusterless.cli.words import say, some
from clusterless.engine.plan import AGAIN, Came, WorkPlan
from clusterless.operate.plans.making import Kept, find_plan, plans_in, read_plan
from clusterless.operate.plans.progress import Count, counts_of, is_working, read_hint, read_progress
from clusterless.plugins import find_plugins

_COLUMNS = (
    *("plan", "kind", "project.name", "project.version", "arcs", "first", "last"),
    *("made", "state", "lots", *(came.value for came in Came), "by"),
)
_KEPT = ("plan", "arcs", "state", "lots")
_READERS = 8
_PLANNED, _STOPPED, _UNFINISHED, _DONE = "planned", "stopped", "unfinished", "done"
_RECENT = timedelta(days=7)  # of what was only shown, and never begun

_EPILOG = """
\b
Examples:
  cls plans
  cls plans -p project.json --all
  cls plans 20240131-120000-1a2b
"""


@click.command(epilog=_EPILOG)
@click.argument("plan_id", required=False, metavar="[ID]")
@click.option("--all", "everything", is_flag=True, help="Those too that were only shown, longer than a week ago.")
@scoped
@reports
@click.pass_obj
def plans(session: Session, scope: Scope, plan_id: str | None, everything: bool) -> None:
    """List the plans of 'cls backfill' and 'cls replay', or say how far that of ID is, arc by arc.

    A plan is planned as long as it was only shown, then working, or stopped, and done in the end; a lot that others
    have worked meanwhile is done, too. It is unfinished where lots failed, or were left to others, and no lot is ahead.
    One that is not done is worked by --resume ID of the command that made it.
    """
    stores = state_stores(scope.landscape(find_plugins()))
    if plan_id:
        kept = find_plan(stores, plan_id)
        counts: dict[int, dict[Came, int]] = {}
        for each in _counts(kept):
            counts.setdefault(each.stage, {})[each.came] = each.lots
        show(progress_report(kept.plan, counts, session.output), session.output)
        return
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda each: _seen(read_plan(*each)), plans_in(stores)))
    _refuse_unknown(scope, found)
    found = sorted((each for each in found if _is_asked_for(scope, each.kept.plan)), key=lambda each: each.kept.plan.at)
    listed = [each for each in found if everything or not each.is_forgotten]
    rows = tuple(_row(each) for each in listed)
    nothing = "no plan was ever begun, or made this week" if found else "there are no plans here"
    show(Report(_COLUMNS, rows, kept=_KEPT, nothing=nothing), session.output)
    _offer(listed, len(found) - len(listed))


def _refuse_unknown(scope: Scope, found: Sequence[_Seen]) -> None:
    stages = [stage for each in found for stage in each.kept.plan.stages]
    refuse_unknown("project", scope.projects, [stage.project.spellings for stage in stages])
    refuse_unknown("name", scope.names, [{stage.arc} for stage in stages])


def _is_asked_for(scope: Scope, plan: WorkPlan) -> bool:
    """Whether one of its stages is of the projects, and of the arcs, that options name."""
    return any(
        (not scope.projects or stage.project.spellings & {*scope.projects})
        and (not scope.names or stage.arc in scope.names)
        for stage in plan.stages
    )


def _offer(listed: Sequence[_Seen], left_out: int) -> None:
    """Say how to work the newest of those that nobody is at, and that there are others."""
    if left_out:
        say(f"{some(left_out, 'plan')} of more than a week ago, only shown and never begun: cls plans --all")
    waiting = [each.kept.plan for each in listed if each.state in {_PLANNED, _STOPPED, _UNFINISHED}]
    if waiting:
        newest = max(waiting, key=lambda plan: plan.at)
        say(f"work one that is not done: cls {newest.kind.value} --resume {newest.id} --yes")


@frozen
class _Seen:
    """A plan, the *state* that it is in, and what became of its lots."""

    kept: Kept
    state: str
    counts: tuple[Count, ...] = ()

    @property
    def is_forgotten(self) -> bool:
        return self.state == _PLANNED and self.kept.state.now() - self.kept.plan.at > _RECENT


def _seen(kept: Kept) -> _Seen:
    hint = read_hint(kept)
    if hint is None:
        return _Seen(kept, _PLANNED)
    if is_working(kept, hint):
        return _Seen(kept, "working", hint.counts)
    if _is_done(kept, hint.counts):
        return _Seen(kept, _DONE, hint.counts)
    counts = _counts(kept)  # of several who were at it, the last to end knew only of its own
    if _is_done(kept, counts):
        return _Seen(kept, _DONE, counts)
    is_ended = sum(each.lots for each in counts) >= kept.plan.lots
    return _Seen(kept, _UNFINISHED if is_ended else _STOPPED, counts)


def _is_done(kept: Kept, counts: Iterable[Count]) -> bool:
    return sum(each.lots for each in counts if each.came not in AGAIN) >= kept.plan.lots


def _counts(kept: Kept) -> tuple[Count, ...]:
    """What is said by who is at it, or else what is written down."""
    hint = read_hint(kept)
    return hint.counts if hint and is_working(kept, hint) else tuple(counts_of(read_progress(kept)))


def _row(seen: _Seen) -> tuple[Value, ...]:
    plan, project = seen.kept.plan, seen.kept.keys.project
    came = [sum(each.lots for each in seen.counts if each.came is how) for how in Came]
    what = (plan.id, plan.kind.value, project.name, project.version, *_which(plan))
    return (*what, plan.at, seen.state, plan.lots, *came, plan.by)


def _which(plan: WorkPlan) -> tuple[str, str, str]:
    """The arcs, and the first and the last of their lots: these may be of several units."""
    lots = [each.lots for stage in plan.stages for each in stage.stretches]
    first = min((each.first for each in lots), key=lambda lot: lot.start)
    last = max((each.last for each in lots), key=lambda lot: lot.end)
    return " ".join(dict.fromkeys(stage.arc for stage in plan.stages)), str(first), str(last)
