"""How the activities that every provider can run are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import Factory, field, frozen

from clusterless.errors import InvalidValueError
from clusterless.model.activity import Activity
from clusterless.model.arc import WorkloadSettings
from clusterless.model.element import Needs
from clusterless.model.limits import Limits
from clusterless.model.naming import check_environment
from clusterless.runtime.contract import is_selector

_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@frozen(kw_only=True)
class CommandSettings(WorkloadSettings):
    """``command`` is run without a shell, in the folder of the project file.

    It is told by ``CLS_LOT``, ``CLS_ATTEMPT``, ``CLS_IDEMPOTENCY_KEY`` and ``CLS_WORKLOAD_PROPS_JSON`` what it is run
    for. Of the variables around it it sees PATH, HOME, LANG, LC_…, TMPDIR, TZ and VIRTUAL_ENV only, and what
    ``environment`` adds.
    """

    command: tuple[str, ...] = field(default=())
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    limits: Limits = Factory(Limits)

    @command.validator
    def _selects_nothing(self, _: object, command: tuple[str, ...]) -> None:
        for argument in command:
            if is_selector(argument):
                msg = f"{argument!r} would select from an event, and there is none: read the variable CLS_LOT instead"
                raise InvalidValueError(msg)


@frozen(kw_only=True)
class ExecActivity(Activity):
    """Runs a command on a clock."""

    workload: CommandSettings = field(factory=CommandSettings)

    @property
    def needs(self) -> Needs:
        return Needs(program=self.workload.command[0], path=self.workload.environment.get("PATH"))

    @workload.validator
    def _has_a_command(self, _: object, workload: CommandSettings) -> None:
        if not workload.command:
            msg = '\'command\' is empty: give the program and its arguments, such as ["./report.sh", "--all"]'
            raise InvalidValueError(msg)


@frozen(kw_only=True)
class FunctionSettings(WorkloadSettings):
    """``function`` is ``module:function``, called with a `clusterless.sdk.ActivityWork`.

    What it returns, if that is text, is told as what was done. The folders of ``pythonPath`` (relative to the
    project file's) are where modules are looked for first. ``environment`` is as that of a command.
    """

    function: str = field(default="")
    python_path: tuple[str, ...] = (".",)
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    limits: Limits = Factory(Limits)

    @function.validator
    def _is_a_function(self, _: object, function: str) -> None:
        if function and not _FUNCTION.fullmatch(function):
            msg = f"{function!r} is not a function: use 'module:function'"
            raise InvalidValueError(msg)


@frozen(kw_only=True)
class PythonActivity(Activity):
    """Calls a Python function on a clock, in a process of its own."""

    workload: FunctionSettings = field(factory=FunctionSettings)

    @property
    def needs(self) -> Needs:
        module, _, function = self.workload.function.partition(":")
        return Needs(module=module, function=function, folders=self.workload.python_path)

    @workload.validator
    def _has_a_function(self, _: object, workload: FunctionSettings) -> None:
        if not workload.function:
            msg = "'function' is missing: name it as 'module:function'"
            raise InvalidValueError(msg)
