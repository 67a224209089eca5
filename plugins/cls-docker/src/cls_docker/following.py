"""A container while it runs: what it prints is taken at once, and its end waited for, also past an engine's restart."""

from __future__ import annotations

import threading
from contextlib import closing

from cls_docker.client import Engine
from cls_docker.errors import ContainerGoneError, EngineUnavailableError, asking
from cls_docker.printed import Printed, kept
from clusterless.errors import ClsError, WorkloadError
from clusterless.provider import Clock
from clusterless.runtime.output import Output

PATIENCE = 120.0  # seconds that an engine may be away
_LOOK = 1.0  # seconds between looks whether it is back


class Following:
    """Follows the container in a thread of its own, from `begin` on; *ended* is set once it is known how it ended.

    *printed* is what it prints, where it was attached to before it began; without, it is one that somebody
    else has begun, of which all is taken that the engine has kept.
    """

    def __init__(self, engine: Engine, container: str, output: Output, clock: Clock, printed: Printed | None) -> None:
        self._engine = engine
        self._container = container
        self._output = output
        self._clock = clock
        self._printed = printed
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow {container[:12]}", daemon=True)
        self.ended = threading.Event()
        self.code: int | None = None
        self.error: ClsError | None = None
        self.was_away = False

    def begin(self) -> None:
        self._thread.start()

    def give_up(self, seconds: float) -> None:
        """Do not wait for an engine that is away any more; what is still printed is taken for some *seconds*."""
        self._given_up.set()
        self._thread.join(seconds)

    def _follow(self) -> None:
        try:
            self.code = self._to_the_end()
        except ClsError as error:
            self.error = error
        finally:
            self.ended.set()

    def _to_the_end(self) -> int:
        since = 0.0
        printed = self._printed
        while True:
            try:
                self._take(printed or kept(self._engine, self._container, since))
                return self._code()
            except EngineUnavailableError as error:
                since, printed = self._clock.now().timestamp(), None
                self._await_engine(error)

    def _take(self, printed: Printed) -> None:
        with closing(printed), asking("read what a container prints"):
            for chunk in printed:
                self._output.write(chunk)

    def _code(self) -> int:
        with asking("wait for a container"):
            return int(self._engine.client.api.wait(self._container, timeout=None)["StatusCode"])

    def _await_engine(self, error: EngineUnavailableError) -> None:
        """Until it answers and knows the container.

        Raises:
            WorkloadError: the container is gone.
            EngineUnavailableError: it was away for too long.
        """
        self.was_away = True
        waited = 0.0
        while waited < PATIENCE and not self._given_up.is_set():
            self._clock.sleep(_LOOK)
            waited += _LOOK
            try:
                with asking("look after a container"):
                    self._engine.client.api.inspect_container(self._container)
            except EngineUnavailableError:
                continue
            except ContainerGoneError as gone:
                msg = "the engine went away, and the container with it"
                raise WorkloadError(msg) from gone
            self._output.write(b"\n[clusterless: the engine was away]\n")
            return
        raise error
