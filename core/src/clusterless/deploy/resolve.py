"""Declared projects into sites: placed, checked, and with every source found."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial

from attrs import evolve

from clusterless.codec.names import stored_names
from clusterless.deploy.check import findings
from clusterless.deploy.places import Placed, Survey, silences, survey
from clusterless.deploy.read import Declared
from clusterless.engine.findings import Finding, Severity
from clusterless.errors import SHOWN, ClsError, MalformedError, StoreBusyError, StoreUnavailableError
from clusterless.model.barrier import Barrier
from clusterless.model.dataset import GatheredDataset, JoinedDataset, LocatedDataset, SourceDataset
from clusterless.plugins import Plugins
from clusterless.runtime.site import Awaited, ResolvedSource, Site

_log = logging.getLogger(__name__)


def resolve(declared: Sequence[Declared], plugins: Plugins) -> tuple[Site, ...]:
    """The projects as they are run, in order; warnings are logged.

    Raises:
        StoreRefusedError: a placement is not there, or may not be looked at.
        MalformedError: with every error that `clusterless.deploy.check.check` finds.
    """
    surveyed, found = _surveyed(declared, plugins)
    for finding in found[:SHOWN]:
        _log.warning("%s", finding)
    if len(found) > SHOWN:
        _log.warning("and %d more; cls verify tells all", len(found) - SHOWN)
    again = [partial(_again, declared, plugins, number) for number in range(len(surveyed.placed))]
    return tuple(evolve(site(surveyed, each), again=look) for each, look in zip(surveyed.placed, again, strict=True))


def resolve_reached(declared: Sequence[Declared], plugins: Plugins) -> tuple[tuple[Site, ...], tuple[Awaited, ...]]:
    """As `resolve`; where a placement does not answer, the projects that can do without it, and those that cannot.

    Raises:
        StoreUnavailableError: none of the projects can be resolved.
    """
    try:
        return resolve(declared, plugins), ()
    except StoreUnavailableError:
        lost = dict(_lost(declared, plugins))
        reached = [each for number, each in enumerate(declared) if number not in lost]
        if not reached:
            raise
    names = [each.deployable.project.name for each in declared]
    awaited = []
    for number, error in lost.items():
        project = declared[number].deployable.project
        name = project.name if names.count(project.name) == 1 else project.versioned
        awaited.append(Awaited(name=name, why=error, again=partial(_last, [*reached, declared[number]], plugins)))
    return resolve(reached, plugins), tuple(awaited)


def _lost(declared: Sequence[Declared], plugins: Plugins) -> Iterator[tuple[int, StoreUnavailableError]]:
    """Those that cannot be resolved alone, by their number; what else is wrong with one is found with the others.

    Raises:
        StoreBusyError: someone asks for fewer requests: all are asked again later.
    """
    silent = silences(declared, plugins)
    yield from silent.items()
    for number, each in enumerate(declared):
        if number in silent:
            continue
        try:
            surveyed, _ = _surveyed([each], plugins)
            site(surveyed, surveyed.placed[0])
        except StoreBusyError:
            raise
        except StoreUnavailableError as error:
            yield number, error
        except ClsError:
            pass


def _last(declared: Sequence[Declared], plugins: Plugins) -> Site:
    return resolve(declared, plugins)[-1]


def _surveyed(declared: Sequence[Declared], plugins: Plugins) -> tuple[Survey, Sequence[Finding]]:
    """What there is, and what is to be warned of."""
    surveyed = survey(declared, plugins)
    if surveyed.refused:
        raise surveyed.refused
    found = findings(surveyed)
    refuse_errors(found)
    return surveyed, found


def _again(declared: Sequence[Declared], plugins: Plugins, number: int, arc: str) -> Site:
    """One of the projects again, for an arc with a source in a placement that could not be reached before.

    Raises:
        ClsError: it still cannot.
        MalformedError: it is reached, and the project cannot be run with what is there.
    """
    surveyed = survey(declared, plugins)
    refuse_errors(findings(surveyed))
    placed = surveyed.placed[number]
    for each in placed.part.deployable.consumers:
        for source in each.arc.sources.values():
            node = placed.part.source(source)
            if each.arc.name == arc and surveyed.graph.is_unknown(node):
                raise surveyed.unreached[node.place]
    return site(surveyed, placed)


def refuse_errors(found: Sequence[Finding]) -> None:
    """Raise what is an error among *found*, all in one.

    Raises:
        MalformedError: there are errors.
    """
    errors = [str(finding) for finding in found if finding.severity is Severity.ERROR]
    if errors:
        raise MalformedError("the projects cannot be run", errors)


def site(surveyed: Survey, placed: Placed) -> Site:
    """One of the *placed* projects as it is run."""
    deployable = placed.part.deployable
    sources = {
        (each.arc.name, role): _source(surveyed, placed, source)
        for each in deployable.consumers
        if not each.arc.exclude
        for role, source in each.arc.sources.items()
        if not surveyed.graph.is_unknown(placed.part.source(source))
    }
    roots = placed.roots[deployable.placement]
    barriers = tuple(_gathered(surveyed, placed, barrier) for barrier in deployable.barriers)
    return Site(
        deployable=evolve(deployable, barriers=barriers),
        file=placed.part.file,
        at=placed.part.at,
        base=placed.base,
        roots=roots,
        sources=sources,
    )


def _source(surveyed: Survey, placed: Placed, source: SourceDataset) -> ResolvedSource:
    node = placed.part.source(source)
    placement = source.placement or placed.part.deployable.placement
    return ResolvedSource(
        dataset=LocatedDataset(name=source.name, version=source.version, path_uri=surveyed.graph.location(node)),
        roots=surveyed.graph.roots(node),
        placement=placement,
        stores=placed.roots[placement],
        unit=surveyed.graph.unit(node),
    )


def _gathered(surveyed: Survey, placed: Placed, barrier: Barrier) -> Barrier:
    """The barrier with the locations of its dataset's objects."""
    node = placed.part.sink(barrier.dataset)
    declared = {name: getattr(barrier.dataset, name) for name in stored_names(JoinedDataset)}
    located = {"path_uri": surveyed.graph.location(node), "roots": surveyed.graph.roots(node)}
    unknown = [
        source for source in map(placed.part.source, barrier.sources.values()) if surveyed.graph.is_unknown(source)
    ]
    if unknown:  # where its objects lie was found out when all could be reached
        if node not in surveyed.graph.recorded:
            raise surveyed.unreached[unknown[0].place]
        owned = surveyed.graph.recorded[node].owned
        located = {"path_uri": owned.dataset.path_uri, "roots": owned.all_roots}
    return evolve(barrier, dataset=GatheredDataset(**{**declared, **located}))
