"""``aws:core:glueAddPartitionsArc``: the folders of a lot's objects become partitions of a table.

A partition that is there already is told apart from one that an earlier attempt at the lot has added, by what is
written beside it; and one that is there for another folder is no success.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import dirname
from typing import Any
from urllib.parse import unquote

from attrs import Factory, define, frozen

from cls_aws.arcs import GlueAddPartitionsArc, GluePartitionsProps, PartitionResults, PartitionType, Table, table_at
from cls_aws.clients import client
from cls_aws.errors import asking
from clusterless import layout
from clusterless.engine.locations import home
from clusterless.errors import ClsError, InvalidValueError, WorkloadError
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest, ManifestState, UriType
from clusterless.provider import SinkResult, SourceLot, Surroundings, Work, WorkResult

_BATCH = 100  # partitions that Glue makes at a time
_TOLD = 3  # reasons in a summary
_LOT, _ARC = "clusterless:lot", "clusterless:arc"


@frozen
class Partition:
    """*values* in the order of the table's keys; *folder* below the dataset's location, *location* as S3 has it."""

    folder: str
    values: tuple[str, ...]
    location: str


@define
class Outcome:
    """What became of a lot's partitions, by folder.

    They were *added* by this or an earlier attempt at it, or were there *before*, or *failed*.
    """

    added: list[str] = Factory(list)
    before: list[str] = Factory(list)
    failed: dict[str, str] = Factory(dict)
    is_stopped: bool = False


class GluePartitions:
    def __init__(self, arc: GlueAddPartitionsArc, surroundings: Surroundings) -> None:
        self._arc = arc
        self._props = arc.workload.workload_props
        self._project = surroundings.project.id
        self._glue = client("glue", surroundings.placement)

    def run(self, work: Work) -> WorkResult:
        """Add what is not there to every sink's table.

        The sink's result is empty where all of it was there before, and partial where some could not be added.

        Raises:
            WorkloadError: nothing could be added; or a folder's name gives no values for the table.
        """
        folders = [folder for source in work.sources.values() for folder in _folders(source, self._props)]
        results, problems = {}, []
        for role, sink in self._arc.sinks.items():
            table = table_at(sink.path_uri)
            outcome = self._add(table, folders, work)
            problem = _problem(role, table, outcome, len(folders))
            if problem and not (outcome.added or outcome.before):
                raise WorkloadError(problem)
            problems += [problem] if problem else []
            uris = tuple(_listed(sink.path_uri, folders, outcome, self._props.partition_results))
            results[role] = SinkResult(manifest=_manifest(work.lot, uris, outcome, problem), bytes=0)
        return WorkResult(sinks=results, problem="; ".join(problems))

    def close(self) -> None:
        """Nothing is held."""

    # ---- one table ----

    def _add(self, table: Table, folders: Sequence[Partition], work: Work) -> Outcome:
        descriptor, keys = self._described(table)
        marks = {_LOT: str(work.lot), _ARC: f"{self._project}/{work.arc}"}
        outcome = Outcome()
        for each in folders:
            _check(each, keys, table)
        for start in range(0, len(folders), _BATCH):
            if outcome.is_stopped or work.stopping():
                outcome.is_stopped = True
                break
            self._add_batch(table, folders[start : start + _BATCH], descriptor, marks, outcome)
        return outcome

    def _described(self, table: Table) -> tuple[Mapping[str, Any], Sequence[str]]:
        """How the table's data is stored, and the names of its partition keys."""
        with asking(f"the table {table.label}"):
            try:
                found = self._glue.get_table(**table.request, Name=table.name)["Table"]
            except self._glue.exceptions.EntityNotFoundException as error:
                msg = f"there is no table {table.label}"
                hint = "declare it as a resource, aws:core:glueTable, or check the sink's pathURI"
                raise WorkloadError(msg, hint=hint) from error
        return found["StorageDescriptor"], [key["Name"] for key in found.get("PartitionKeys", [])]

    def _add_batch(
        self,
        table: Table,
        batch: Sequence[Partition],
        descriptor: Mapping[str, Any],
        marks: Mapping[str, str],
        outcome: Outcome,
    ) -> None:
        inputs = [
            {
                "Values": list(each.values),
                "StorageDescriptor": {**descriptor, "Location": each.location},
                "Parameters": dict(marks),
            }
            for each in batch
        ]
        try:
            with asking(f"the table {table.label}"):
                answer = self._glue.batch_create_partition(
                    **table.request, TableName=table.name, PartitionInputList=inputs
                )
        except ClsError as error:
            if error.retryable:
                raise
            outcome.failed |= dict.fromkeys((each.folder for each in batch), str(error))
            return
        errors = {tuple(each["PartitionValues"]): each["ErrorDetail"] for each in answer.get("Errors", [])}
        there = [each for each in batch if errors.get(each.values, {}).get("ErrorCode") == "AlreadyExistsException"]
        self._tell_apart(table, there, marks, outcome)
        for each in batch:
            if each.values not in errors:
                outcome.added.append(each.folder)
            elif each not in there:
                detail = errors[each.values]
                outcome.failed[each.folder] = f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage', '')}"

    def _tell_apart(self, table: Table, there: Sequence[Partition], marks: Mapping[str, str], outcome: Outcome) -> None:
        """Of partitions that exist: those that an attempt at this lot has added, others, and others' altogether."""
        if not there:
            return
        wanted = [{"Values": list(each.values)} for each in there]
        with asking(f"the table {table.label}"):
            answer = self._glue.batch_get_partition(**table.request, TableName=table.name, PartitionsToGet=wanted)
        found = {tuple(each["Values"]): each for each in answer.get("Partitions", [])}
        for each in there:
            partition = found.get(each.values, {})
            location = partition.get("StorageDescriptor", {}).get("Location", each.location)
            if location.rstrip("/") != each.location.rstrip("/"):
                outcome.failed[each.folder] = f"the partition is already there, for {location}"
            elif marks.items() <= partition.get("Parameters", {}).items():
                outcome.added.append(each.folder)
            else:
                outcome.before.append(each.folder)


# ---- folders ---------------------------------------------------------------------------------------------------


def _folders(source: SourceLot, props: GluePartitionsProps) -> Iterator[Partition]:
    """The folders that hold the objects of a source lot, each once, in the manifest's order."""
    manifest = source.read()
    seen: set[str] = set()
    for uri in manifest.uris:
        try:
            root = home(source.roots, uri)
        except InvalidValueError as error:
            raise WorkloadError(str(error)) from error
        key = layout.key(root, uri)
        folder = key.rstrip("/") if manifest.uri_type is UriType.PATH else dirname(key)
        if not folder:
            msg = f"{uri} lies in no folder, which would be its partition"
            raise WorkloadError(msg, hint=f"put it in one such as {root}day=20240131/")
        if folder not in seen:
            seen.add(folder)
            yield Partition(folder, values(folder, props), f"{unquote(root)}{folder}/")


def values(folder: str, props: GluePartitionsProps) -> tuple[str, ...]:
    """The partition's values that *folder* spells."""
    return tuple(_value(part, props) for part in folder.split("/"))


def _value(part: str, props: GluePartitionsProps) -> str:
    if props.partition_type is PartitionType.VALUE:
        return part
    _, delimiter, value = part.partition(props.named_partition_delimiter)
    return value if delimiter else part


def _check(partition: Partition, keys: Sequence[str], table: Table) -> None:
    if len(partition.values) != len(keys) or not all(partition.values):
        named = ", ".join(keys) or "none"
        msg = (
            f"the folder {partition.folder} gives the values {partition.values}, and {table.label} has the keys {named}"
        )
        raise WorkloadError(msg, hint="see that each folder is for one key of the table, in their order")


# ---- the result ------------------------------------------------------------------------------------------------


def _problem(role: str, table: Table, outcome: Outcome, total: int) -> str:
    missing = total - len(outcome.added) - len(outcome.before)
    if not missing:
        return ""
    reasons = list(dict.fromkeys(outcome.failed.values()))[:_TOLD]
    reasons += ["the attempt was stopped"] if outcome.is_stopped else []
    return f"sink '{role}': {missing} of {total} partitions were not added to {table.label}: {'; '.join(reasons)}"


def _listed(sink: str, folders: Iterable[Partition], outcome: Outcome, results: PartitionResults) -> Iterator[str]:
    """What the manifest lists, as locations: the partitions that are asked for, or the table, which holds them all."""
    if results is PartitionResults.NONE:
        yield sink
        return
    listed = {*outcome.added, *(outcome.before if results is PartitionResults.ALL else ())}
    for each in folders:
        if each.folder in listed:
            yield layout.uri(sink, f"{each.folder}/")


def _manifest(lot: Lot, uris: tuple[str, ...], outcome: Outcome, problem: str) -> Manifest:
    if problem:
        return Manifest(state=ManifestState.PARTIAL, comment=problem, lot=lot, uri_type=UriType.PATH, uris=uris)
    if not outcome.added:
        return Manifest(state=ManifestState.EMPTY, lot=lot)
    return Manifest(state=ManifestState.COMPLETE, lot=lot, uri_type=UriType.PATH, uris=uris)
