"""Webhooks, posted to a real server: read and verified by the libraries of those who wrote the formats."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, evolve
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook, WebhookVerificationError

from clusterless.builtin import webhook_message
from clusterless.builtin.notifiers import WebhookNotifier
from clusterless.builtin.webhook_notifier import WebhookPublisher
from clusterless.codec import read_declaration, to_json
from clusterless.errors import ClsError, InvalidValueError, NotifyError, NotifyRefusedError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.runtime.cloud_event import event_id
from clusterless.testing.clock import SettableClock

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(40))).decode()
EVENT = Event(
    dataset=LocatedDataset(name="size.in.mm", version="1.5", path_uri="file:///ä/"),
    lot=Lot.parse("20240131PT5M287"),
    manifest="file:///m/manifest.json",
    revision=2,
)


@define
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


class Server:
    """A receiver on a free port; *answer* is called with each request's handler."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections: set[Any] = set()
        self.answer: Callable[[Any], None] = lambda handler: says(handler, 204)
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append(Request(self.path, headers, body))
                server.connections.add(self.client_address)
                server.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=[0.01])
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def says(handler: Any, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("HOOK_OTHER", OTHER)
    monkeypatch.setenv("HOOK_TOKEN", "Bearer tea-and-cake\n")


@pytest.fixture
def publisher(server: Server, bench: Any) -> Iterator[Callable[..., WebhookPublisher]]:
    made: list[WebhookPublisher] = []

    def make(**more: Any) -> WebhookPublisher:
        made.append(WebhookPublisher(declared(f"{server.url}/hooks?a=b", **more), bench.surroundings()))
        return made[-1]

    yield make
    for each in made:
        each._pool.clear()


def declared(url: str, **more: Any) -> WebhookNotifier:
    more = {"secret_env": ("HOOK_SECRET",), "timeout_sec": 0.3, **more}
    return WebhookNotifier(type="cls:core:webhookNotifier", name="hook", url=url, **more)


# ---- what is said ----------------------------------------------------------------------------------------------


def test_the_envelope_is_read_by_the_cloudevents_library(server: Server, publisher: Any) -> None:
    publisher().publish(EVENT)
    [request] = server.requests
    read = from_http_event(HTTPMessage(headers=request.headers, body=request.body))
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    attributes = {name: value for name, value in read.get_attributes().items() if name != "time"}
    assert "time" not in json.loads(request.body), "the library makes one up where there is none"
    assert attributes == {
        "specversion": "1.0",
        "id": "size.in.mm/1.5/20240131PT5M287/2",
        "source": "/placements/local:null:null:null/projects/demo/1",
        "type": "io.clusterless.lot.committed",
        "subject": f"{EVENT.dataset.id}/20240131PT5M287",
        "datacontenttype": "application/json",
    }
    assert read.get_data() == {
        "dataset": {"name": EVENT.dataset.name, "version": "1.5", "pathURI": "file:///ä/"},
        "lot": "20240131PT5M287",
        "manifest": "file:///m/manifest.json",
        "datasetId": EVENT.dataset.id,
        "revision": 2,
    }


def test_whoever_announces_a_revision_and_whenever_says_the_same(server: Server, publisher: Any) -> None:
    publisher().publish(EVENT)
    publisher().publish(EVENT)
    publisher().publish(evolve(EVENT, revision=3))
    first, again, other = server.requests
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert json.loads(first.body)["id"] != json.loads(other.body)["id"]


def test_the_signature_is_verified_by_the_standard_webhooks_library(server: Server, publisher: Any) -> None:
    publisher(secret_env=("HOOK_SECRET", "HOOK_OTHER")).publish(EVENT)
    [request] = server.requests
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(request.body, request.headers)["specversion"] == "1.0"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 32).decode()).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)


def test_the_library_signs_the_same() -> None:
    key = webhook_message.key(SECRET, "HOOK_SECRET")
    headers = webhook_message.headers(EVENT, b"{}", 1706702400, [key])
    moment = datetime.fromtimestamp(1706702400, UTC)
    assert headers["webhook-signature"] == Webhook(SECRET).sign(headers["webhook-id"], moment, "{}")


def test_no_full_stop_of_a_name_can_be_taken_for_the_end_of_the_id(server: Server, publisher: Any) -> None:
    publisher().publish(EVENT)
    assert server.requests[0].headers["webhook-id"] == event_id(EVENT).replace(".", "%2E")


def test_a_retry_is_signed_with_the_time_of_the_retry(bench: Any, server: Server) -> None:
    clock = SettableClock()
    publisher = WebhookPublisher(declared(server.url), evolve(bench.surroundings(), clock=clock))
    publisher.publish(EVENT)
    clock.advance(600)
    publisher.publish(EVENT)
    publisher._pool.clear()
    first, second = (int(request.headers["webhook-timestamp"]) for request in server.requests)
    assert second - first == 600


def test_headers_come_from_the_environment(server: Server, publisher: Any) -> None:
    publisher(headers_env={"Authorization": "HOOK_TOKEN"}).publish(EVENT)
    [request] = server.requests
    assert (request.path, request.headers["authorization"]) == ("/hooks?a=b", "Bearer tea-and-cake")


def test_a_connection_is_used_again(server: Server, publisher: Any) -> None:
    server.answer = lambda handler: says(handler, 200, b'{"ok": true}')
    ours = publisher()
    for _ in range(3):
        ours.publish(EVENT)
    assert (len(server.requests), len(server.connections)) == (3, 1)


# ---- what is answered ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_success(status: int, server: Server, publisher: Any) -> None:
    server.answer = lambda handler: says(handler, status)
    publisher().publish(EVENT)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 409, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int, server: Server, publisher: Any) -> None:
    server.answer = lambda handler: says(handler, status)
    with pytest.raises(NotifyError, match=f"127.0.0.1:\\d+ answered {status}"):
        publisher().publish(EVENT)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_what_will_not_pass_is_refused_and_says_why(status: int, server: Server, publisher: Any) -> None:
    server.answer = lambda handler: says(handler, status, b"no such\x1b[2J hook\n")
    with pytest.raises(NotifyRefusedError, match=f"answered {status} .*: no such \\[2J hook$"):
        publisher().publish(EVENT)


def test_a_redirect_is_not_followed(server: Server, publisher: Any) -> None:
    """Else what is signed and the credentials would go to wherever the answer says."""
    server.answer = lambda handler: says(handler, 307, location=f"{server.url}/elsewhere")
    with pytest.raises(NotifyError) as caught:
        publisher(headers_env={"Authorization": "HOOK_TOKEN"}).publish(EVENT)
    assert "redirects are not followed" in caught.value.hint
    assert [request.path for request in server.requests] == ["/hooks?a=b"]


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("0", 0), ("999999999", 3600), ("soon", 0), ("-5", 0), ("²", 0), ("", 0)]
)
def test_retry_after_is_heeded_within_bounds(said: str, seconds: float, server: Server, publisher: Any) -> None:
    server.answer = lambda handler: says(handler, 429, retry_after=said.encode().decode("latin-1"))
    with pytest.raises(NotifyError) as caught:
        publisher().publish(EVENT)
    assert caught.value.after == seconds


@pytest.mark.parametrize(("ahead", "least", "most"), [(600, 590, 600), (-600, 0, 0), (10**7, 3600, 3600)])
def test_retry_after_may_be_a_date(ahead: int, least: float, most: float, server: Server, publisher: Any) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=ahead)
    server.answer = lambda handler: says(handler, 503, retry_after=format_datetime(moment, usegmt=True))
    with pytest.raises(NotifyError) as caught:
        publisher().publish(EVENT)
    assert least <= caught.value.after <= most


def test_a_receiver_that_does_not_answer_is_not_waited_for_long(server: Server, publisher: Any) -> None:
    over = threading.Event()
    server.answer = lambda handler: over.wait(30)
    with pytest.raises(NotifyError, match="did not answer"):
        publisher().publish(EVENT)
    over.set()


def test_a_connection_that_closes_is_a_failure(server: Server, publisher: Any) -> None:
    server.answer = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(NotifyError, match="did not answer"):
        publisher().publish(EVENT)


def test_nobody_there_is_a_failure(bench: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        publisher = WebhookPublisher(declared(f"http://127.0.0.1:{taken.getsockname()[1]}"), bench.surroundings())
        with pytest.raises(NotifyError, match="did not answer"):
            publisher.publish(EVENT)
        publisher._pool.clear()


def test_an_endless_answer_is_not_read_to_its_end(server: Server, publisher: Any) -> None:
    sent = 0

    def endless(handler: Any) -> None:
        nonlocal sent
        handler.send_response(404)
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.close_connection = True
        try:
            while sent < 1 << 30:
                sent += handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    server.answer = endless
    with pytest.raises(NotifyRefusedError) as caught:
        publisher().publish(EVENT)
    assert len(str(caught.value)) < 400
    server.close()
    assert sent < 1 << 26


def test_an_answer_whose_body_never_comes_counts_by_its_status(server: Server, publisher: Any) -> None:
    over = threading.Event()

    def slow(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "10")
        handler.end_headers()
        over.wait(30)

    server.answer = slow
    publisher().publish(EVENT)
    over.set()


def test_what_a_receiver_repeats_of_our_secrets_is_not_repeated_by_us(server: Server, publisher: Any) -> None:
    def echo(handler: Any) -> None:
        says(handler, 400, f"bad {handler.headers['authorization']} {SECRET}".encode())

    server.answer = echo
    with pytest.raises(NotifyRefusedError) as caught:
        publisher(headers_env={"Authorization": "HOOK_TOKEN"}).publish(EVENT)
    assert "tea-and-cake" not in str(caught.value)
    assert SECRET.removeprefix("whsec_") not in str(caught.value)
    assert "***" in str(caught.value)


# ---- what is declared ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/hooks?key=a%20b",
        "http://localhost:8080/",
        "http://127.0.0.1/",
        "http://127.3.2.1/",
        "http://[::1]:80/",
    ],
)
def test_a_safe_address_is_taken(url: str) -> None:
    assert declared(url).url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "use https"),
        ("http://localhost.example.com/", "use https"),
        ("http://127.0.0.1.example.com/", "use https"),
        ("http://10.0.0.1/", "use https"),
        ("https://user:word@example.com/", "does not belong"),
        ("https://word@example.com/", "does not belong"),
        ("https://example.com/#word", "does not belong"),
        ("ftp://word.example.com/", "not the address"),
        ("file:///word", "not the address"),
        ("https:///word", "not the address"),
        ("https://example.com:99999/word", "not the address"),
        ("https://example.com/word word", "not the address"),
        ("https://example.com/word\n", "not the address"),
        ("https://[word/", "not the address"),
        ("word", "not the address"),
        ("", "not the address"),
    ],
)
def test_an_address_that_is_not_safe_is_refused_and_not_repeated(url: str, why: str) -> None:
    with pytest.raises(InvalidValueError, match=why) as caught:
        declared(url)
    assert "word" not in str(caught.value).replace("password", "")


def test_http_to_others_must_be_allowed() -> None:
    assert declared("http://example.com/", allow_http=True).allow_http


@pytest.mark.parametrize(
    "more",
    [
        {"secret_env": ()},
        {"secret_env": (SECRET,)},
        {"headers_env": {"Authorization": "Bearer tea-and-cake"}},
        {"headers_env": {"Host": "A"}},
        {"headers_env": {"Webhook-Id": "A"}},
        {"headers_env": {"a b": "A"}},
        {"headers_env": {"a\r\nb": "A"}},
        {"timeout_sec": 0},
        {"timeout_sec": 301},
    ],
)
def test_what_could_not_work_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        declared("https://example.com/", **more)
    assert SECRET not in str(caught.value)


def test_a_declaration_reads_back_as_it_was_printed() -> None:
    notifier = declared("https://example.com/", headers_env={"X-A": "A"})
    printed = to_json(notifier)
    assert read_declaration(printed, WebhookNotifier, source="test") == notifier
    assert {"url", "secretEnv", "headersEnv", "timeoutSec", "allowHttp", "retry", "giveUpSec"} <= printed.keys()


@pytest.mark.parametrize("secret", ["", "tea", "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_?" * 9])
def test_a_secret_that_could_be_guessed_is_refused_and_not_repeated(
    secret: str, monkeypatch: pytest.MonkeyPatch, bench: Any
) -> None:
    monkeypatch.setenv("HOOK_SECRET", secret)
    with pytest.raises(InvalidValueError, match="HOOK_SECRET holds no secret") as caught:
        WebhookPublisher(declared("https://example.com/"), bench.surroundings())
    assert secret == "" or secret not in str(caught.value)


def test_a_header_of_two_lines_is_refused(monkeypatch: pytest.MonkeyPatch, bench: Any) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "a\r\nHost: elsewhere")
    with pytest.raises(ClsError, match="HOOK_TOKEN cannot be a header"):
        WebhookPublisher(declared("https://example.com/", headers_env={"X-A": "HOOK_TOKEN"}), bench.surroundings())


def test_without_its_library_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['urllib3'] = None\n"
        "from clusterless.builtin.webhook_notifier import _pool\n"
        "from clusterless.errors import NotInstalledError\n"
        "try: _pool(1)\n"
        "except NotInstalledError as error: print(error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "pip install 'clusterless[webhook]'"
