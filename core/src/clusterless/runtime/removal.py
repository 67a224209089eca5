"""Removing lots that retention has given up: their objects, then their manifests; again and again comes to the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress

from attrs import define, evolve, field, frozen

from clusterless import layout
from clusterless.errors import InvalidValueError, ObjectMissingError
from clusterless.model.dataset import Dataset
from clusterless.model.lot import Lot
from clusterless.model.manifest import ManifestState
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.manifests import Found, Manifests, encode

_AT_ONCE = 100_000  # objects whose other mentions are looked for in one pass over the dataset


@frozen
class _Going:
    found: Sequence[Found]
    keys: Sequence[str]  # of the objects that they list below the dataset's location

    @property
    def lot(self) -> Lot:
        return self.found[0].lot


@define(eq=False)
class Removal:
    """*objects* is the store rooted at the dataset's location; None where its objects are those of other datasets."""

    dataset: Dataset
    manifests: Manifests
    objects: ObjectStore | None
    lots: int = field(default=0, init=False)
    removed: int = field(default=0, init=False)  # objects
    bytes: int = field(default=0, init=False)  # of these
    kept: int = field(default=0, init=False)  # objects that were written again since

    def remove(
        self,
        lots: Sequence[Sequence[Found]],
        holding: Callable[[Lot], AbstractContextManager[bool]] = lambda _: nullcontext(True),
    ) -> Iterator[Lot]:
        """Remove each of *lots*, given by its readable manifests, the lowest revision first; gives it then.

        An object stays that a lot lists which is none of them, or that was written again since its lot was committed.
        *holding* keeps others from writing the lot meanwhile, and tells whether it does: without, the lot stays.
        """
        for going, theirs in self._going(lots):
            with holding(going.lot) as is_held:
                if is_held:
                    self._remove(going, theirs)
            yield going.lot

    def _remove(self, going: _Going, theirs: set[str]) -> None:
        for info in self._old(going, theirs):
            assert self.objects is not None
            self.objects.delete(info.key)
            self._count(info)
        for each in going.found:  # readers take the highest, which goes last
            self._manifest(each)
        self.lots += 1

    def weigh(self, lots: Sequence[Sequence[Found]]) -> Iterator[Lot]:
        """The same, but nothing is removed: only counted."""
        for going, theirs in self._going(lots):
            for info in self._old(going, theirs):
                self._count(info)
            self.lots += 1
            yield going.lot

    def _going(self, lots: Sequence[Sequence[Found]]) -> Iterator[tuple[_Going, set[str]]]:
        """Each lot, and the keys of those objects that no lot lists which stays."""
        for batch in self._batches(lots):
            theirs = {key for going in batch for key in going.keys}
            if theirs:
                theirs.difference_update(self._listed_by_others({going.lot for going in batch}))
            for going in batch:
                yield going, theirs

    def _batches(self, lots: Sequence[Sequence[Found]]) -> Iterator[list[_Going]]:
        batch: list[_Going] = []
        listed = 0
        for found in lots:
            keys = list(dict.fromkeys(key for each in found for key in self._keys(each)))
            batch.append(_Going(found, keys))
            listed += len(keys)
            if listed >= _AT_ONCE:
                yield batch
                batch, listed = [], 0
        if batch:
            yield batch

    def _listed_by_others(self, going: set[Lot]) -> Iterator[str]:
        for found in self.manifests.revisions(self.dataset):
            if found[0].lot not in going:
                for each in readable(found):
                    yield from self._keys(each)

    def _old(self, going: _Going, theirs: set[str]) -> Iterator[ObjectInfo]:
        """Those of its objects that are there, and were not written again since."""
        committed = max(each.time for each in going.found)
        for key in going.keys:
            if key not in theirs:
                continue
            assert self.objects is not None
            with suppress(ObjectMissingError):
                info = self.objects.head(key)
                if info.time <= committed:
                    theirs.discard(key)  # another of the lots may list it too
                    yield info
                else:  # unless it was for another of the lots, it stays
                    self.kept += 1

    def _count(self, info: ObjectInfo) -> None:
        self.removed += 1
        self.bytes += info.size

    def _manifest(self, found: Found) -> None:
        """What was in it is kept, for whoever is finishing a revision that is made from it."""
        try:
            manifest = self.manifests.read(found)
            with encode(evolve(manifest, state=ManifestState.REMOVED)).open() as body:
                self.manifests.publish(self.dataset, found.lot, ManifestState.REMOVED, found.revision, body)
        except ObjectMissingError:
            return  # another was faster
        self.manifests.store.delete(found.key)

    def _keys(self, found: Found) -> Iterator[str]:
        """The keys of the objects that it lists below the dataset's location; others are none of its own."""
        if self.objects is None:
            return
        try:
            for uri in self.manifests.read(found).uris:
                try:
                    yield layout.key(self.objects.root, uri)
                except InvalidValueError:
                    continue
        except ObjectMissingError:
            return  # another was faster


def readable(found: Iterable[Found]) -> list[Found]:
    return [each for each in found if each.state.is_readable]
