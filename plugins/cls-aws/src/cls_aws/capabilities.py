"""What the provider `aws` can do, and what that was tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clusterless.model.capability import Ability, Capability, Support

_STORED = "tried on SeaweedFS, a server of its own that speaks S3, on ministack and on moto"
_WORKED = "tried on ministack and moto; Athena, by a server that keeps its rules and runs no query"
_JOBS = "nothing is submitted to AWS Batch; its arcs are worked on this machine, by cls-docker"
_LATER = "nothing renders it to CloudFormation; cls run works the same projects"

CAPABILITIES: Final[Mapping[Capability, Ability]] = {
    Capability.STORES: Ability(Support.UNTRIED, _STORED),
    Capability.ARRIVALS: Ability(Support.UNTRIED, "tried on ministack: by EventBridge, and by the bucket itself"),
    Capability.EVENTS: Ability(Support.UNTRIED, "tried on ministack and moto"),
    Capability.RESOURCES: Ability(Support.UNTRIED, "tried on ministack and moto"),
    Capability.ARCS: Ability(Support.UNTRIED, _WORKED),
    Capability.CONTAINERS: Ability(Support.NOT_YET, _JOBS),
    Capability.POLICY: Ability(Support.UNTRIED, "what runs ask of ministack is held to it, which enforces nothing"),
    Capability.DEPLOYMENT: Ability(Support.NOT_YET, _LATER),
}
