"""One run of an activity, as the code that does it sees it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Self

from attrs import frozen

from clusterless.errors import InvalidValueError, WorkloadError
from clusterless.model.lot import Lot
from clusterless.sdk.progress import progress


@frozen(kw_only=True)
class ActivityWork:
    """One attempt at one run: for the *lot* that has ended, or the minute that a cron fired in.

    *attempt* names all that this attempt does. *token* is an idempotency key for side effects elsewhere: the same
    for every attempt at the run. *props* are the activity's ``workloadProps``.
    """

    lot: Lot
    attempt: str
    token: str
    props: Mapping[str, Any]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The run that the ``CLS_…`` variables describe.

        Raises:
            WorkloadError: a variable is missing or is not what it must be.
        """
        try:
            return cls(
                lot=Lot.parse(environment["CLS_LOT"]),
                attempt=environment["CLS_ATTEMPT"],
                token=environment["CLS_IDEMPOTENCY_KEY"],
                props=json.loads(environment["CLS_WORKLOAD_PROPS_JSON"]),
            )
        except KeyError as error:
            msg = f"no {error.args[0]} in the environment"
            raise WorkloadError(msg, hint="let `cls run` start it, or set the CLS_… variables of an activity") from None
        except (InvalidValueError, ValueError, RecursionError) as error:
            msg = f"the CLS_… variables do not describe an activity's run: {error}"
            raise WorkloadError(msg) from error

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Say how far the work has come: *done* of *total*, in any unit."""
        progress(done, total, message)
