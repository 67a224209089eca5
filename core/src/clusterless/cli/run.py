"""``cls run``: run what project files declare, here."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from clusterless.cli.run_report import reporter
from clusterless.cli.words import some
from clusterless.errors import ClsError, StoreUnavailableError
from clusterless.plugins import find_plugins
from clusterless.runtime.root import output_folder

_NAMED = 5  # lots in an error

_EXAMPLE = """
\b
Examples:
  cls run project.json
  cls run a.json b.json --until-idle
  cls run a.json --log-format json
  cls run a.json --workloads docker
  cls run a.json --logs
"""


class RestError(ClsError):
    """The run is over, and some lots rest without a result."""

    code = "lots-unworked"

    def __init__(self, unworked: Sequence[str]) -> None:
        named = ", ".join(unworked[:_NAMED])
        more = f" and {len(unworked) - _NAMED} more" if len(unworked) > _NAMED else ""
        arcs = {arc for arc, _, lot in (each.partition(" ") for each in unworked) if lot}
        arc = arcs.pop() if len(arcs) == 1 else "ARC"
        hint = (
            "mend what is told above, and run again; lots whose attempts are used up are worked again by "
            f"'cls replay {arc} --which failed --which partial --yes', a single one by 'cls exec {arc} LOT'"
        )
        super().__init__(f"{len(unworked)} left without a result: {named}{more}", hint=hint)


class AbsentError(StoreUnavailableError):
    """The run is over, and some projects were not run, since their placement did not answer."""

    code = "projects-absent"

    def __init__(self, absent: Sequence[str]) -> None:
        hint = "run them again when their placements answer; what each did not answer is told above"
        super().__init__(f"{some(len(absent), 'project')} not run, and not known of: {', '.join(absent)}", hint=hint)


in_containers = click.option(
    "--workloads",
    metavar="ENGINE",
    default="",
    help="Work arcs of a container kind here, in containers of this engine, such as docker.",
)


@click.command(epilog=_EXAMPLE)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--until-idle",
    is_flag=True,
    help="End when all that arrived is in a sealed lot and every lot is at rest; one that waits for a deadline "
    "more than a minute off is named, and left to a later run.",
)
@click.option("--seal-open", is_flag=True, help="Seal arrival-time lots before they end, so as not to wait for them.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="processors",
    help="How many lots to work at once, in each placement.",
)
@in_containers
@click.option("--logs", is_flag=True, help="Tell each line that lots print, as it comes, with its arc and lot.")
@click.option(
    "--log-format",
    type=click.Choice(["auto", "text", "json"]),
    default="auto",
    show_default=True,
    help="A live view on a terminal, a line an event, or a JSON object an event.",
)
def run(
    files: tuple[str, ...],
    until_idle: bool,
    seal_open: bool,
    concurrency: int,
    workloads: str,
    logs: bool,
    log_format: str,
) -> None:
    """Run projects here: book what arrives, work every lot, announce the results.

    Any number of these may run on the same projects, on any number of
    machines with the same stores: they share the work. Stopped at any moment
    and started again, they go on where they were.
    """
    from clusterless.deploy.read import read_projects
    from clusterless.deploy.resolve import resolve_reached
    from clusterless.runner.beginning import begun
    from clusterless.runner.running import Options
    from clusterless.runner.running import run as run_sites

    plugins = find_plugins()
    declared = read_projects(
        [Path(file) for file in files], plugins.components(), plugins.project_formats(), plugins.absence
    )
    found = begun(partial(resolve_reached, declared, plugins), threading.Event())  # Ctrl-C ends it: nothing is held yet
    assert found is not None
    sites, awaited = found
    scratch = output_folder(sites[0].base)
    options = Options(
        scratch=scratch,
        concurrency=concurrency,
        until_idle=until_idle,
        seal_open=seal_open,
        workloads=workloads,
        logs=logs,
    )
    stop, signals = stopped_by_signals()
    with reporter(sites, log_format) as report:
        ended = run_sites(sites, plugins, options, report.tell, stop, awaited)
    report.summarise(ended)
    unworked = sorted({*report.tally.unworked, *ended.set_aside})
    if unworked and (ended.idle or not until_idle):
        raise RestError(unworked)
    if ended.absent:
        raise AbsentError(ended.absent)
    if until_idle and not ended.idle:
        sys.exit(128 + signals[0])  # as the shell says it: whoever waits for the end must not take this for it


def stopped_by_signals() -> tuple[threading.Event, list[int]]:
    """Set by SIGTERM and Ctrl-C, which are noted: what is held is then finished or released."""
    stop = threading.Event()
    received: list[int] = []

    def note(number: int, _: object) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return stop, received
