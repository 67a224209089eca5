"""The edge: every way to end has its words on stderr and its exit code."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from clusterless.cli import app
from clusterless.errors import ClsError, PluginError, StoreUnavailableError
from clusterless.plugins import find_plugins

Cls = Callable[..., "subprocess.CompletedProcess[str]"]


def ending(error: BaseException) -> click.Command:
    def callback() -> None:
        raise error

    return click.Command("end", callback=callback)


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command that ends in *error*."""

    def run(error: BaseException, *options: str) -> Any:
        monkeypatch.setattr(app, "_load", lambda target: ending(error))
        return CliRunner().invoke(app.main, [*options, "verify"])

    return run


def test_an_error_is_its_code_its_problem_and_its_hint(end: Callable[..., Any]) -> None:
    ended = end(PluginError("it broke", hint="mend it"))
    assert ended.stderr == "error[plugin-broken]: it broke\n  hint: mend it\n"
    assert ended.stdout == ""
    assert ended.exit_code == 1


def test_the_exit_code_is_the_errors(end: Callable[..., Any]) -> None:
    assert end(StoreUnavailableError("no answer")).exit_code == 74


def test_a_hint_is_taken_from_what_the_error_came_from(end: Callable[..., Any]) -> None:
    error = ClsError("outer")
    error.__cause__ = ClsError("inner", hint="mend it")
    assert end(error).stderr.endswith("hint: mend it\n")


def test_an_sdks_exception_is_explained_by_its_plugin(end: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_plugins(), "explain", lambda error: "log in" if isinstance(error, LookupError) else None)
    ended = end(KeyError("token"))
    assert ended.stderr == "error[service]: KeyError: 'token'\n  hint: log in\n"
    assert ended.exit_code == 1


def test_a_bug_is_called_one_and_traced_only_when_asked(end: Callable[..., Any]) -> None:
    quiet, loud = end(ZeroDivisionError("by design")), end(ZeroDivisionError("by design"), "-v")
    assert quiet.stderr.startswith("error[bug]: ZeroDivisionError: by design\n  hint: ")
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
    assert (quiet.exit_code, loud.exit_code) == (1, 1)


def test_an_interrupt_ends_with_130(end: Callable[..., Any]) -> None:
    assert end(KeyboardInterrupt()).exit_code == 130


def test_usage_errors_end_with_2(cls: Cls) -> None:
    for arguments in (["nonsense"], ["--nonsense"], ["verify"], ["show", "arc"], ["datasets", "--list"]):
        ended = cls(*arguments)
        assert ended.returncode == 2, arguments
        assert "Usage: cls" in ended.stderr
        assert "" not in ended.stderr.splitlines(), ended.stderr


def test_cls_alone_shows_its_help_and_is_no_error() -> None:
    alone = CliRunner().invoke(app.main, [])
    assert alone.exit_code == 0
    assert "Commands:" in alone.stdout


def test_the_version_is_that_of_the_distribution(cls: Cls) -> None:
    assert cls("--version").stdout.startswith("cls, version ")


def test_help_imports_no_command_and_nothing_heavy() -> None:
    probe = (
        "import sys; from click.testing import CliRunner; from clusterless.cli.app import main;"
        "result = CliRunner().invoke(main, ['-h']); assert result.exit_code == 0, result;"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('cattrs', 'rich', 'watchfiles', 'ijson', 'polars') or name.startswith('clusterless.cli.')])"
    )
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert shown.stdout == "['clusterless.cli.helping', 'clusterless.cli.app']\n"


def test_every_command_of_the_table_is_there_and_says_the_same_in_short() -> None:
    context = click.Context(app.main)
    for name, (_, text) in app.COMMANDS.items():
        command = app.main.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert text.endswith(".")


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m clusterless.cli show component --model-all | head -1"
    shown = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert shown.stdout == "{\n"
    assert shown.stderr == ""


def test_ctrl_c_ends_a_real_process_with_130_and_no_traceback() -> None:
    probe = (
        "import signal, click; from clusterless.cli import app;"
        "app._load = lambda _: click.Command('verify', callback=lambda: signal.raise_signal(signal.SIGINT));"
        "app.main(['verify'])"
    )
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr


def test_a_mistyped_command_is_answered_with_what_is_meant() -> None:
    shown = CliRunner().invoke(app.main, ["runn"])
    assert shown.exit_code == 2
    assert "Did you mean 'run'?" in shown.stderr


@pytest.mark.parametrize(
    ("given", "said"), [([], "warning: it is late"), (["-v"], "warning: clusterless.x: it is late")]
)
def test_warnings_are_sentences_and_name_modules_only_when_asked(given: list[str], said: str) -> None:
    program = (
        "import logging; from clusterless.cli.app import main; "
        f"main({given}, standalone_mode=False); "
        "logging.getLogger('clusterless.x').warning('it is %s', 'late')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == f"{said}\n"


def test_details_are_told_of_our_own_code_and_of_plugins_only() -> None:
    """An SDK's have what it signs its requests with."""
    program = (
        "import logging; from clusterless.cli.app import main; "
        "main(['-vv'], standalone_mode=False); "
        "[logging.getLogger(name).debug(name) for name in ('clusterless.x', 'cls_aws.y', 'botocore.auth')]"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [line.rpartition(" ")[2] for line in ended.stderr.splitlines()] == ["clusterless.x", "cls_aws.y"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_closed_leads_nowhere(tmp_path: Path, closed: str) -> None:
    code = (
        "import sys; from clusterless.cli.__main__ import _fill_streams as fill; fill(); "
        "sys.exit(None in (sys.stdin, sys.stdout, sys.stderr) or open(sys.executable).fileno() < 3)"
    )
    command = f"{shlex.join([sys.executable, '-c', code])} {closed}"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (ended.returncode, "rror" in ended.stderr) == (0, False)
