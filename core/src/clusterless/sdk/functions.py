"""Functions by name, and what a user needs to see of the errors in them."""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable
from typing import Any

from clusterless.errors import WorkloadError

_OURS = (os.path.dirname(os.path.dirname(__file__)) + os.sep, "<frozen ")
_PYTHONS = os.path.dirname(os.__file__) + os.sep
_INSTALLED = (f"{_PYTHONS}site-packages{os.sep}", f"{_PYTHONS}dist-packages{os.sep}")
_TEXT = 1500  # characters of a trace that are kept

Function = Callable[[Any], object]
"""Called with a `LotWork` or an `ActivityWork`."""


def find(name: str) -> Function:
    """The function ``module:function``.

    Raises:
        WorkloadError: the module is not there or its import fails, or it has no such function.
    """
    module_name, _, function_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module that exits is none to call
        msg = f"{module_name} cannot be imported: {describe(error)}"
        raise WorkloadError(msg) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        msg = f"{module_name} has no function {function_name!r}"
        raise WorkloadError(msg, hint=f"it was read from {getattr(module, '__file__', None)}")
    return function  # type: ignore[no-any-return]  # its signature cannot be known


def describe(error: BaseException) -> str:
    """The error and where in the user's code it came from: frames of ours and of Python's own are left out."""
    trace = traceback.TracebackException.from_exception(error)
    _trim(trace)
    summary = next(reversed(list(trace.format_exception_only()))).strip()[:300]
    if isinstance(error, SystemExit):  # on purpose, and said in words or by a number
        said = summary.removeprefix("SystemExit: ")
        return f"exited with {said}" if isinstance(error.code, int) else f"exited: {said}"
    text = "".join(trace.format()).rstrip()
    if text.removeprefix("Traceback (most recent call last):\n") == summary:  # no line of the user's
        return summary
    return f"{summary}\n{text if len(text) <= _TEXT else '…' + text[-_TEXT:]}"


def _trim(trace: traceback.TracebackException | None) -> None:
    if trace is None:
        return
    frames = [frame for frame in trace.stack if _is_users(frame.filename)]
    trace.stack = traceback.StackSummary.from_list(frames)
    _trim(trace.__cause__)
    _trim(trace.__context__)


def _is_users(file: str) -> bool:
    return not file.startswith(_OURS) and (file.startswith(_INSTALLED) or not file.startswith(_PYTHONS))
