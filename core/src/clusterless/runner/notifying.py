"""A declared notifier, made ready to announce."""

from __future__ import annotations

import os
from collections.abc import Callable

from clusterless import layout
from clusterless.errors import VariableUnsetError
from clusterless.model.notifier import Notifier
from clusterless.plugins import Plugins
from clusterless.provider import Surroundings
from clusterless.runtime.announcing import PatientPublisher
from clusterless.runtime.clock import random_id
from clusterless.runtime.letters import LetterBox
from clusterless.runtime.switches import ON, Switch


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
