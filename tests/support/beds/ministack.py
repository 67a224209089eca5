"""ministack: AWS that delivers events and runs functions, as far as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beds.installed import installed
from beds.server import answers, free_port, served


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """The endpoint of a ministack that works in *folder* until the block ends."""
    programs = installed("ministack", "ministack>=1.5.33", "boto3")  # its functions run with its own interpreter
    port = free_port()
    variables = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "local",
        "TMPDIR": str(folder),  # it leaves folders there
        "AWS_ENDPOINT_URL": "",
    }
    with served([programs / "ministack"], lambda: answers(port), folder, variables):
        yield f"http://127.0.0.1:{port}"
