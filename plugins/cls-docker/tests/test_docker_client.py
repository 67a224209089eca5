"""An engine is found by the environment; where there is none, or none to be used, it is said what to do."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import ConnectionError as Unreached
from urllib3.exceptions import ProtocolError

from cls_docker.client import Engine, connect, version
from cls_docker.errors import (
    ContainerGoneError,
    EngineRefusedError,
    EngineUnavailableError,
    ImageMissingError,
    asking,
    registry_hint,
)
from clusterless.errors import ClsError, WorkloadError

# The SDK leaves the socket of a failed connection to the collector.
leaves_sockets = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@contextmanager
def speaking(api: str) -> Iterator[str]:
    """A server that says of itself that it speaks that version of the API, and nothing else."""

    class Told(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"ApiVersion": api}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Told) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


class TestNoEngine:
    pytestmark = leaves_sockets

    def test_none_answers(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
        with pytest.raises(EngineUnavailableError, match=r"none\.sock.*No such file") as gone:
            connect()
        assert "DOCKER_HOST" in gone.value.hint
        assert gone.value.retryable

    @pytest.mark.parametrize("host", ["ftp://there", "ssh://nobody.invalid"])
    def test_the_address_is_none(self, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(EngineRefusedError, match=host) as refused:
            connect()
        assert "unix:///var/run/docker.sock" in refused.value.hint

    def test_it_is_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with speaking("1.39") as host:
            monkeypatch.setenv("DOCKER_HOST", host)
            with pytest.raises(EngineRefusedError, match=r"speaks the Docker API 1\.39, and 1\.40 is needed"):
                connect()

    def test_it_may_not_be_used(self) -> None:
        denied = PermissionError(13, "Permission denied")
        with pytest.raises(EngineRefusedError, match="Permission denied") as refused, asking("look"):
            raise Unreached(ProtocolError("Connection aborted.", denied))
        assert "group docker" in refused.value.hint

    def test_it_is_asked_again_once_it_is_there(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        engine = Engine()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
        with pytest.raises(EngineUnavailableError):
            _ = engine.client
        with speaking("1.41") as host:
            monkeypatch.setenv("DOCKER_HOST", host)
            assert engine.client is engine.client
            engine.close()
        engine.close()


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (APIError("", explanation="write /x: no space left on device"), EngineRefusedError),
        (ImageNotFound("", explanation="No such image: x"), ImageMissingError),
        (NotFound("", explanation="No such container: x"), ContainerGoneError),
        (NotFound("", explanation="network x not found"), WorkloadError),
        (APIError("", explanation="odd"), WorkloadError),
        (DockerException("odd"), WorkloadError),
        (ConnectionResetError(104, "reset"), EngineUnavailableError),
    ],
)
def test_what_is_raised_becomes_ours(raised: Exception, kind: type[ClsError]) -> None:
    with pytest.raises(ClsError, match=r"^cannot pour: ") as told, asking("pour"):
        raise raised
    assert type(told.value) is kind
    assert told.value.__cause__ is raised


@pytest.mark.parametrize(
    ("repository", "said", "hint"),
    [
        ("here:5000/tea", "no basic auth credentials", "docker login here:5000"),
        ("registry.example.org/tea", "unauthorized: authentication required", "docker login registry.example.org"),
        ("team/tea", "pull access denied for team/tea, it may not exist", "docker login"),
        ("tea", "denied", "docker login"),
        ("here:5000/tea", "connection refused", "is the registry's name right, and can the engine reach it?"),
    ],
)
def test_what_a_registry_refuses_has_a_hint(repository: str, said: str, hint: str) -> None:
    assert registry_hint(repository, said) == hint


def test_versions_are_compared_as_numbers() -> None:
    assert version("1.9") < version("1.40") < version("1.41") < version("2.0")


def test_an_engine_tells_of_itself(docker_host: str) -> None:
    engine = Engine()
    try:
        assert engine.about.architecture in {"amd64", "arm64"}
        assert engine.about is engine.about
    finally:
        engine.close()
