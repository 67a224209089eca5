"""How the arcs that every provider can run are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import Attribute, Factory, field, frozen
from attrs.validators import gt

from clusterless.errors import InvalidValueError
from clusterless.model.arc import Arc, WorkloadSettings
from clusterless.model.copying import CopyProps
from clusterless.model.element import Needs
from clusterless.model.limits import Limits
from clusterless.model.naming import check_environment
from clusterless.runtime.contract import check_command

_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


# ---- cls:core:copyArc ------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class CopySettings(WorkloadSettings):
    workload_props: CopyProps = Factory(CopyProps)  # type: ignore[assignment]  # typed props instead of free ones


@frozen(kw_only=True)
class CopyArc(Arc):
    """Copies the objects of its source lots to every sink, from any scheme to any scheme."""

    workload: CopySettings = Factory(CopySettings)


# ---- cls:core:execArc ------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class ExecSettings(WorkloadSettings):
    """``command`` is run without a shell, in the folder of the project file.

    Of the variables around it it sees PATH, HOME, LANG, LC_…, TMPDIR, TZ and VIRTUAL_ENV only, and
    what ``environment`` adds. After ``timeoutSec`` it is ended, with all that it started.
    """

    command: tuple[str, ...] = field(default=(), validator=check_command)
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    timeout_sec: float = field(default=3600, validator=gt(0))
    limits: Limits = Factory(Limits)


@frozen(kw_only=True)
class ExecArc(Arc):
    """Runs a command for each lot, which reads and writes manifests by the workload contract."""

    workload: ExecSettings = field(factory=ExecSettings)

    @property
    def needs(self) -> Needs:
        return Needs(program=self.workload.command[0], path=self.workload.environment.get("PATH"))

    @workload.validator
    def _has_a_command(self, _: object, workload: ExecSettings) -> None:
        if not workload.command:
            msg = '\'command\' is empty: give the program and its arguments, such as ["./count.sh", "$.role"]'
            raise InvalidValueError(msg)


# ---- cls:core:pythonArc ----------------------------------------------------------------------------------------


def _is_a_function(_: object, attribute: Attribute[str], value: str) -> None:
    if value and not _FUNCTION.fullmatch(value):
        msg = f"{value!r} is not a {attribute.name}: use 'module:function'"
        raise InvalidValueError(msg)


@frozen(kw_only=True)
class PythonSettings(WorkloadSettings):
    """``function`` is ``module:function``, called with a `clusterless.sdk.LotWork`.

    The folders of ``pythonPath`` (relative to the project file's) are where modules are looked for
    first. ``environment``, ``timeoutSec`` and ``limits`` are as those of `ExecSettings`.
    """

    function: str = field(default="", validator=_is_a_function)
    python_path: tuple[str, ...] = (".",)
    environment: Mapping[str, str] = field(factory=dict, validator=check_environment)
    timeout_sec: float = field(default=3600, validator=gt(0))
    limits: Limits = Factory(Limits)


@frozen(kw_only=True)
class PythonArc(Arc):
    """Calls a Python function for each lot, in a process that is kept for the next."""

    workload: PythonSettings = field(factory=PythonSettings)

    @property
    def needs(self) -> Needs:
        module, _, function = self.workload.function.partition(":")
        return Needs(module=module, function=function, folders=self.workload.python_path)

    @workload.validator
    def _has_a_function(self, _: object, workload: PythonSettings) -> None:
        if not workload.function:
            msg = "'function' is missing: name it as 'module:function'"
            raise InvalidValueError(msg)
