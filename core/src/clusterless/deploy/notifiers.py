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
    """Findings about the notifiers of a project: variables unset here or of no use, datasets never heard of."""
    part = placed.part
    written = {writer.dataset.id for writer in Graph((part,)).writers}
    for index, notifier in enumerate(part.deployable.notifiers):
        if not notifier.exclude:
            path = f"{part.at}.notifiers[{index}]"
            yield from _variables(notifier, part.file, path)
            yield from _unheard(notifier, written, part.file, path)


def _variables(notifier: Notifier, file: str, path: str) -> Iterator[Finding]:
    for name in notifier.variables:
        if value := os.environ.get(name):
            try:
                notifier.check_variable(name, value)
            except InvalidValueError as error:
                yield Finding(file=file, path=path, text=error.problem, remedy=error.hint)
        else:
            text = f"the environment variable {name} is not set here"
            remedy = "set it where the project is run"
            yield Finding(severity=Severity.WARNING, file=file, path=path, text=text, remedy=remedy)


def _unheard(notifier: Notifier, written: set[str], file: str, path: str) -> Iterator[Finding]:
    for number, dataset in enumerate(notifier.datasets):
        if dataset.id not in written:
            text = f"the project does not write {dataset.id}, and announces its own lots only"
            remedy = f"it writes {', '.join(sorted(written)) or 'nothing'}"
            yield Finding(file=file, path=f"{path}.datasets[{number}]", text=text, remedy=remedy)
