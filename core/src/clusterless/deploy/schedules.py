"""Whether what is to run on a clock ever does."""

from __future__ import annotations

from collections.abc import Iterator

from clusterless.deploy.places import Placed
from clusterless.engine.findings import Finding
from clusterless.errors import InvalidValueError
from clusterless.model.schedule import Schedule
from clusterless.runtime.cron import check_cron, check_timezone


def scheduled(placed: Placed) -> Iterator[Finding]:
    """Expressions that are none, or never fire, and time zones that nobody knows."""
    deployable = placed.part.deployable
    for index, activity in enumerate(deployable.activities):
        yield from _findings(placed, activity.schedule, f".activities[{index}]")
    for path, boundary in deployable.ingress:
        if boundary.booking.schedule:
            yield from _findings(placed, boundary.booking.schedule, path)


def _findings(placed: Placed, schedule: Schedule, at: str) -> Iterator[Finding]:
    if schedule.cron is None:
        return
    for key, check, value in (
        ("cron", check_cron, schedule.cron),
        ("timezone", check_timezone, schedule.timezone),
    ):
        try:
            check(value)
        except InvalidValueError as error:
            path = f"{placed.part.at}{at}.{key}"
            yield Finding(file=placed.part.file, path=path, text=error.problem, remedy=error.hint)
