"""From what is to be run to how it ended: a container is made, begun, followed, ended and removed."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TypeVar

from cls_docker.client import Engine
from cls_docker.errors import ImageMissingError, asking
from cls_docker.following import Following
from cls_docker.images import Image
from cls_docker.orphans import remove, take_over
from cls_docker.printed import Attached, Printed
from cls_docker.run import Run, creation
from clusterless.errors import ClsError, WorkloadError
from clusterless.provider import Clock
from clusterless.runtime.output import Output, await_end

T = TypeVar("T")

GRACE = 10  # seconds between SIGTERM and SIGKILL
_SETTLED = 5.0  # seconds that what a stopped container printed is waited for
_MADE = "created"  # the state of a container that was never begun
_PROGRAM = re.compile(r'exec: \\?"(?P<program>.*?)\\?": (?P<why>[^":]+)')


def run_container(
    engine: Engine,
    image: Image,
    run: Run,
    *,
    output: Output,
    timeout: float,
    stopping: Callable[[], bool],
    clock: Clock,
) -> None:
    """Run a container to its end, and remove it; what it prints goes to *output*.

    A container of the same attempt is gone on with, and those of others at the same lot are removed.

    Raises:
        WorkloadError: it could not be made or begun, exited otherwise than with 0, ran too long, or was stopped.
        EngineUnavailableError, EngineRefusedError: there is no engine that can be used.
    """
    container = take_over(engine, run) or _make(engine, image, run, output, stopping)
    try:
        following = Following(engine, container, output, clock, _begun(engine, container, run))
        following.begin()
        try:
            await_end(following.ended.wait, timeout, stopping)
        except WorkloadError as error:
            _stop(engine, container)
            following.give_up(_SETTLED)
            raise WorkloadError(f"the container {error}{output.tail()}", hint=error.hint) from None
        if following.error:
            raise following.error
        if following.code:
            raise _failure(engine, container, run, following, output)
    finally:
        with suppress(ClsError):  # it is known by its label: the next attempt removes it
            remove(engine, container)


def _make(engine: Engine, image: Image, run: Run, output: Output, stopping: Callable[[], bool]) -> str:
    """A container, its id; once more where the image had to be fetched first."""
    for fetched in (False, True):
        try:
            return _create(engine, run, _unless(stopping, partial(image.ready, output.note)))
        except ImageMissingError as error:
            if fetched:
                raise
            _unless(stopping, partial(image.missing, error, output.note))
    raise AssertionError


def _unless(stopping: Callable[[], bool], have: Callable[[], T]) -> T:
    """What comes of having an image, which may take the engine long, and cannot be interrupted.

    Raises:
        WorkloadError: the attempt is to be given up; the engine builds or pulls no longer than this process lives.
    """
    had = Future[T]()

    def try_it() -> None:
        try:
            had.set_result(have())
        except Exception as error:  # noqa: BLE001  whatever it is, who waits gets it
            had.set_exception(error)

    Thread(target=try_it, name="have an image", daemon=True).start()
    await_end(lambda seconds: bool(wait([had], seconds).done), math.inf, stopping)
    return had.result()


def _create(engine: Engine, run: Run, image: str) -> str:
    with asking(f"make a container of {image}"):
        body = {**creation(run, os.environ), "Image": image}
        return str(engine.client.api.create_container_from_config(body, name=run.name)["Id"])  # type: ignore[no-untyped-call]


def _begun(engine: Engine, container: str, run: Run) -> Printed | None:
    """Begin it if nobody has; what it prints from the first byte on, None where somebody had begun it."""
    api = engine.client.api
    with asking("look after a container"):
        if api.inspect_container(container)["State"]["Status"] != _MADE:
            return None
    try:
        printed = Attached(engine, container)  # Podman looks for the program already here
    except WorkloadError as error:
        raise _unbegun(error, run) from error
    try:
        with asking("begin a container"):
            api.start(container)
    except ClsError as error:
        printed.close()
        raise _unbegun(error, run) from error
    return printed


def _unbegun(error: ClsError, run: Run) -> ClsError:
    found = _PROGRAM.search(error.problem)
    if not found:
        return error
    msg = f"cannot run {found['program']!r} in {run.image or 'the image'}: {found['why'].strip()}"
    return WorkloadError(msg, hint="is the program in the image, and executable? 'command' follows its ENTRYPOINT")


def _failure(engine: Engine, container: str, run: Run, following: Following, output: Output) -> WorkloadError:
    """What to say of an end that was no good."""
    with asking("look after a container"):
        told = engine.client.api.inspect_container(container)
    code, hint = following.code or 0, ""
    problem = f"exited with {code}"
    if told["State"].get("OOMKilled"):
        limit = f"its {run.memory_mb} MB" if run.memory_mb else "what the machine has"
        problem, hint = f"was killed, since it used more memory than {limit}", "raise 'memorySizeMB'"
    elif code > 128:
        problem = f"was ended by signal {code - 128}"
        hint = "something outside ended it: 'docker kill', an engine that was stopped, or, unsaid by Podman, its memory"
    if following.was_away:
        problem += ", while the engine was away"
    if other := _architecture(engine, str(told["Image"])):
        problem += f": {other}"
    return WorkloadError(f"the container {problem}{output.tail()}", hint=hint)


def _architecture(engine: Engine, image: str) -> str:
    """What is to be said where an image was made for another machine."""
    with asking("look at an image"):
        told = engine.client.api.inspect_image(image)  # type: ignore[no-untyped-call]
    made = str(told.get("Architecture", ""))
    own = engine.about.architecture
    return f"its image is for {made}, and the engine's machine is {own}" if made and own and made != own else ""


def _stop(engine: Engine, container: str) -> None:
    with suppress(ClsError), asking("stop a container"):
        engine.client.api.stop(container, timeout=GRACE)
