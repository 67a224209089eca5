"""The CloudFormation template of what a placement needs beforehand (FORMATS 6.1): values in, a template out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import frozen

from cls_aws.arn import partition
from cls_aws.buckets import NOT_PUBLIC, tls_only
from clusterless import layout
from clusterless.engine.names import PlacementNames
from clusterless.model.placement import BOOTSTRAP_VERSION, Placement

TAG = "cls:bootstrap"
"""Marks a stack as one of ours; its value is the version of what was made."""


@frozen
class Part:
    """A bucket or the bus of a placement: what its stack, its export and it itself are *called*."""

    logical: str
    export: str
    called: str
    reference: str  # the last two parts of the name that it is exported under

    @property
    def is_bucket(self) -> bool:
        return self.export != "event-bus"

    @property
    def what(self) -> str:
        """It, for people."""
        return f"s3://{self.called}/" if self.is_bucket else f"event bus {self.called}"


def parts(placement: Placement) -> tuple[Part, Part, Part, Part]:
    """The three buckets of a completed *placement*, and its bus."""
    metadata, arc_state, manifest = layout.store_names(placement)
    return (
        Part("Metadata", "metadata", metadata, "metadata:store"),
        Part("ArcState", "arcState", arc_state, "arcState:store"),
        Part("Manifest", "manifest", manifest, "manifest:store"),
        Part("EventBus", "event-bus", PlacementNames(placement).bus, "event-bus:arc-event-bus"),
    )


def template(placement: Placement, but: Collection[Part] = ()) -> dict[str, Any]:
    """The template of all that the *placement* needs, *but* some."""
    wanted = [part for part in parts(placement) if part not in but]
    resources: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for part in wanted:
        resources |= _bucket(part) if part.is_bucket else _bus(part)
        outputs |= _outputs(part, placement)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"What clusterless keeps of the placement {placement.id}",
        "Resources": resources,
        "Outputs": outputs,
    }


def exports(placement: Placement, *, by_stack: bool) -> dict[str, dict[str, str]]:
    """What ``metadata.json`` says of it all (FORMATS 4.4); a stack exports names to refer to it by."""
    found = {}
    for part in parts(placement):
        refs = {"nameRef": _reference("name", part, placement)}
        if part.is_bucket:
            refs["arnRef"] = _reference("arn", part, placement)
        found[part.export] = {**(refs if by_stack else {}), "name": part.called}
        if part.is_bucket:
            found[part.export]["arn"] = f"arn:{partition(placement.region)}:s3:::{part.called}"
    return found


def _bucket(part: Part) -> dict[str, Any]:
    encryption = {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    return {
        part.logical: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketName": part.called,
                "PublicAccessBlockConfiguration": NOT_PUBLIC,
                "BucketEncryption": encryption,
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        },
        f"{part.logical}Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": part.logical},
                "PolicyDocument": tls_only({"Fn::GetAtt": [part.logical, "Arn"]}),
            },
        },
    }


def _bus(part: Part) -> dict[str, Any]:
    return {part.logical: {"Type": "AWS::Events::EventBus", "Properties": {"Name": part.called}}}


def _outputs(part: Part, placement: Placement) -> Mapping[str, Any]:
    name = {"Value": {"Ref": part.logical}, "Export": {"Name": _reference("name", part, placement)}}
    if not part.is_bucket:
        return {f"{part.logical}Name": name}
    arn = {"Value": {"Fn::GetAtt": [part.logical, "Arn"]}, "Export": {"Name": _reference("arn", part, placement)}}
    return {f"{part.logical}Name": name, f"{part.logical}Arn": arn}


def _reference(kind: str, part: Part, placement: Placement) -> str:
    """The name that other stacks refer to it by (FORMATS 4.5)."""
    stage = f"{placement.stage.lower()}:" if placement.stage else ""
    return f"ref:aws:{kind}:{stage}bootstrap:{BOOTSTRAP_VERSION}:meta:{part.reference}"
