"""What can be said about notifiers before they announce anything."""

from __future__ import annotations

import os
from collections.abc import Iterator

from clusterless.deploy.places import Placed
from clusterless.engine.findings import Finding, Severity
from clusterless.engine.graph import Graph
from clusterless.errors import InvalidValueError
from clusterless.model.notifier import Notifier


def notified(placed: Placed) -> Iterator[Finding]:
    """Findings about the notifiers of a project: variables of no use, datasets never heard of."""
    written = {writer.dataset.id for writer in Graph((placed.part,)).writers}
    for notifier, path in _declared(placed):
        yield from _variables(notifier, placed.part.file, path)
        yield from _unheard(notifier, written, placed.part.file, path)


def unset(placed: Placed) -> Iterator[Finding]:
    """The variables that are not set here: no matter to who only checks, while whoever announces is refused."""
    for notifier, path in _declared(placed):
        for name in notifier.variables:
            if not os.environ.get(name):
                text = f"the environment variable {name} is not set here"
                remedy = "set it where the project is run"
                yield Finding(severity=Severity.WARNING, file=placed.part.file, path=path, text=text, remedy=remedy)


def _declared(placed: Placed) -> Iterator[tuple[Notifier, str]]:
    for index, notifier in enumerate(placed.part.deployable.notifiers):
        if not notifier.exclude:
            yield notifier, f"{placed.part.at}.notifiers[{index}]"


def _variables(notifier: Notifier, file: str, path: str) -> Iterator[Finding]:
    for name in notifier.variables:
        if value := os.environ.get(name):
            try:
                notifier.check_variable(name, value)
            except InvalidValueError as error:
                yield Finding(file=file, path=path, text=error.problem, remedy=error.hint)


def _unheard(notifier: Notifier, written: set[str], file: str, path: str) -> Iterator[Finding]:
    for number, dataset in enumerate(notifier.datasets):
        if dataset.id not in written:
            text = f"the project does not write {dataset.id}, and announces its own lots only"
            remedy = f"it writes {', '.join(sorted(written)) or 'nothing'}"
            yield Finding(file=file, path=f"{path}.datasets[{number}]", text=text, remedy=remedy)
