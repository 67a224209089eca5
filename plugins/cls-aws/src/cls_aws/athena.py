"""``aws:core:athenaQueryArc``: a query of each lot, whose rows Athena writes below the sink's location.

What is written into the text of a query was checked when it was declared, or is made here; values of a lot are bound
as execution parameters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from urllib.parse import unquote

from attrs import frozen

from cls_aws.arcs import AthenaProps, AthenaQueryArc, QueryKind
from cls_aws.clients import client
from cls_aws.errors import asking
from clusterless import layout
from clusterless.errors import InvalidValueError, StoreRefusedError, WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState
from clusterless.provider import SinkLot, SinkResult, Surroundings, Work, WorkResult
from clusterless.runtime import contract

_LOOK = 0.5  # seconds between looks at a query
_ENDING = 60  # looks at one that was cancelled
_FRESH = timedelta(seconds=5)  # since it was asked for: it is ours
_TURNS = 100  # executions that a lot may have come to, before no more is believed
_HINTS = {
    "output location": "set 'outputLocation' in the workloadProps, or one for the work group",
    "does not exist": "check 'database' and 'table', and declare them as aws:core:glueDatabase and aws:core:glueTable",
}


class AthenaQuery:
    def __init__(self, arc: AthenaQueryArc, surroundings: Surroundings) -> None:
        self._props = arc.workload.workload_props
        self._timeout = arc.workload.timeout_sec
        self._role = next(iter(arc.sinks))
        self._around = surroundings
        self._athena = client("athena", surroundings.placement)

    def run(self, work: Work) -> WorkResult:
        """Run the query, or wait for the one that an earlier attempt began; list what it wrote.

        Raises:
            WorkloadError: Athena says no, or the query failed, took too long, or was stopped; what it wrote is removed.
        """
        sink = work.sinks[self._role]
        uris = self._new_table(work, sink) if self._props.kind is QueryKind.CTAS else self._insert(work, sink)
        return WorkResult(sinks={self._role: SinkResult(manifest=_manifest(work.lot, uris))})

    def close(self) -> None:
        """Nothing is held."""

    # ---- the two kinds ----

    def _new_table(self, work: Work, sink: SinkLot) -> Sequence[str]:
        """The objects of a new table at a folder of this attempt; the table is a means, and goes."""
        folder = f"lot={work.lot}/attempt={work.attempt}/"
        table = re.sub(r"\W", "_", f"{self._props.table}_{work.lot}_{work.attempt}").lower()
        location = unquote(sink.dataset.path_uri) + folder
        try:
            query = self._start(create_table(self._props, table, location), work, _token(work.token, work.attempt))
            self._await(query, work, sink)
        finally:
            self._drop(table)
        store = self._around.open_store(sink.dataset.path_uri)
        return [layout.uri(store.root, info.key) for info in store.list(folder)]

    def _insert(self, work: Work, sink: SinkLot) -> Sequence[str]:
        """The objects that an insert added.

        To insert twice would double the rows. So what is asked for is named by the lot, and Athena gives back the
        execution that an earlier attempt began, if there is one; only after one that failed another is begun.
        """
        text, pins = insert(self._props), [f"{role}={lot.revision}" for role, lot in sorted(work.sources.items())]
        for turn in range(_TURNS):
            query = self._start(text, work, _token(work.token, *pins, str(turn)))
            try:
                execution = self._await(query, work, sink)
            except _FailedBeforeError:
                continue
            return self._written(execution, sink)
        msg = f"{_TURNS} executions of this lot's query have failed"
        raise WorkloadError(msg, hint="see in Athena's history why")

    # ---- one execution ----

    def _start(self, text: str, work: Work, token: str) -> _Query:
        props = self._props
        parameters = bound(props.parameters, work)
        request: dict[str, Any] = {
            "QueryString": text,
            "ClientRequestToken": token,
            "QueryExecutionContext": {"Catalog": props.catalog, "Database": props.database},
            "WorkGroup": props.work_group,
        }
        if props.output_location:
            request["ResultConfiguration"] = {"OutputLocation": props.output_location}
        if parameters:
            request["ExecutionParameters"] = parameters
        try:
            with asking("Athena"):
                answer = self._athena.start_query_execution(**request)
        except StoreRefusedError as error:
            raise WorkloadError(error.problem, hint=_hint(error.problem) or error.hint) from error
        return _Query(
            answer["QueryExecutionId"], parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        )

    def _await(self, query: _Query, work: Work, sink: SinkLot) -> dict[str, Any]:
        """The execution when it has succeeded; what one that did not has written is removed."""
        limit = monotonic() + self._timeout
        while (execution := self._look(query))["Status"]["State"] in {"QUEUED", "RUNNING"}:
            if work.stopping() or monotonic() >= limit:
                self._cancel(query)
                why = "the attempt was stopped" if work.stopping() else f"it took longer than {self._timeout:g} seconds"
                self._remove(self._last_look(query), sink)
                msg = f"the query {query.id} was cancelled: {why}"
                raise WorkloadError(msg)
            self._around.clock.sleep(_LOOK)
        if execution["Status"]["State"] == "SUCCEEDED":
            return execution
        self._remove(execution, sink)
        reason = execution["Status"].get("StateChangeReason") or "Athena gives no reason"
        if execution["Status"]["SubmissionDateTime"] < query.asked - _FRESH:
            raise _FailedBeforeError(reason)
        msg = f"the query {query.id} {execution['Status']['State'].lower()}: {reason}"
        raise WorkloadError(msg, hint=_hint(reason))

    def _look(self, query: _Query) -> dict[str, Any]:
        with asking(f"Athena for the query {query.id}"):
            found: dict[str, Any] = self._athena.get_query_execution(QueryExecutionId=query.id)["QueryExecution"]
        return found

    def _cancel(self, query: _Query) -> None:
        with asking(f"Athena for the query {query.id}"):
            self._athena.stop_query_execution(QueryExecutionId=query.id)

    def _last_look(self, query: _Query) -> dict[str, Any]:
        """The execution once it has ended, which it is about to."""
        for _ in range(_ENDING):
            if (execution := self._look(query))["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                break
            self._around.clock.sleep(_LOOK)
        return execution

    # ---- what it wrote ----

    def _written(self, execution: dict[str, Any], sink: SinkLot) -> list[str]:
        """The objects that Athena says an execution wrote, or meant to; those of the sink's location only.

        Raises:
            WorkloadError: the table lies elsewhere than the sink.
        """
        place = execution.get("Statistics", {}).get("DataManifestLocation")
        if not place:
            return []
        folder, _, name = place.rpartition("/")
        with self._around.open_store(f"{folder}/").open(name) as lines:
            uris = [_uri(line.decode().strip()) for line in lines if line.strip()]
        root = sink.dataset.path_uri
        if strange := [uri for uri in uris if not uri.startswith(root)]:
            msg = f"{self._props.database}.{self._props.table} does not lie at {root}: a row went to {strange[0]}"
            raise WorkloadError(msg, hint="give the sink the location of the table as its pathURI")
        return uris

    def _remove(self, execution: dict[str, Any], sink: SinkLot) -> None:
        store = self._around.open_store(sink.dataset.path_uri)
        for uri in self._written(execution, sink):
            store.delete(layout.key(store.root, uri))

    def _drop(self, table: str) -> None:
        glue = client("glue", self._around.placement)
        with asking(f"the table {self._props.database}.{table}"), suppress(glue.exceptions.EntityNotFoundException):
            glue.delete_table(DatabaseName=self._props.database, Name=table)


@frozen
class _Query:
    """An execution by its *id*, and when Athena was *asked* for it, by its own time."""

    id: str
    asked: datetime


class _FailedBeforeError(Exception):
    """It is an earlier attempt's, and failed then."""


# ---- the query -------------------------------------------------------------------------------------------------


def create_table(props: AthenaProps, table: str, location: str) -> str:
    """The text that makes *table* at *location* of what is selected."""
    place = location.replace("'", "''")
    return (
        f'CREATE TABLE "{props.database}"."{table}"\n'
        f"WITH (format = '{props.format.value}', external_location = '{place}') AS\n{props.select}"
    )


def insert(props: AthenaProps) -> str:
    """The text that adds what is selected to the table."""
    return f'INSERT INTO "{props.database}"."{props.table}"\n{props.select}'


def bound(parameters: Sequence[str], work: Work) -> list[str]:
    """What is bound for each ``?``: values as they are declared, and what is selected of a lot as texts of SQL.

    Raises:
        WorkloadError: a selector leads to nothing, or to something else than a text.
    """
    context = contract.context(work, {})
    execution = contract.execution(work, context)
    try:
        values = contract.substitute(parameters, context, execution)
    except InvalidValueError as error:
        raise WorkloadError(error.problem, hint=error.hint) from error
    return [
        _text(value) if contract.is_selector(parameter) else value
        for parameter, value in zip(parameters, values, strict=True)
    ]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _token(*parts: str) -> str:
    """What Athena tells requests apart by: one made twice is done once."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _hint(reason: str) -> str:
    return next((hint for words, hint in _HINTS.items() if words in reason), "")


def _uri(place: str) -> str:
    """The URI of what S3 and Athena spell without percent-encoding."""
    bucket, _, key = place.removeprefix("s3://").partition("/")
    return layout.uri(f"s3://{bucket}/", key)


def _manifest(lot: Lot, uris: Sequence[str]) -> Manifest:
    if not uris:
        return Manifest(state=ManifestState.EMPTY, lot=lot)
    return Manifest(state=ManifestState.COMPLETE, lot=lot, uris=tuple(uris))
