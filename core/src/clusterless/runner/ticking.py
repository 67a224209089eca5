"""One activity's thread: look at what is due, run it, wait for the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic

from clusterless.engine.lot_states import attempt_number
from clusterless.errors import MalformedError
from clusterless.model.activity import Activity, Phase, Turn
from clusterless.model.arc import Retry
from clusterless.plugins import Plugins
from clusterless.provider import Surroundings
from clusterless.runner.happenings import Happening, Ran, Started, Trouble
from clusterless.runner.lots import Followed
from clusterless.runtime.activity import RunningActivity
from clusterless.runtime.arc import Writer
from clusterless.runtime.cron import ticks_of

_PATIENCE = 5.0  # seconds after trouble
_GLANCE = 2.0  # seconds between looks at what is run elsewhere
_DOZE = 60.0  # seconds between looks where nothing is due: a new version may have changed the schedule


class Ticking(threading.Thread):
    """Runs what comes due until *stop* is set; *quiet* says that nothing is due, nor being run by anyone.

    *ran* is called after each of the *runs*; what one prints is *followed*.
    *unreadable* is the ledger's URI where it could not be read.
    """

    def __init__(
        self,
        activity: RunningActivity,
        tell: Callable[[Happening], None],
        stop: threading.Event,
        ran: Callable[[], None],
        followed: Followed,
    ) -> None:
        super().__init__(name=f"activity {activity.activity.name}", daemon=True)
        self._activity = activity
        self._tell = tell
        self._stop_asked = stop
        self._ran = ran
        self._followed = followed
        self.element = activity.element
        self.quiet = False
        self.runs = 0
        self.unreadable: set[str] = set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            try:
                seconds = self._turn()
            except MalformedError as error:
                seconds = self._set_aside(error)
            except Exception as error:  # noqa: BLE001  one activity's trouble is not the others'
                seconds = _PATIENCE
                self._tell(Trouble(element=self.element, error=error))
            self._stop_asked.wait(seconds)

    def _turn(self) -> float:
        """Look once; how many seconds later to look again."""
        begun = monotonic()
        with ExitStack() as following:
            looked = self._activity.look(lambda turn: self._begun(turn, following))
        if looked.ended:
            self._tell(_told(self.element, looked.ended, monotonic() - begun, self._activity.activity.retry))
            self.runs += 1
            self._ran()
        self.quiet = looked.resting
        longest = _DOZE if looked.resting else _GLANCE
        return longest if looked.seconds is None else min(looked.seconds, longest)

    def _begun(self, turn: Turn, following: ExitStack) -> None:
        self.quiet = False
        self._tell(Started(element=self.element, lot=str(turn.lot)))
        folder = self._activity.output(turn).parent
        following.enter_context(self._followed(self.element, str(turn.lot), folder))

    def _set_aside(self, error: MalformedError) -> float:
        if error.source not in self.unreadable:
            self.unreadable.add(error.source)
            self._tell(Trouble(element=self.element, error=error))
        self.quiet = True  # it is not mended by waiting
        return _PATIENCE


def open_activity(
    activity: Activity, plugins: Plugins, surroundings: Surroundings, writer: Writer, stopping: Callable[[], bool]
) -> RunningActivity:
    """The activity as it is run.

    Raises:
        ClsError: it cannot be had.
    """
    project = surroundings.project
    state = surroundings.open_store(surroundings.roots.arc_state)
    return RunningActivity(
        project=project,
        activity=activity,
        state=state,
        runnable=plugins.activities()[activity.type].load()(activity, surroundings),
        ticks=ticks_of(activity.schedule),
        writer=writer,
        outputs=surroundings.scratch / project.name / project.version,
        stopping=stopping,
        since=state.now(),
    )


def _told(element: str, turn: Turn, seconds: float, retry: Retry) -> Ran:
    number = attempt_number(turn.attempt)
    states = {Phase.RELEASED: "released", Phase.ENDED: "failed" if turn.error else "done"}
    return Ran(
        element=element,
        lot=str(turn.lot),
        state=states[turn.phase],
        seconds=seconds,
        note=turn.note,
        error=turn.error.message if turn.error else "",
        log=turn.output,
        again=retry.delay(number) if turn.error and number < retry.attempts else None,
    )
