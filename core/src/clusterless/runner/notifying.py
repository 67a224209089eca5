"""A declared notifier, made ready to announce, and the thread that announces what could not be announced before."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from clusterless import layout
from clusterless.errors import VariableUnsetError
from clusterless.model.notifier import Notifier
from clusterless.plugins import Plugins
from clusterless.provider import Surroundings
from clusterless.runner.happenings import Happening, Trouble
from clusterless.runtime.announcing import PatientPublisher
from clusterless.runtime.clock import random_id
from clusterless.runtime.letters import LetterBox
from clusterless.runtime.switches import ON, Switch

_LOOK = 1.0  # seconds between looks at what is to be announced again


class Notifying(threading.Thread):
    """Announces what is due until *stop* is set."""

    def __init__(self, notifier: PatientPublisher, tell: Callable[[Happening], None], stop: threading.Event) -> None:
        super().__init__(name=f"notifier {notifier.element}", daemon=True)
        self._notifier = notifier
        self._tell = tell
        self._stop_asked = stop

    @property
    def quiet(self) -> bool:
        return self._notifier.quiet

    def run(self) -> None:
        while not self._stop_asked.is_set():
            try:
                self._notifier.send_due()
            except Exception as error:  # noqa: BLE001  the letters are kept, and looked for again
                self._tell(Trouble(element=self._notifier.element, error=error))
            self._stop_asked.wait(_LOOK)


def open_notifier(
    notifier: Notifier,
    plugins: Plugins,
    surroundings: Surroundings,
    stopping: Callable[[], bool],
    label: str = "",
    switch: Switch = ON,
) -> PatientPublisher:
    """What announces for *notifier*, of the project *label* (else by its name), and keeps what it could not.

    Raises:
        VariableUnsetError: a variable that it needs is not set.
        ClsError: it cannot be had for another reason.
    """
    project = surroundings.project
    element = f"{label or project.name}/{notifier.name}"
    if unset := [name for name in notifier.variables if not os.environ.get(name)]:
        msg = f"{element} needs the environment variable {unset[0]}, which is not set"
        raise VariableUnsetError(msg, hint=f"set it where cls is started: {unset[0]}=… cls run …")
    publisher = plugins.notifiers()[notifier.type].load()(notifier, surroundings)
    box = LetterBox(
        surroundings.open_store(surroundings.roots.arc_state), layout.NotifierKeys(project, notifier.name), random_id
    )
    return PatientPublisher(element, notifier, publisher, box, surroundings.clock, stopping, switch)
