"""``cls replay``: work lots again, and replace what they came to."""

from __future__ import annotations

import click
from attrs import evolve

from clusterless.cli.app import Session, reports
from clusterless.cli.planning import Doing, Wanted, plan_and_work, planned
from clusterless.cli.ranges import is_given
from clusterless.cli.scope import Scope
from clusterless.engine.plan import Kind

_EPILOG = """
\b
Examples:
  cls replay copy 20240131PT5M287
  cls replay copy --earliest -1d --yes
  cls replay copy --which stale
  cls replay --resume ID --yes

Exits with 0 where all is done, or only shown, with 1 where some lots came to nothing, or were left to whoever is
working them, with 130 when interrupted.
"""


@click.command(epilog=_EPILOG)
@click.option("--downstream", is_flag=True, help="Work what comes of them too, where its bytes have changed.")
@planned("complete failed partial")
@reports
@click.pass_context
def replay(ctx: click.Context, wanted: Wanted, doing: Doing, scope: Scope, downstream: bool) -> None:
    """Work lots of ARC again, such as after it was mended; what they came to is replaced by a new revision.

    Until then it stays readable. Say which: LOT, --earliest and --latest, or --which. A lot is stale where a source
    has a newer revision, or the arc was declared otherwise when it was worked; code is not looked at. With
    --downstream, arcs follow in the order of the graph: lots whose sources came to the same bytes are not worked,
    for which all objects are read. A plan is made, kept and shown; --yes works it, beside whatever runs.
    """
    if not (wanted.is_bounded or doing.resume or is_given(ctx, "which")):
        msg = "say which lots: LOT, --earliest and --latest, or --which"
        raise click.UsageError(msg)
    asked = evolve(wanted.asked, kind=Kind.REPLAY, cascade=downstream)
    session: Session = ctx.obj
    plan_and_work(evolve(wanted, asked=asked), doing, scope, session.output)
