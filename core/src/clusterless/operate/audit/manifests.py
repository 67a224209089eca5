"""What the manifests of a dataset list, and whether they are the ones that were committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter

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
from clusterless.operate.ahead import asked, at_a_time, in_turns
from clusterless.operate.audit.book import Book, Committed, said
from clusterless.operate.landscape import DatasetView
from clusterless.store.api import ObjectInfo, ObjectStore
from clusterless.store.manifests import Fetched, decode, fetch

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
class _There:
    """What is there of a lot: all its *revisions*, and the *newest* that can be read."""

    revisions: Sequence[Stored]
    newest: Stored | None


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
        manifests = in_turns(asked(self._fetch, in_turns(self._there()), at_a_time(self._store)))
        for commits, there, fetched in _in_step(self.book.commits(), manifests):
            if there is None:
                self._absent(list(commits.values())[-1])
                continue
            self.lots += 1
            if there.newest and fetched:
                self._newest(there.newest, fetched, commits.get(there.newest.revision))
            for each in there.revisions:
                if each is not there.newest:
                    self._other(each)
            if self.lots % _EVERY == 0:
                tell(there.revisions[0].lot)

    def _absent(self, commit: Committed) -> None:
        self.book.lose(commit.lot)
        if commit.at < self.now - PATIENCE and self._knows(Lot.parse(commit.lot)):
            uri = layout.uri(self._store.root, layout.lot_path(self.view.dataset, commit.lot))
            note = f"revision {commit.revision} was committed, and its manifest is not there"
            self.book.blame(Fault(Kind.MANIFEST, commit.lot, uri, note=note))

    @property
    def _store(self) -> ObjectStore:
        return self.view.manifests.store

    def _knows(self, lot: Lot) -> bool:
        return self.tenure is not None and self.tenure.holds(lot)

    def _there(self) -> Iterator[_There]:
        """What there is of each lot that is wanted, in order of lot; of nearly all lots it is one revision."""
        prefix, first = f"{self.view.path}lot=", self.wanted.first
        store, passed = self._store, len(prefix)
        keys = store.list_keys(prefix, f"{prefix}{first}" if first else "")
        for text, below in groupby(keys, lambda key: key[passed:].partition("/")[0]):
            try:
                lot = Lot.parse(text)
            except InvalidValueError:
                continue  # somebody else's
            if self.wanted.ends_before(lot):
                return
            start = passed + len(text) + 1
            named = [(key, layout.manifest_below_lot(key[start:])) for key in below]
            found = [Stored(store, key, lot, text, *name) for key, name in named if name]
            if found and lot in self.wanted:
                yield _There(sorted(found, key=attrgetter("revision")), _newest(found))

    def _fetch(self, there: _There) -> _Fetched:
        try:
            return fetch(self._store, there.newest.key) if there.newest else None
        except ObjectMissingError as error:
            return error

    def _newest(self, found: Stored, fetched: Fetched | ObjectMissingError, commit: Committed | None) -> None:
        if isinstance(fetched, ObjectMissingError):
            self._blame(found, said(fetched))
            return
        try:
            manifest = fetched.manifest()
        except (MalformedError, ObjectMissingError) as error:
            self._blame(found, said(error))
            return
        if commit is None or commit.digest != fetched.digest:
            self._uncommitted(found, commit)
        self._mention(found, manifest, Standing.LOT)

    def _uncommitted(self, found: Stored, commit: Committed | None) -> None:
        if not self._knows(found.lot):
            return
        if commit:
            self._blame(found, "its bytes are not those that were committed")
        elif (time := found.time) and time < self.now - PATIENCE:
            self._blame(found, f"no ledger commits revision {found.revision} of it")

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
    if len(readable) == 1:
        return readable[0]
    return max(readable, key=lambda each: (each.revision, each.state is ManifestState.COMPLETE), default=None)


_Commits = Mapping[int, Committed]
_Fetched = Fetched | ObjectMissingError | None


def _in_step(
    commits: Iterator[tuple[str, _Commits]], manifests: Iterable[tuple[_There, _Fetched]]
) -> Iterator[tuple[_Commits, _There | None, _Fetched]]:
    """Each lot with what was committed of it, what is there, and the newest of that; both come in order."""
    commit = next(commits, None)
    for there, fetched in manifests:
        lot = there.revisions[0].text
        while commit and commit[0] < lot:
            yield commit[1], None, None
            commit = next(commits, None)
        if commit and commit[0] == lot:
            yield commit[1], there, fetched
            commit = next(commits, None)
        else:
            yield {}, there, fetched
    while commit:
        yield commit[1], None, None
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
    if mention.standing == Standing.FOLDER:
        return list(store.list(mention.key))
    with suppress(ObjectMissingError):
        return [store.head(mention.key)]
    return []
