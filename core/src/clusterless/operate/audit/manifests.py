"""What the manifests of a dataset list, and whether they are the ones that were committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter

from attrs import define, field, frozen

from clusterless import layout
from clusterless.engine.audit import Fault, Kind, Mention, Standing
from clusterless.engine.locations import home
from clusterless.engine.strays import PATIENCE
from clusterless.engine.wanted import Wanted
from clusterless.errors import InvalidValueError, MalformedError, ObjectMissingError
from clusterless.model.dataset import Tenure
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.operate.ahead import asked, at_a_time
from clusterless.operate.audit.book import Book, Committed, said
from clusterless.operate.landscape import DatasetView
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.manifests import decode, decode_hashed

Placed = Callable[[str], tuple[int, str]]
"""The number of the location that a URI lies below, and its key there; `InvalidValueError` where it lies below none."""

_EVERY = 256  # lots between two tellings of how far it is


@frozen
class Stored:
    """A manifest of a *lot*, by its *key* in *store*."""

    store: ObjectStore
    key: str
    lot: Lot
    text: str  # the lot's, which is needed often
    state: ManifestState
    revision: int

    @property
    def uri(self) -> str:
        return layout.uri(self.store.root, self.key)

    @property
    def time(self) -> datetime | None:
        """When it was written, which is asked for; None where it is gone."""
        try:
            return self.store.head(self.key).time
        except ObjectMissingError:
            return None


@frozen
class _Read:
    manifest: Manifest | None = None
    digest: str = ""
    error: Exception | None = None


@define
class ManifestsRead:
    """What the lots of *view* list goes into the *book*; *tenure*: whose commits are known, None where nobody's are."""

    view: DatasetView
    book: Book
    wanted: Wanted
    place: Placed
    now: datetime
    tenure: Tenure | None
    lots: int = field(default=0, init=False)

    def read(self, tell: Callable[[Lot], None]) -> None:
        manifests = asked(self._newest, self._revisions(), at_a_time(self._store))
        for commits, revisions, read in _in_step(self.book.commits(), manifests):
            if not revisions:
                self._absent(list(commits.values())[-1])
                continue
            self.lots += 1
            if newest := _newest(revisions):
                self._check(newest, read, commits.get(newest.revision))
                if read.manifest:
                    self._mention(newest, read.manifest, Standing.LOT)
            for each in revisions:
                if each is not newest:
                    self._other(each)
            if self.lots % _EVERY == 0:
                tell(revisions[0].lot)

    def _absent(self, commit: Committed) -> None:
        if commit.at < self.now - PATIENCE and self._knows(Lot.parse(commit.lot)):
            uri = layout.uri(self._store.root, layout.lot_path(self.view.dataset, commit.lot))
            note = f"revision {commit.revision} was committed, and its manifest is not there"
            self.book.blame(Fault(Kind.MANIFEST, commit.lot, uri, note=note))

    @property
    def _store(self) -> ObjectStore:
        return self.view.manifests.store

    def _knows(self, lot: Lot) -> bool:
        return self.tenure is not None and self.tenure.holds(lot)

    def _revisions(self) -> Iterator[list[Stored]]:
        """All manifests of each lot that is wanted, in order of lot; of nearly all lots there is one."""
        prefix, first = f"{self.view.path}lot=", self.wanted.first
        keys = self._store.list_keys(prefix, f"{prefix}{first}" if first else "")
        for text, below in groupby((key.removeprefix(prefix).partition("/") for key in keys), itemgetter(0)):
            try:
                lot = Lot.parse(text)
            except InvalidValueError:
                continue  # somebody else's
            if self.wanted.ends_before(lot):
                return
            named = ((path, layout.manifest_below_lot(path)) for _, _, path in below)
            found = [Stored(self._store, f"{prefix}{text}/{path}", lot, text, *name) for path, name in named if name]
            if found and lot in self.wanted:
                yield sorted(found, key=lambda each: each.revision) if len(found) > 1 else found

    def _newest(self, revisions: Sequence[Stored]) -> _Read:
        newest = _newest(revisions)
        if newest is None:
            return _Read()
        try:
            return _Read(*decode_hashed(self._store, newest.key))
        except (MalformedError, ObjectMissingError) as error:
            return _Read(error=error)

    def _check(self, found: Stored, read: _Read, commit: Committed | None) -> None:
        if read.error:
            self._blame(found, said(read.error))
        elif self._knows(found.lot):
            if commit is None and (time := found.time) and time < self.now - PATIENCE:
                self._blame(found, f"no ledger commits revision {found.revision} of it")
            elif commit and commit.digest != read.digest:
                self._blame(found, "its bytes are not those that were committed")

    def _other(self, found: Stored) -> None:
        """An older revision, or one that retention has removed, or what an attempt left."""
        if found.state is ManifestState.PARTIAL:
            return
        try:
            manifest = decode(self._store, found.key)
            standing = Standing.SUPERSEDED if found.state.is_readable else Standing.REMOVED
            self._mention(found, manifest, standing)
        except ObjectMissingError:
            return  # removed meanwhile
        except MalformedError as error:
            self._blame(found, said(error))

    def _mention(self, found: Stored, manifest: Manifest, standing: Standing) -> None:
        kind, at = manifest.uri_type, found.time if standing is Standing.REMOVED else None
        if standing is Standing.LOT and kind is not UriType.IDENTIFIER:
            standing = Standing.FOLDER
        try:
            for uri in manifest.uris:
                name = uri if kind is not UriType.PATH else uri.removesuffix("/") + "/"
                self._uri(name, found, standing, at)
        except MalformedError as error:  # a large one is read as it goes
            self._blame(found, said(error))

    def _uri(self, uri: str, found: Stored, standing: Standing, at: datetime | None) -> None:
        try:
            place, key = self.place(uri)
        except InvalidValueError:
            if standing in {Standing.LOT, Standing.FOLDER}:
                note = "its lot lists it, and the dataset's objects do not lie there"
                self.book.blame(Fault(Kind.OUTSIDE, found.text, uri, note=note))
            return
        self.book.mention(place, Mention(key, standing, found.text, found.revision, at=at))

    def _blame(self, found: Stored, note: str) -> None:
        self.book.blame(Fault(Kind.MANIFEST, found.text, found.uri, note=note))


def _newest(revisions: Sequence[Stored]) -> Stored | None:
    readable = [each for each in revisions if each.state.is_readable]
    return max(readable, key=lambda each: (each.revision, each.state is ManifestState.COMPLETE), default=None)


_Commits = Mapping[int, Committed]


def _in_step(
    commits: Iterator[tuple[str, _Commits]], manifests: Iterable[tuple[list[Stored], _Read]]
) -> Iterator[tuple[_Commits, list[Stored], _Read]]:
    """Each lot with what was committed of it, its revisions that are there, and the newest; both come in order."""
    commit = next(commits, None)
    for revisions, read in manifests:
        lot = revisions[0].text
        while commit and commit[0] < lot:
            yield commit[1], [], _Read()
            commit = next(commits, None)
        if commit and commit[0] == lot:
            yield commit[1], revisions, read
            commit = next(commits, None)
        else:
            yield {}, revisions, read
    while commit:
        yield commit[1], [], _Read()
        commit = next(commits, None)


# ---- where the objects are -------------------------------------------------------------------------------------


def places(roots: Sequence[str]) -> Placed:
    """Of the locations *roots*."""
    only = roots[0] if len(roots) == 1 else ""

    def place(uri: str) -> tuple[int, str]:
        if only and uri != only:
            return 0, layout.key(only, uri)
        if uri in roots:
            return roots.index(uri), ""
        root = home(roots, uri)
        return roots.index(root), layout.key(root, uri)

    return place


def named(store: ObjectStore, mentions: Iterable[Mention]) -> Iterator[ObjectInfo]:
    """What is there of all that is mentioned, in order of key, without listing the rest."""
    last = ""
    firsts = (next(group) for _, group in groupby(mentions, lambda mention: mention.key))
    for _, found in asked(partial(_look, store), firsts, at_a_time(store)):
        for info in found:
            if info.key > last:  # a folder may hold what another lot names
                yield info
                last = info.key


def _look(store: ObjectStore, mention: Mention) -> list[ObjectInfo]:
    if mention.standing is Standing.FOLDER:
        return list(store.list(mention.key))
    with suppress(ObjectMissingError):
        return [store.head(mention.key)]
    return []
