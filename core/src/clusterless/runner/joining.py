"""Projects whose placement does not answer: each is tried again in a thread of its own, and joins the run then.

What else is run goes on meanwhile, as it does where a placement is lost on the way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from attrs import field, frozen

from clusterless.errors import StoreBusyError, StoreUnavailableError
from clusterless.runner.happenings import Happening, Joined, Trouble
from clusterless.runner.opening import BenchOf, Opened, open_site, open_sites
from clusterless.runner.patience import Patience
from clusterless.runtime.site import Awaited, Site, labels

_PATIENCE = 5.0  # seconds after the first trouble


@frozen(kw_only=True)
class Absent:
    """What cannot be opened yet of a project, and *why*; *open* may be called until it can."""

    label: str
    why: StoreUnavailableError
    open: Callable[[], Opened] = field(repr=False)


def open_reached(
    sites: Sequence[Site], awaited: Sequence[Awaited], bench_of: BenchOf
) -> tuple[list[Opened], list[Absent]]:
    """As `open_sites`, for those of several sites that answer; the others, and what is *awaited*, are absent.

    Raises:
        ClsError: something declared cannot be had, or none of the sites answers.
    """
    absent = [Absent(label=each.name, why=each.why, open=partial(_open_again, each, bench_of)) for each in awaited]
    try:
        return open_sites(sites, bench_of), absent
    except StoreBusyError:
        raise
    except StoreUnavailableError:
        if len(sites) == 1:
            raise
    opened, lost = _open_each(sites, bench_of)
    return opened, [*absent, *lost]


def _open_again(awaited: Awaited, bench_of: BenchOf) -> Opened:
    return open_site(awaited.again(), awaited.name, bench_of)


def _open_each(sites: Sequence[Site], bench_of: BenchOf) -> tuple[list[Opened], list[Absent]]:
    opened, lost = list[Opened](), list[Absent]()
    with ExitStack() as stack:
        for site, label in zip(sites, labels(sites), strict=True):
            try:
                opened.append(open_site(site, label, bench_of))
                stack.push(opened[-1].closing)
            except StoreBusyError:
                raise
            except StoreUnavailableError as error:
                lost.append(Absent(label=label, why=error, open=partial(open_site, site, label, bench_of)))
        if len(lost) == len(sites):
            raise lost[0].why
        stack.pop_all()
    return opened, lost


class Joining(threading.Thread):
    """Opens what is *absent*, again and again until it answers, or *stop* is set."""

    def __init__(self, absent: Absent, tell: Callable[[Happening], None], stop: threading.Event) -> None:
        super().__init__(name=f"joining of {absent.label}", daemon=True)
        self._absent = absent
        self._tell = tell
        self._stop_asked = stop
        self._opened: Opened | None = None
        self.label = absent.label

    def take(self) -> Opened | None:
        """What was opened, once: whoever runs it closes it."""
        opened, self._opened = self._opened, None
        return opened

    def run(self) -> None:
        patience = Patience(_PATIENCE)
        error: Exception = self._absent.why
        while True:
            seconds = patience.lost(error)
            if patience.is_news:
                self._tell(Trouble(element=self.label, error=error))
            if self._stop_asked.wait(seconds):
                return
            try:
                self._opened = self._absent.open()
            except Exception as again:  # noqa: BLE001  one project's trouble is not the others'
                error = again
            else:
                self._tell(Joined(element=self.label))
                return

    def close(self) -> None:
        """Give back what nobody took; the thread has ended."""
        if opened := self.take():
            opened.closing.close()
