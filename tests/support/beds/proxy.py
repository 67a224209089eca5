"""A proxy before a server, which answers in its place, or loses answers, as a test says."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

_OURS = {"transfer-encoding", "connection", "content-length"}  # headers that a proxy makes itself


@dataclass(frozen=True)
class Answer:
    """What is answered in the server's place."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lost:
    """The server does it, and its answer breaks off: after so many bytes of the body, or before it begins."""

    after: int | None = None


@dataclass
class Plan:
    """What becomes of requests: each rule is for the next one that it fits (``"PUT /bucket/key"``, a pattern)."""

    rules: list[tuple[str, Answer | Lost]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, pattern: str, *becomes: Answer | Lost) -> None:
        self.rules += [(pattern, each) for each in becomes]

    def take(self, request: str, body: bytes = b"") -> Answer | Lost | None:
        """What becomes of *request*; None is that the server answers it."""
        with self._lock:
            self.asked.append(request)
            for rule in self.rules:
                if re.search(rule[0], request):
                    self.rules.remove(rule)
                    return rule[1]
        return None


def s3_error(status: int, code: str, message: str = "so it is", headers: Mapping[str, str] | None = None) -> Answer:
    """How S3 says no."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Answer(status, body, {"Content-Type": "application/xml", **(headers or {})})


@contextmanager
def proxied(endpoint: str, plan: Plan) -> Iterator[str]:
    """The endpoint of a proxy before *endpoint*, which goes by *plan*."""
    where = urlsplit(endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            becomes = plan.take(f"{self.command} {self.path}", body)
            if isinstance(becomes, Answer):
                self.say(becomes.status, becomes.headers, becomes.body)
                return
            self.forward(body, becomes)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = handle_any  # noqa: N815 -- as the server looks for them

        def forward(self, body: bytes, lost: Lost | None) -> None:
            upstream = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=60)
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content, headers = answer.read(), dict(answer.getheaders())
            upstream.close()
            if lost:
                self.close_connection = True
                if lost.after is not None:
                    self.say(answer.status, headers, content, lost.after)
                return
            self.say(answer.status, headers, content)

        def say(self, status: int, headers: Mapping[str, str], content: bytes, most: int | None = None) -> None:
            self.send_response_only(status)
            told = {name: value for name, value in headers.items() if name.lower() not in _OURS}
            told["Content-Length"] = _size(headers) if self.command == "HEAD" else str(len(content))
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[:most])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _size(headers: Mapping[str, str]) -> str:
    """What a HEAD tells of a body that it does not have."""
    return next((value for name, value in headers.items() if name.lower() == "content-length"), "0")
