"""A server of HTTP that answers as a function says: what stands in for a service that has no emulator."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from attrs import frozen


@frozen
class Asked:
    """A request: its *path* with what follows the ``?``, its *headers* by their names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value; an empty object where there is none."""
        return json.loads(self.body or b"{}")


@contextmanager
def answering(answer: Callable[[Asked], tuple[int, Any]], certificate: Path | None = None) -> Iterator[str]:
    """The endpoint of a server until the block ends; *answer* gives a status, and a JSON value or None for no body.

    With a *certificate* (a PEM file that has its key too) it speaks TLS.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            status, value = answer(Asked(self.command, self.path, headers, body))
            content = json.dumps(value).encode() if value is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_any  # noqa: N815 -- as the server looks for them

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
