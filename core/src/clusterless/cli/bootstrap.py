"""``cls bootstrap``: makes what a placement needs beforehand, or removes it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from clusterless.bootstrap import Action, Plan
from clusterless.cli.app import Session
from clusterless.cli.asking import confirmed
from clusterless.deploy.bootstrap import Ground, survey_ground
from clusterless.model.placement import Placement
from clusterless.plugins import find_plugins

_EXAMPLES = """
\b
Examples:
  cls bootstrap --dry-run
  cls bootstrap --stage dev --approve
  cls bootstrap --stage dev --destroy
"""


@click.command(epilog=_EXAMPLES)
@click.option("--provider", default="local", show_default=True, help="The placement's provider.")
@click.option("--stage", help="The placement's stage.")
@click.option("--account", help="The placement's account.")
@click.option("--region", help="The placement's region.")
@click.option("--destroy", is_flag=True, help="Remove what was made; what holds data stays.")
@click.option(
    "--with-data", is_flag=True, help="With --destroy: remove the data too, as resource.removeAllOnDestroy says."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--approve", "--yes", is_flag=True, help="Do it without asking.")
@click.pass_obj
def bootstrap(session: Session, /, destroy: bool, with_data: bool, dry_run: bool, approve: bool, **place: str) -> None:
    """Make what a placement needs beforehand, or with --destroy remove it.

    What would be done is shown first, and asked about on a terminal; without one, --approve is needed.
    Exits with 1 when the answer is no.
    """
    if with_data and not destroy:
        msg = "--with-data goes with --destroy"
        raise click.UsageError(msg)
    with_data = with_data or (destroy and session.config.resource.remove_all_on_destroy)
    ground = survey_ground(Placement(**place), Path.cwd(), find_plugins())
    plan = ground.to_remove(with_data) if destroy else ground.to_make()
    _show(ground, plan, destroy, with_data)
    if _is_done(ground, plan, destroy) or dry_run:
        return
    if not (approve or _agreed(destroy)):
        click.echo("nothing was done")
        click.get_current_context().exit(1)
    if destroy:
        ground.remove(plan)
    else:
        ground.make(plan)
    click.echo(f"{ground.placement.id} {_ended(plan) if destroy else 'is bootstrapped'}")


def _show(ground: Ground, plan: Plan, destroy: bool, with_data: bool) -> None:
    if _is_done(ground, plan, destroy):
        click.echo(f"{ground.placement.id} is {'not bootstrapped' if destroy else 'bootstrapped already'}")
    for step in plan.steps:
        click.echo(f"  {step.action.value:6}  {step.what}{f'  ({step.note})' if step.note else ''}")
    if not (plan.changes or destroy or _is_done(ground, plan, destroy)):
        click.echo("  all of it is there; only that it is bootstrapped is still to be noted")
    if destroy and ground.projects:
        fate = "are lost with it" if with_data else "are still known there"
        click.echo(f"  projects that {fate}: {', '.join(ground.projects)}")


def _ended(plan: Plan) -> str:
    kept = any(step.action is Action.KEEP for step in plan.steps)
    return "is no longer bootstrapped; its data is kept" if kept else "is removed"


def _is_done(ground: Ground, plan: Plan, destroy: bool) -> bool:
    # Kept data alone is no placement, and folders without metadata.json are none yet.
    return not plan.changes and (ground.recorded is None) == destroy


def _agreed(destroy: bool) -> bool:
    if not sys.stdin.isatty():
        msg = "there is no terminal to ask on: give --approve, or --dry-run to see what would be done"
        raise click.UsageError(msg)
    return confirmed("Remove this?" if destroy else "Make this?")
