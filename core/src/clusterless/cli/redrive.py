"""``cls redrive``: the events that notifiers could not announce, and what was set aside beside queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from textwrap import shorten

import click
from attrs import frozen

from clusterless import codec, layout
from clusterless.cli.app import Session, reports
from clusterless.cli.render import Report, Value, show
from clusterless.cli.scope import refuse_unknown
from clusterless.cli.words import some
from clusterless.deploy.read import read_projects
from clusterless.deploy.resolve import resolve
from clusterless.errors import NotifyError, StoreRefusedError
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset
from clusterless.model.notifier import Notifier
from clusterless.plugins import Plugins, find_plugins
from clusterless.provider import BoundaryComponent, Redrivable, Subscription, Surroundings
from clusterless.runner.hearing import open_queue
from clusterless.runner.notifying import open_notifier
from clusterless.runtime.clock import SystemClock, random_id
from clusterless.runtime.letters import Envelope, LetterBox
from clusterless.runtime.root import output_folder
from clusterless.runtime.site import Audible, Site
from clusterless.store.api import ObjectStore

_COLUMNS = (
    "project.name", "project.version", "notifier", "state", "dataset.name", "dataset.version", "lotId", "revision",
    "attempts", "firstFailure", "due", "lastError",
)  # fmt: skip

_WIDE = 80  # characters of an error in a table

_EXAMPLE = """
\b
Examples:
  cls redrive project.json --list
  cls redrive project.json
  cls redrive a.json --notifier hook
"""


@click.command(epilog=_EXAMPLE)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--project", "projects", multiple=True, metavar="NAME[:VERSION]", help="Of this project only.")
@click.option("--notifier", "names", multiple=True, metavar="NAME", help="Of this notifier only.")
@click.option("--list", "listed", is_flag=True, help="Send nothing: list what waits, and what was given up.")
@reports
@click.pass_obj
def redrive(
    session: Session, files: tuple[Path, ...], projects: tuple[str, ...], names: tuple[str, ...], listed: bool
) -> None:
    """Send the events that notifiers were refused, or gave up to announce.

    What waits to be tried again is left to 'cls run'. What is sent is removed; at
    the first failure the rest of a notifier's events is kept for another time.

    Without --notifier, events that were set aside beside the queue of an arc are
    handed out to it again, and notices beside that of a boundary, where their
    provider sets them aside; so are those in an arc's inboxes, and those beside
    its queues in the placements that it reads from.
    """
    plugins = find_plugins()
    sites = resolve(read_projects(files, plugins.components(), plugins.project_formats()), plugins)
    refuse_unknown("project", projects, [site.deployable.project.spellings for site in sites])
    wanted = [site for site in sites if not projects or site.deployable.project.spellings & {*projects}]
    refuse_unknown("notifier", names, [{name} for site in wanted for name in _known(site, _store(site, plugins))])
    if listed:
        rows = [row for site in wanted for row in _rows(site, _store(site, plugins), names)]
        rows += [row for site in wanted if not names for row in _aside(site, plugins)]
        if session.output == "table":
            rows = [(*row[:-1], shorten(str(row[-1]), _WIDE, placeholder="…")) for row in rows]
        show(Report(_COLUMNS, tuple(rows)), session.output)
        return
    for site in wanted if not names else ():
        _hand_out_again(site, plugins)
    left = sum(_send(site, notifier, plugins) for site in wanted for notifier in _chosen(site, names))
    if left:
        msg = f"{some(left, 'event')} could not be sent: kept for another time"
        raise NotifyError(msg, hint="mend what is told above, and run this again; --list shows what is kept")


def _chosen(site: Site, names: Sequence[str]) -> Iterator[Notifier]:
    for notifier in site.deployable.notifiers:
        if not notifier.exclude and (not names or notifier.name in names):
            yield notifier


def _store(site: Site, plugins: Plugins) -> ObjectStore:
    return plugins.open_store(site.roots.arc_state)


# ---- listing ---------------------------------------------------------------------------------------------------


def _rows(site: Site, store: ObjectStore, names: Sequence[str]) -> Iterator[tuple[Value, ...]]:
    """Those of notifiers that are declared no more too."""
    project = site.deployable.project
    for name in sorted(_kept(site, store)):
        if not names or name in names:
            box = LetterBox(store, layout.NotifierKeys(project, name), random_id)
            for state, envelopes in (("pending", box.pending()), ("dead", box.dead())):
                yield from _lines((project.name, project.version, name, state), box, envelopes)


def _kept(site: Site, store: ObjectStore) -> set[str]:
    """The notifiers of which letters are kept."""
    infos = store.list(layout.NotifierKeys.of_project(site.deployable.project))
    return {layout.segments(info.key).get("notifier", "") for info in infos}


def _known(site: Site, store: ObjectStore) -> set[str]:
    return {*(each.name for each in site.deployable.notifiers), *_kept(site, store)}


def _lines(identity: tuple[Value, ...], box: LetterBox, envelopes: Iterator[Envelope]) -> Iterator[tuple[Value, ...]]:
    for envelope in envelopes:
        if letter := box.read(envelope.key):
            event = letter.event
            yield (
                *identity,
                event.dataset.name,
                event.dataset.version,
                str(event.lot),
                event.revision,
                letter.attempts,
                codec.to_json(letter.first_failure),
                codec.to_json(envelope.due) if identity[-1] == "pending" else None,
                " ".join(letter.last_error.split()),
            )


def _aside(site: Site, plugins: Plugins) -> Iterator[tuple[Value, ...]]:
    """Those that the queues of arcs and boundaries have set aside."""
    project = site.deployable.project
    for beside in _queues(site, plugins):
        for each in beside.queue.set_aside():
            event = each.event
            dataset = event.dataset if event else beside.dataset
            named = (dataset.name, dataset.version) if dataset else (None, None)
            told = (str(event.lot), event.revision) if event else (None, None)
            why = " ".join(each.why.split())
            yield (project.name, project.version, beside.element, "dead", *named, *told, None, None, None, why)


# ---- sending ---------------------------------------------------------------------------------------------------


def _send(site: Site, notifier: Notifier, plugins: Plugins) -> int:
    """How many are left."""
    element = f"{site.deployable.project.name}/{notifier.name}"
    box = LetterBox(_store(site, plugins), layout.NotifierKeys(site.deployable.project, notifier.name), random_id)
    if not any(box.dead()):
        click.echo(f"{element}: nothing was given up")
        return 0
    for letter, error in open_notifier(notifier, plugins, _surroundings(site, plugins), lambda: False).redrive():
        told = f"{element}: {letter.event.dataset.id} {letter.event.lot}"
        click.echo(f"{told}: {error}" if error else f"{told} was announced", err=error is not None)
    return sum(1 for _ in box.dead())


def _hand_out_again(site: Site, plugins: Plugins) -> None:
    for beside in _queues(site, plugins):
        if count := beside.queue.redrive():
            told = some(count, "notice" if beside.dataset else "event")
            click.echo(f"{site.deployable.project.name}/{beside.element}: {told} handed out again")


@frozen
class _Queue:
    """What sets messages aside, of an *element*; with the *dataset* that a boundary's notices are for."""

    element: str
    queue: Redrivable
    dataset: Dataset | None = None


def _queues(site: Site, plugins: Plugins) -> Iterator[_Queue]:
    yield from _queues_of_arcs(site, plugins)
    for _, boundary in site.deployable.ingress:
        component = plugins.component(boundary.type)
        if not boundary.exclude and isinstance(component, BoundaryComponent) and component.aside:
            queue = component.aside()(boundary, _surroundings(site, plugins))
            yield _Queue(boundary.name, queue, boundary.dataset)


def _queues_of_arcs(site: Site, plugins: Plugins) -> Iterator[_Queue]:
    for consumer in site.deployable.consumers:
        for audible in () if consumer.element.exclude else site.audible(consumer.arc):
            queue = _queue(site, consumer.arc, audible, plugins) if audible.datasets else None
            if queue is None:
                continue
            with closing(queue):
                if isinstance(queue, Redrivable):
                    yield _Queue(consumer.arc.name, queue)


def _queue(site: Site, arc: Arc, audible: Audible, plugins: Plugins) -> Subscription | None:
    """None in a placement where we may not listen: nothing is set aside for us there."""
    try:
        return open_queue(site, arc, audible, plugins, _surroundings(site, plugins))
    except StoreRefusedError:
        if audible.placement == site.deployable.placement:
            raise
        return None


def _surroundings(site: Site, plugins: Plugins) -> Surroundings:
    return Surroundings(
        project=site.deployable.project,
        placement=site.deployable.placement,
        roots=site.roots,
        open_store=plugins.open_store,
        clock=SystemClock(),
        base=site.base,
        scratch=output_folder(site.base),
    )
