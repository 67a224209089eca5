"""``cls plans``: plans of work on lots, and how far they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.choosing import state_stores
from clusterless.cli.planning import progress_report
from clusterless.cli.render import Report, Value, show
from clusterless.cli.scope import Scope, scoped
from clusterless.codec import to_json
from clusterless.engine.plan import Came
from clusterless.operate.plans.making import Kept, find_plan, plans_in, read_plan
from clusterless.operate.plans.progress import Count, counts_of, is_working, read_hint, read_progress
from clusterless.plugins import find_plugins

_COLUMNS = ("plan", "kind", "project.name", "project.version", "made", "state", "lots", *(c.value for c in Came), "by")
_KEPT = ("plan", "state", "lots")
_READERS = 8

_EPILOG = """
\b
Examples:
  cls plans
  cls plans -p project.json
  cls plans 20240131-120000-1a2b
"""


@click.command(epilog=_EPILOG)
@click.argument("plan_id", required=False, metavar="[ID]")
@scoped
@reports
@click.pass_obj
def plans(session: Session, scope: Scope, plan_id: str | None) -> None:
    """List the plans of 'cls backfill' and 'cls replay', or say how far that of ID is, arc by arc."""
    stores = state_stores(scope.landscape(find_plugins()))
    if plan_id:
        kept = find_plan(stores, plan_id)
        counts: dict[int, dict[Came, int]] = {}
        for each in _counts(kept):
            counts.setdefault(each.stage, {})[each.came] = each.lots
        show(progress_report(kept.plan, counts, session.output), session.output)
        return
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda each: read_plan(*each), plans_in(stores))
        rows = tuple(pool.map(_row, found))
    show(Report(_COLUMNS, rows, kept=_KEPT, nothing="there are no plans here"), session.output)


def _counts(kept: Kept) -> tuple[Count, ...]:
    """What is said by who is at it, or else what is written down."""
    hint = read_hint(kept)
    return hint.counts if hint and is_working(kept, hint) else tuple(counts_of(read_progress(kept)))


def _row(kept: Kept) -> tuple[Value, ...]:
    hint, plan = read_hint(kept), kept.plan
    counts = hint.counts if hint else ()
    came = [sum(each.lots for each in counts if each.came is how) for how in Came]
    state = "planned"
    if hint:
        again = sum(each.lots for each in counts if each.came in {Came.FAILED, Came.LEFT})
        state = "working" if is_working(kept, hint) else "done" if sum(came) - again == plan.lots else "stopped"
    project = kept.keys.project
    made = str(to_json(plan.at))
    return plan.id, plan.kind.value, project.name, project.version, made, state, plan.lots, *came, plan.by
