"""What has been committed so far: told by manifests alone, never by walking the data folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
from attrs import frozen

from clusterless.deploy.read import read_projects
from clusterless.model.arc import Arc
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.model.project import Deployable
from clusterless.plugins import find_plugins
from clusterless.store.manifests import Manifests

_AT_ONCE = 1000  # Parquet files opened together


@frozen(kw_only=True)
class Tally:
    """A dataset's committed lots, and the files that their manifests list; *size* in bytes."""

    complete: frozenset[Lot]
    empty: frozenset[Lot]
    files: int
    rows: int
    size: int

    @property
    def lots(self) -> frozenset[Lot]:
        return self.complete | self.empty


@frozen
class Pipeline:
    """The projects as they are declared, and the manifests of the placement that they share."""

    projects: Sequence[Deployable]
    manifests: Manifests

    @classmethod
    def declared_in(cls, files: Sequence[Path]) -> Pipeline:
        plugins = find_plugins()
        declared = read_projects(files, plugins.components(), plugins.project_formats())
        first = declared[0]
        provider = plugins.provider(first.deployable.placement.provider)
        roots = provider.roots(provider.complete(first.deployable.placement), first.base)
        return cls([each.deployable for each in declared], Manifests(plugins.open_store(roots.manifest)))

    @property
    def arrivals(self) -> list[Dataset]:
        return [boundary.dataset for project in self.projects for _, boundary in project.ingress]

    @property
    def arcs(self) -> list[Arc]:
        return [arc for project in self.projects for arc in project.arcs]

    def committed(self) -> frozenset[str]:
        """The manifests that a reader would take now: the same set again means that nothing was done."""
        sinks = [sink for arc in self.arcs for sink in arc.sinks.values()]
        return frozenset(found.uri for dataset in [*self.arrivals, *sinks] for found in self.manifests.lots(dataset))

    def tally(self, dataset: Dataset) -> Tally:
        found = list(self.manifests.lots(dataset))
        paths = [_path(uri) for each in found for uri in self.manifests.read(each).uris]
        return Tally(
            complete=frozenset(each.lot for each in found if each.state is ManifestState.COMPLETE),
            empty=frozenset(each.lot for each in found if each.state is ManifestState.EMPTY),
            files=len(paths),
            rows=_rows(paths),
            size=sum(path.stat().st_size for path in paths),
        )

    def waiting(self, arc: Arc) -> int:
        """How many lots are in a source of the arc, and not yet worked."""
        sources = {lot for source in arc.sources.values() for lot in self._lots(source)}
        sinks = {lot for sink in arc.sinks.values() for lot in self._lots(sink)}
        starts = [Lot.parse(source.start) for source in arc.sources.values() if source.start not in {"all", "now"}]
        return sum(all(start <= lot for start in starts) for lot in sources - sinks)

    def _lots(self, dataset: Dataset) -> Iterator[Lot]:
        return (found.lot for found in self.manifests.lots(dataset))


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def _rows(paths: list[Path]) -> int:
    tables = [path for path in paths if path.suffix == ".parquet"]
    texts = [path for path in paths if path.suffix == ".csv"]
    return sum(map(_rows_of_csv, texts)) + sum(map(_rows_of_parquet, _in_batches(tables)))


def _rows_of_csv(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines) - 1  # the header


def _rows_of_parquet(paths: list[Path]) -> int:
    rows: int = pl.scan_parquet(paths).select(pl.len()).collect().item()
    return rows


def _in_batches(paths: list[Path]) -> Iterator[list[Path]]:
    return (paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE))
