"""How the activities that are run in containers are declared."""

from __future__ import annotations

from attrs import field, frozen

from cls_docker.components import ContainerSettings, check_image
from clusterless.errors import InvalidValueError
from clusterless.model.activity import Activity
from clusterless.model.element import Needs
from clusterless.runtime.contract import is_selector


@frozen(kw_only=True)
class ContainerActivity(Activity):
    """Runs a container on a clock.

    It is told by ``CLS_LOT``, ``CLS_ATTEMPT``, ``CLS_IDEMPOTENCY_KEY`` and ``CLS_WORKLOAD_PROPS_JSON`` what it is run
    for, and sees no folders but its ``volumes``.
    """

    workload: ContainerSettings = field(factory=ContainerSettings, validator=check_image)

    @property
    def needs(self) -> Needs:
        return Needs(image=self.workload.image_path)

    @workload.validator
    def _selects_nothing(self, _: object, workload: ContainerSettings) -> None:
        for argument in workload.command:
            if is_selector(argument):
                msg = f"{argument!r} would select from an event, and there is none: read the variable CLS_LOT instead"
                raise InvalidValueError(msg)
