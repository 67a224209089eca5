"""Completion, as bash does it: the script is sourced, and its function is called with what was typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from clusterless.cli.app import main

Cls = Callable[..., "subprocess.CompletedProcess[str]"]
Bash = Callable[[str], "subprocess.CompletedProcess[str]"]

TYPED = """
complete -p cls >/dev/null
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_cls_completion cls
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def bash(tmp_path: Path) -> Bash:
    """Runs bash with a home folder of its own, in which `cls` is what is under test."""
    binaries = tmp_path / ".bin"
    binaries.mkdir()
    (binaries / "cls").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clusterless.cli "$@"\n')
    (binaries / "cls").chmod(0o755)
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash", "PATH": path}

    def run(commands: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def completed(bash: Bash, words: str, source: str = "source <(cls completion bash)") -> list[str]:
    ended = bash(f"{source}\n{TYPED.format(words=words)}")
    assert ended.stderr == ""
    return ended.stdout.split()


def test_commands_options_and_names_are_completed(bash: Bash) -> None:
    assert completed(bash, "cls ver") == ["verify"]
    assert completed(bash, "cls arcs sta") == ["status"]
    assert completed(bash, "cls config in") == ["init"]
    assert completed(bash, "cls run --until") == ["--until-idle"]
    assert completed(bash, "cls --output js") == ["json"]
    assert completed(bash, "cls show bound") == ["boundary"]
    assert completed(bash, "cls show arc --describe copyA") == ["copyArc"]
    assert "Placement" in completed(bash, "cls show model --model P")


def test_project_files_are_completed_by_the_shell(bash: Bash, tmp_path: Path) -> None:
    """Click tells bash that a file is wanted, and bash lists them."""
    script = bash("cls completion bash").stdout
    assert "compopt -o default" in script
    ended = bash("COMP_WORDS='cls run pro' COMP_CWORD=2 _CLS_COMPLETE=bash_complete cls")
    assert ended.stdout.startswith("file,")


def test_it_is_installed_once_and_a_new_shell_has_it(bash: Bash, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("export KEPT=1")
    first, second = bash("cls completion --install"), bash("cls completion --install")
    assert first.returncode == second.returncode == 0, first.stderr
    assert "added a line to" in first.stdout
    assert "added a line to" not in second.stdout
    lines = (tmp_path / ".bashrc").read_text().splitlines()
    assert lines == ["export KEPT=1", f'source "{tmp_path}/.cls/completion.bash"']
    assert completed(bash, "cls ver", source="source ~/.bashrc") == ["verify"]


def test_a_completed_name_is_one_that_show_knows(bash: Bash) -> None:
    (name,) = completed(bash, "cls show arc --describe copyA")
    assert "cls:core:copyArc" in bash(f"cls show arc --describe {name}").stdout


def test_a_plugin_that_is_broken_breaks_no_completion(bash: Bash) -> None:
    assert "verify" in completed(bash, "cls v", source="export CLS_DISABLE_PLUGINS=aws; source <(cls completion bash)")


@pytest.mark.parametrize(("shell", "holds"), [("zsh", "#compdef cls"), ("fish", "complete --no-files --command cls")])
def test_other_shells_get_their_script(bash: Bash, tmp_path: Path, shell: str, holds: str) -> None:
    assert holds in bash(f"cls completion {shell}").stdout
    installed = bash(f"cls completion {shell} --install")
    assert installed.returncode == 0
    written = tmp_path / (".config/fish/completions/cls.fish" if shell == "fish" else ".cls/completion.zsh")
    assert holds in written.read_text()
    if found := shutil.which(shell):
        subprocess.run([found, "-n", str(written)], check=True)


def test_an_unknown_shell_is_asked_for(bash: Bash) -> None:
    refused = bash("SHELL=/bin/csh cls completion")
    assert refused.returncode == 2
    assert refused.stderr == (
        "error[shell-unknown]: which shell to complete for is not clear: SHELL is 'csh'\n"
        "  hint: name it, as in: cls completion bash\n"
    )


def test_a_shell_that_has_the_whole_name_is_offered_it() -> None:
    offered = ShellComplete(main, {}, "cls", "_CLS_COMPLETE").get_completions(
        ["show", "arc", "--describe"], "cls:core:co"
    )
    assert [each.value for each in offered] == ["cls:core:copyArc"]
