"""A process that has imported all of clusterless, and forks itself for each `cls` that is asked for.

A line of JSON in, a line of JSON out: ``{"start": …}`` gives a pid, ``{"reap": pid}`` what `os.waitpid` says of it.
What is forked is a process as any other: it leads a session of its own, and dies of SIGKILL as a whole.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from hardship import mutations, plugin, weather
from hardship.fates import REQUESTS

_LATE = ("cronsim", "ijson", "rich.console", "rich.live", "rich.table", "urllib3", "watchfiles")
_OF_BUCKETS = ("boto3", "botocore.session", "cls_aws.store")
"""What clusterless imports in functions."""


def warm_up() -> None:
    import clusterless

    for module in pkgutil.walk_packages(clusterless.__path__, "clusterless."):
        if not module.name.startswith(("clusterless.testing", "clusterless.sdk.__main__")):
            importlib.import_module(module.name)
    for name in (*_LATE, *(_OF_BUCKETS if plugin.BUCKET in os.environ else ())):
        with suppress(ImportError):
            importlib.import_module(name)
    from clusterless.plugins import find_plugins

    find_plugins().check()
    assert not find_plugins().failures, find_plugins().failures
    gc.freeze()


def serve() -> dict[str, Any] | None:
    """Answer until there is nobody to ask; in each child: what it is to do."""
    children: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if pid := asked.get("reap"):
            _, status = os.waitpid(pid, 0)
            children.discard(pid)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if not pid:
                return dict(asked["start"])
            children.add(pid)
            answer = {"pid": pid}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return None


def become(told: dict[str, Any]) -> int:
    """Be the `cls` that is asked for, call after call where there are several; the first code that is not 0."""
    os.setsid()
    os.chdir(told["folder"])
    os.environ.update(told["variables"])
    _redirect(told["output"])
    weather.break_out()
    mutations.mutate()
    REQUESTS.arm()
    codes = [_cls(arguments) for arguments in told["calls"]]
    return next((code for code in codes if code), 0)


def _redirect(output: str) -> None:
    for name, flags, number in ((os.devnull, os.O_RDONLY, 0), (output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 1)):
        opened = os.open(name, flags, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)


def _cls(arguments: Sequence[str]) -> int:
    from clusterless.cli.__main__ import main

    sys.argv = ["cls", *arguments]
    try:
        main()
    except SystemExit as ended:
        code = ended.code
        return code if isinstance(code, int) else int(bool(code))
    return 0


if __name__ == "__main__":
    warm_up()
    if (told := serve()) is not None:
        code = become(told)
        sys.stdout.flush()
        os._exit(code)  # to take all apart again costs more than the run
