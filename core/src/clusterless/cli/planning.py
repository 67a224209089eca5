"""Plans of work on lots, as `cls backfill` and `cls replay` make, show and work them."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click
from attrs import evolve, frozen

from clusterless.cli.asking import agreed
from clusterless.cli.choosing import base_folder, chosen_arcs, runnable, split_lots, state_stores
from clusterless.cli.progress import progress
from clusterless.cli.ranges import Window
from clusterless.cli.render import Report, Value, show
from clusterless.cli.run import in_containers, stopped_by_signals
from clusterless.cli.scope import Scope, scoped
from clusterless.cli.words import say, some
from clusterless.engine.moments import parse_moment
from clusterless.engine.plan import Came, Kind, Stage, Which, Why, WorkPlan, counted, estimate
from clusterless.errors import ClsError
from clusterless.operate.landscape import Landscape
from clusterless.operate.plans.making import Asked, Kept, Planner, check_current, find_plan, keep
from clusterless.operate.plans.progress import is_finished, read_progress
from clusterless.operate.plans.working import How, work_plan
from clusterless.plugins import find_plugins
from clusterless.runner.happenings import Happening, Trouble, Worked
from clusterless.runtime.clock import SystemClock, identity, random_id
from clusterless.runtime.root import output_folder

_IDENTITY = ("plan", "project.name", "project.version", "arc")
_PLANNED = (*_IDENTITY, "lots", *(why.value for why in Why), "first", "last", "objects", "bytes", "seconds")
_ENDED = (*_IDENTITY, "lots", *(came.value for came in Came), "ahead")
_PLACE = ("placement.provider", "placement.stage", "placement.account", "placement.region")
_KEPT = ("plan", "arc", "lots", "done", "ahead")


class LeftError(ClsError):
    """Lots that were asked for are left as they are: they are being worked, or an arc is reading what they came to."""

    code = "lots-left"


class UnworkedError(ClsError):
    """A plan was worked, and some of its lots came to nothing."""

    code = "plan-unworked"


@frozen(kw_only=True)
class Doing:
    """How a plan is to be worked, as far as the command line says."""

    yes: bool
    concurrency: int
    rate: float | None
    workloads: str
    publish: bool
    resume: str | None
    anyway: bool


@frozen(kw_only=True)
class Wanted:
    """What a plan is to hold, as the command line says: arcs and lots by name, or those between two moments."""

    names: tuple[str, ...]
    asked: Asked
    is_bounded: bool  # by lots, or by moments


def planned(which: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds the options of a plan; the command is called with *wanted*, *doing* and *scope*; *which* is the default."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(arguments: tuple[str, ...], **given: Any) -> None:
            doing = Doing(**{name: given.pop(name) for name in Doing.__annotations__})
            names, lots = split_lots(arguments)
            earliest, latest = given.pop("earliest"), given.pop("latest")
            window = _window(earliest, latest) if earliest or latest else None
            if window and lots:
                msg = "name lots, or give --earliest and --latest, not both"
                raise click.UsageError(msg)
            asked = Asked(
                kind=Kind.BACKFILL,
                which=[Which(each) for each in given.pop("which") or which.split()],
                lots=lots,
                within=window.of if window else None,
                newest_first=given.pop("order") == "newest",
            )
            command(wanted=Wanted(names=names, asked=asked, is_bounded=bool(lots or window)), doing=doing, **given)

        return functools.reduce(lambda wrapped, option: option(wrapped), reversed(_options(which)), scoped(called))

    return decorate


def bounded(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--earliest`` and ``--latest``; the command is called with a *window*, None where neither is given."""

    @functools.wraps(command)
    def called(earliest: str | None, latest: str | None, **others: Any) -> None:
        command(window=_window(earliest, latest) if earliest or latest else None, **others)

    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(_BOUNDS), called)


def _window(earliest: str | None, latest: str | None) -> Window:
    now = SystemClock().now()
    begin = parse_moment(earliest, now) if earliest else now.replace(year=1970, month=1, day=1)
    return Window(begin, parse_moment(latest, now) if latest else None, now)


_LISTED = ", ".join(each.value for each in Which)
_BOUNDS: tuple[Callable[[Any], Any], ...] = (
    click.option("--earliest", metavar="MOMENT", help="From the lot of MOMENT on."),
    click.option("--latest", metavar="MOMENT", help="Up to the lot before MOMENT."),
)


def _options(which: str) -> tuple[Callable[[Any], Any], ...]:
    return (
        click.argument("arguments", nargs=-1, metavar="[ARC|LOT]..."),
        *_BOUNDS,
        click.option(
            "--which",
            multiple=True,
            type=click.Choice([each.value for each in Which]),
            metavar="STATE",
            help=f"Those that are {_LISTED}; may be given several times.  [default: {', '.join(which.split())}]",
        ),
        click.option(
            "--order", type=click.Choice(["newest", "oldest"]), default="newest", help="Which lots are first."
        ),
        click.option("--yes", is_flag=True, help="Work the plan; without, it is only shown."),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 256),
            default=os.cpu_count() or 1,
            show_default="processors",
            help="How many lots to work at once.",
        ),
        click.option("--rate", type=click.FloatRange(0, min_open=True), help="Begin at most so many lots a minute."),
        in_containers,
        click.option(
            "--publish", is_flag=True, help="Have them worked where the arc runs: announce its sources again."
        ),
        click.option("--resume", metavar="ID", help="Go on with the plan of that id; 'cls plans' lists them."),
        click.option("--anyway", is_flag=True, help="Go on though an arc's declaration has changed since."),
    )


# ---- the command -----------------------------------------------------------------------------------------------


def plan_and_work(wanted: Wanted, doing: Doing, scope: Scope, output: str) -> None:
    """Make the plan, or find the one to go on with; show it; work it where that is agreed to.

    Raises:
        UnworkedError: it was worked, and not all came to something.
        LeftError: there was nothing else to do, or all else is done, and lots were left to whoever is working them.
    """
    landscape = runnable(scope, find_plugins())
    if doing.resume:
        _go_on(landscape, find_plan(state_stores(landscape), doing.resume), doing, scope, output)
        return
    planner = Planner(landscape, wanted.asked, SystemClock().now())
    kept = _made(planner, wanted, scope)
    if kept is None:
        show(Report(_PLANNED, (), nothing="there is nothing to do"), output)
        if wanted.asked.kind is Kind.BACKFILL:  # what has no sources cannot be worked, and may be missing all the same
            say("what is missing nevertheless, and why: cls gaps --why")
    elif not _offer(landscape, kept, doing, scope, output):
        return
    _refuse_left(planner)


def _go_on(landscape: Landscape, kept: Kept, doing: Doing, scope: Scope, output: str) -> None:
    done = read_progress(kept)
    if is_finished(kept.plan, done):
        show(progress_report(kept.plan, counted(done), output), output)
        say(f"plan {kept.plan.id} is finished: nothing is left of it")
        return
    check_current(landscape, kept.plan, anyway=doing.anyway)
    _offer(landscape, kept, doing, scope, output)


def _offer(landscape: Landscape, kept: Kept, doing: Doing, scope: Scope, output: str) -> bool:
    """Show the plan, and work it where that is agreed to; whether it was."""
    if not doing.yes or output == "table":
        show(_plan_report(kept.plan, doing, output), output)
    verb = kept.plan.kind.value
    otherwise = f"nothing was done; this works it: cls {verb} --resume {kept.plan.id} --yes"
    if not agreed(f"{verb} {some(kept.plan.lots, 'lot')}?", yes=doing.yes, otherwise=otherwise):
        return False
    _work(landscape, kept, doing, scope, output)
    return True


def _made(planner: Planner, wanted: Wanted, scope: Scope) -> Kept | None:
    now = planner.now
    arcs = chosen_arcs(planner.landscape, scope, wanted.names)
    stages = []
    with progress("looking at lots") as step:
        for number, stage in enumerate(planner.stages(arcs), start=1):
            stages.append(stage)
            step(number / (number + 1))
    for name, count in planner.running.items():
        say(f"{name}: {some(count, 'lot')} left alone, being worked")
    for name in planner.off:
        say(f"{name}: left out with what is made of it, since it is switched off; to work it all the same, name it")
    if not stages:
        return None
    plan = WorkPlan(
        id=f"{now:%Y%m%d-%H%M%S}-{random_id()[:4]}",
        kind=wanted.asked.kind,
        at=now,
        by=identity(),
        newest_first=wanted.asked.newest_first,
        cascade=wanted.asked.cascade,
        stages=tuple(stages),
    )
    return keep(planner.landscape, plan)


def _refuse_left(planner: Planner) -> None:
    if left := planner.left:
        msg = f"{some(left, 'lot')} left alone: being worked just now"
        raise LeftError(msg, hint="run this again when they are done")


def _work(landscape: Landscape, kept: Kept, doing: Doing, scope: Scope, output: str) -> None:
    scratch = output_folder(base_folder(scope))
    how = How(
        scratch=scratch,
        concurrency=doing.concurrency,
        rate=doing.rate,
        workloads=doing.workloads,
        publish=doing.publish,
    )
    stop, signals = stopped_by_signals()
    with progress(f"{kept.plan.kind.value} {kept.plan.id}") as step:
        ended = work_plan(landscape, kept, how, _tell, stop, step)
    counts = ended.counts()
    show(progress_report(kept.plan, counts, output), output)
    if signals and any(_ahead(stage, counts.get(index, {})) for index, stage in enumerate(kept.plan.stages)):
        say(f"stopped; this goes on: cls {kept.plan.kind.value} --resume {kept.plan.id} --yes")
        sys.exit(128 + signals[0])
    failed, left = (sum(of.get(came, 0) for of in counts.values()) for came in (Came.FAILED, Came.LEFT))
    if failed or left:
        msg = f"plan {kept.plan.id} is not done: {some(failed, 'lot')} failed, and {some(left, 'lot')} left to others"
        first = "mend what is told above" if failed else "let others come to an end with these"
        raise UnworkedError(msg, hint=f"{first}, then cls {kept.plan.kind.value} --resume {kept.plan.id} --yes")


# ---- words -----------------------------------------------------------------------------------------------------


def _tell(happening: Happening) -> None:
    """Of what happens only what went wrong is said; the rest is counted."""
    match happening:
        case Worked(error=error, log=log) if error:
            say(f"{happening.element} {happening.lot} {happening.state}: {error}\n  log: {log}")
        case Trouble(error=error, lot=lot):
            say(f"{happening.element} {lot}".rstrip() + f": {error}")


def _plan_report(plan: WorkPlan, doing: Doing, output: str) -> Report:
    rows = (_planned_row(plan, stage, doing) for stage in plan.stages)
    return _placed(Report(_PLANNED, tuple(rows), kept=_KEPT), plan, output)


def _placed(report: Report, plan: WorkPlan, output: str) -> Report:
    """With the placement of each row; in a table only where there are several."""
    places = [stage.placement for stage in plan.stages]
    if output == "table" and len({*places}) == 1:
        return report
    rows = zip(report.rows, places, strict=True)
    told = tuple((*row, each.provider, each.stage, each.account, each.region) for row, each in rows)
    return evolve(report, columns=(*report.columns, *_PLACE), rows=told)


def _planned_row(plan: WorkPlan, stage: Stage, doing: Doing) -> tuple[Value, ...]:
    seconds = estimate(stage.lots, stage.seconds, doing.concurrency, doing.rate)
    return (
        *_identity(plan, stage),
        stage.lots,
        *(stage.reasons.get(why, 0) for why in Why),
        str(stage.stretches[0].lots.first),
        str(stage.stretches[-1].lots.last),
        stage.objects,
        stage.bytes,
        None if seconds is None else round(seconds),
    )


def progress_report(plan: WorkPlan, counts: Mapping[int, Mapping[Came, int]], output: str) -> Report:
    """A row an arc: what became of its lots, and how many are ahead."""
    return _placed(Report(_ENDED, tuple(_ended_rows(plan, counts)), kept=_KEPT), plan, output)


def _ended_rows(plan: WorkPlan, counts: Mapping[int, Mapping[Came, int]]) -> Iterable[tuple[Value, ...]]:
    for index, stage in enumerate(plan.stages):
        of = counts.get(index, {})
        came = [of.get(each, 0) for each in Came]
        yield (*_identity(plan, stage), stage.lots, *came, _ahead(stage, of))


def _ahead(stage: Stage, of: Mapping[Came, int]) -> int:
    """How many of the arc's lots nothing has become of yet."""
    return max(stage.lots - sum(of.values()), 0)


def _identity(plan: WorkPlan, stage: Stage) -> tuple[Value, ...]:
    return plan.id, stage.project.name, stage.project.version, stage.arc
