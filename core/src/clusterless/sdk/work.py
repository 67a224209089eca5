"""One lot, as the code that works it sees it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from attrs import field, frozen

from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.lot import Lot
from clusterless.sdk.objects import OpenStore, Sink, Source
from clusterless.sdk.progress import progress
from clusterless.store.api import ObjectStore

T = TypeVar("T")


@frozen(kw_only=True)
class LotWork:
    """One attempt at one lot.

    *attempt* names all that this attempt writes: put it into the keys of objects. *token* is an
    idempotency key for side effects elsewhere: the same for every attempt at one *revision* of the
    lot. *props* are the arc's ``workloadProps``.

    As a context manager it writes one manifest for each sink when the block ends: of state complete
    (empty where nothing was written), or, when it ends in an exception, partial of what was written.
    """

    lot: Lot
    attempt: str
    revision: int
    token: str
    props: Mapping[str, Any]
    sources: Mapping[str, Source] = field(repr=False)
    sinks: Mapping[str, Sink] = field(repr=False)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, open_store: OpenStore | None = None
    ) -> LotWork:
        """The work that the ``CLS_…`` variables describe; stores are opened by the installed plugins.

        Raises:
            WorkloadError: a variable is missing or is not what it must be.
        """
        try:
            props = json.loads(environment["CLS_ARC_PROPS_JSON"])
            return _from_props(props, environment, open_store or _open_store)
        except KeyError as error:
            msg = f"no {error.args[0]} in the environment"
            hint = "let `cls run` start it, or set the CLS_… variables of the workload contract"
            raise WorkloadError(msg, hint=hint) from None
        except (InvalidValueError, ValueError, TypeError, AttributeError, RecursionError) as error:
            msg = f"the CLS_… variables do not describe a lot's work: {error}"
            raise WorkloadError(msg) from error

    def source(self, role: str = "main") -> Source:
        """The source lot of *role*; `Source.missing` where the arc went on without it.

        Raises:
            InvalidValueError: the arc declares no such source.
        """
        return _of(self.sources, role, "source")

    def sink(self, role: str = "main") -> Sink:
        """The sink of *role*.

        Raises:
            InvalidValueError: the arc declares no such sink.
        """
        return _of(self.sinks, role, "sink")

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Say how far the work has come: *done* of *total*, in any unit."""
        progress(done, total, message)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sink in self.sinks.values():
            if is_clean(error):
                sink.stage_all(self.lot)
            else:
                sink.stage_some(self.lot, f"{type(error).__name__}: {error}")


def _from_props(props: Mapping[str, Any], environment: Mapping[str, str], open_store: OpenStore) -> LotWork:
    return LotWork(
        lot=Lot.parse(environment["CLS_LOT"]),
        attempt=environment["CLS_ATTEMPT"],
        revision=int(environment["CLS_REVISION"]),
        token=environment["CLS_IDEMPOTENCY_KEY"],
        props=props["workloadProps"],
        sources={
            role: Source(
                dataset=_located(dataset) if "pathURI" in dataset else None,
                manifest_uri=props["sourceManifestPaths"].get(role),
                open_store=open_store,
                roots=tuple(dataset.get("roots", ())),
            )
            for role, dataset in props["sources"].items()
        },
        sinks={
            role: Sink(dataset=_located(dataset), template=props["sinkManifestTemplates"][role], open_store=open_store)
            for role, dataset in props["sinks"].items()
        },
    )


def _located(dataset: Mapping[str, Any]) -> LocatedDataset:
    return LocatedDataset(name=dataset["name"], version=dataset["version"], path_uri=dataset["pathURI"])


def _of(declared: Mapping[str, T], role: str, kind: str) -> T:
    if role not in declared:
        known = ", ".join(declared) or "none"
        msg = f"the arc has no {kind} {role!r} (it has: {known})"
        raise InvalidValueError(msg)
    return declared[role]


def is_clean(error: BaseException | None) -> bool:
    """Whether a block that ended by *error*, or by none, ended well: ``sys.exit()`` does."""
    return error is None or (isinstance(error, SystemExit) and error.code in {None, 0})


def _open_store(uri: str) -> ObjectStore:
    from clusterless.plugins import find_plugins

    return find_plugins().open_store(uri)
