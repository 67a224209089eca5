"""Every error clusterless raises on purpose.

A new class earns its place only when a caller would *do* something different
on catching it; detail that merely reads differently belongs in the message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 600  # characters of a line: an error is read by people
_END = 200
_WHOLE = 100_000  # characters of all lines
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

SHOWN = 20
"""So many findings are told where people look; whoever mends these runs it again."""


def cut(text: str, most: int, end: int = 0) -> str:
    """*text* without its middle where it has more than *most* characters; the last *end* of it are kept."""
    return text if len(text) <= most else f"{text[: most - end]}…{text[len(text) - end :]}"


def closest(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """The one of *known* that *word* probably means, whatever its case, or nothing; of a *likeness* of 1: the same."""
    from difflib import get_close_matches  # only who mistypes pays for it

    folded = {each.lower(): each for each in known}
    return next((folded[each] for each in get_close_matches(word.lower(), folded, n=1, cutoff=likeness)), "")


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint for whoever typed *word*: the one of *known* that was probably meant, or else *otherwise*."""
    close = closest(word, known)
    return f"did you mean {close!r}?" if close else otherwise


def visible(text: str) -> str:
    """*text* as a terminal may show it, whoever wrote it: what would steer that, or is in no UTF-8, is spelled out."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


class ClsError(Exception):
    """Something the user, an operator or a retry can put right.

    Attributes:
        code: A stable name for scripts and for the docs; never reworded.
        exit_code: What ``cls`` exits with when this reaches it: 1, 2 for usage, 74 for files and stores.
        retryable: Whether the same call may succeed if simply made again.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, problem: str, *, hint: str = "") -> None:
        lines = visible(cut(problem, _WHOLE, _END)).split("\n")
        problem = "\n".join(cut(line, _LONGEST, _END) for line in lines)
        super().__init__(problem)
        self.problem = problem
        self.hint = cut(visible(hint), _LONGEST)

    @property
    def advice(self) -> str:
        """The problem, and its hint on a line of its own: for where only one text is kept."""
        return f"{self.problem}\n  hint: {self.hint}" if self.hint else self.problem

    def located(self, where: str) -> ClsError:
        """The same error, told with *where* what it is about is declared."""
        told = {"problem": f"{where}: {self.problem}"}
        return _revive(type(self), (f"{where}: {self.args[0]}",), {**self.__dict__, **told})

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses take what their callers know, not what pickle replays.
        return _revive, (type(self), self.args, self.__dict__)


class InvalidValueError(ClsError, ValueError):
    """A model refused a value; the codec adds the path it was found at."""

    code = "value-invalid"
    exit_code = 2


class MalformedError(ClsError):
    """A project file or a record does not say what it must; nothing was changed.

    Attributes:
        findings: All; the message has the first of them.
    """

    code = "document-malformed"
    exit_code = 2

    def __init__(self, source: str, findings: list[str], *, hint: str = "") -> None:
        self.source = source
        self.findings = [cut(visible(finding), _LONGEST, _END) for finding in findings]
        count = "1 problem" if len(findings) == 1 else f"{len(findings):,} problems"
        lines = [f"  - {finding}" for finding in self.findings[:SHOWN]]
        if len(findings) > SHOWN:
            lines.append(f"  and {len(findings) - SHOWN:,} more")
        super().__init__("\n".join([f"{source}: {count}", *lines]), hint=hint)


class ProjectFileMissingError(ClsError, FileNotFoundError):
    """A file named on the command line is not there."""

    code = "file-missing"
    exit_code = 74


class ObjectExistsError(ClsError, FileExistsError):
    """Another writer created the object first; read it and decide again."""

    code = "object-exists"


class ObjectMissingError(ClsError, FileNotFoundError):
    """The object is not there (not: we may not look)."""

    code = "object-missing"


class ObjectConflictError(ClsError):
    """An object that all writers write alike holds other bytes; nothing was announced."""

    code = "object-conflict"


class StoreUnavailableError(ClsError, ConnectionError):
    """The store did not answer; the write may or may not have happened."""

    code = "store-unavailable"
    exit_code = 74
    retryable = True


class StoreBusyError(StoreUnavailableError):
    """The store asks for fewer requests: it answers again, however long that takes."""

    code = "store-busy"


class StoreRefusedError(ClsError, PermissionError):
    """The store answered and said no: read-only, full, denied, or outside its root."""

    code = "store-refused"
    exit_code = 74


class PlaceMissingError(StoreRefusedError):
    """What a store keeps its objects in, such as a bucket, is not there; it is made on purpose only."""

    code = "place-missing"


class UnfitError(ClsError):
    """This environment, or a store, was tried and does not do what running needs."""

    code = "unfit"


class PluginError(ClsError):
    """A plugin does not keep to the interface, or its import broke."""

    code = "plugin-broken"


class NotInstalledError(ClsError, LookupError):
    """No installed plugin offers what a declaration names."""

    code = "not-installed"
    exit_code = 2


class VariableUnsetError(ClsError, LookupError):
    """An environment variable that something declared needs is not set."""

    code = "variable-unset"
    exit_code = 2


class OwnershipError(ClsError):
    """The dataset version belongs to another project; nothing of it was written."""

    code = "dataset-owned"


class WorkloadError(ClsError):
    """A workload failed, hung, was killed, or broke its contract; the lot may be tried again."""

    code = "workload-failed"


class NotifyError(ClsError):
    """A notifier could not announce an event: it is kept and tried again, *after* so many seconds at the soonest."""

    code = "notify-failed"
    retryable = True

    def __init__(self, problem: str, *, hint: str = "", after: float = 0) -> None:
        super().__init__(problem, hint=hint)
        self.after = after


class NotifyRefusedError(ClsError):
    """Whoever was to be told of an event refused it for good: it is set aside until someone looks."""

    code = "notify-refused"


def _revive(kind: type[ClsError], args: tuple[Any, ...], state: dict[str, Any]) -> ClsError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error
