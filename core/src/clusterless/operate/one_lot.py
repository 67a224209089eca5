"""One lot, worked now, its output seen while it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clusterless.engine.moments import dated
from clusterless.engine.parts import lot_of
from clusterless.errors import ClsError, InvalidValueError
from clusterless.model.ledger import Claim, Complete, Failed
from clusterless.model.lot import Lot
from clusterless.operate.bench import open_views, workbench
from clusterless.operate.candidates import is_over
from clusterless.operate.landscape import ArcView, Landscape
from clusterless.runtime.arc import RunningArc
from clusterless.runtime.delivery import Delivered, deliver
from clusterless.runtime.printed import PrintedFiles
from clusterless.runtime.replay import roll_back_lot

_LOOK = 0.1  # seconds between looks at what was printed


class LotRefusedError(ClsError):
    """The lot is not to be worked now."""

    code = "lot-refused"


def check_unit(view: ArcView, lot: Lot) -> None:
    """Refuse what cannot be a lot of the arc.

    Raises:
        InvalidValueError: its lots are of another unit.
    """
    if view.unit and lot.unit is not view.unit:
        msg = f"{view.name} has lots of {view.unit.label}, and {lot} is none"
        raise InvalidValueError(msg, hint=f"such as {Lot.containing(lot.start, view.unit)}")


def work_one(
    landscape: Landscape,
    view: ArcView,
    lot: Lot,
    scratch: Path,
    stop: threading.Event,
    emit: Callable[[bytes], None],
    *,
    again: bool,
    workloads: str = "",
) -> Delivered:
    """Claim *lot*, work it and commit what comes of it; what it prints is *emit*-ted meanwhile.

    What had failed begins its attempts anew; what is complete is replaced only *again*. *workloads* names the
    container engine that works arcs of a container kind; none: each by its own component.

    Raises:
        NotInstalledError: no plugin offers that engine.
        InvalidValueError: the arc has no such lots.
        LotRefusedError: it is complete, another works it, or its sources are not there.
    """
    own = lot_of(view.arc, lot)
    check_unit(view, own)
    with ExitStack() as stack:
        bench = stack.enter_context(workbench(landscape, scratch, stop.is_set, workloads))
        (arc,) = open_views(landscape, [view], bench, stack)
        _make_ready(arc, own, again=again)
        with _followed(arc.output(own, "").parent, emit):
            delivered = deliver(arc, own)
        if delivered.outcome is None and not stop.is_set():
            msg = f"{arc.element} {own} was not worked: {delivered.why}"
            raise LotRefusedError(msg, hint="cls gaps --why says what is missing")
        return delivered


def _make_ready(arc: RunningArc, lot: Lot, *, again: bool) -> None:
    ledger = arc.ledger(lot)
    number = ledger.look().last
    last = ledger.read(number) if number else None
    if isinstance(last, Claim) and not is_over(ledger, last):
        msg = f"{arc.element} {lot} is being worked by {last.by}, since {dated(last.at)}"
        raise LotRefusedError(msg, hint="wait until it is done, or stop that run")
    if isinstance(last, Complete) and not again:
        msg = f"{arc.element} {lot} is complete, as revision {last.revision}"
        raise LotRefusedError(msg, hint="add --again to work it again, and replace what it came to")
    if isinstance(last, Complete | Failed):
        roll_back_lot(arc, lot, "exec")


@contextmanager
def _followed(folder: Path, emit: Callable[[bytes], None]) -> Iterator[None]:
    """While the context lasts, what is printed to files of *folder* is emitted."""
    printed = PrintedFiles(folder)
    over = threading.Event()

    def follow() -> None:
        is_last = False
        while not is_last:
            is_last = over.wait(_LOOK)
            for data, _ in printed.chunks():
                emit(data)

    thread = threading.Thread(target=follow, name="output", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
