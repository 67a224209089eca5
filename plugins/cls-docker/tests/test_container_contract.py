"""``docker:core:containerArc`` under the contract for workloads, on a real engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cls_docker.components import ContainerArc, ContainerSettings
from cls_docker.workload import open_arc
from clusterless.model.arc import Arc
from clusterless.provider import Workload
from clusterless.testing.workload_contract import Does, LotBench, WorkloadContract


class TestContainerArc(WorkloadContract):
    @pytest.fixture(autouse=True)
    def _engine(self, api: Any, busybox: str) -> None:
        self._api, self._image = api, busybox

    def opened(self, bench: LotBench, does: Does) -> tuple[Arc, Workload]:
        # What is the first process of a container ends by a signal only if it says so.
        script = bench.as_shell(does).replace("sleep 600", "sleep 600 & wait")
        command = ("sh", "-euc", f"trap 'exit 143' TERM\n{script}")
        workload = ContainerSettings(image=self._image, command=command, timeout_sec=bench.timeout)
        arc = ContainerArc(type="docker:core:containerArc", workload=workload, **bench.elements)
        return arc, open_arc(arc, bench.surroundings)

    def left_behind(self, bench: LotBench) -> Sequence[object]:
        store = bench.surroundings.roots.arc_state
        return list(self._api.containers(all=True, filters={"label": f"clusterless.store={store}"}))
