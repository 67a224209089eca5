"""Real distributions in a folder on the path, found by entry point in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Cls = Callable[..., "subprocess.CompletedProcess[str]"]

GOOD = """
from clusterless.hookspecs import hookimpl
from clusterless.provider import ProviderEntry

@hookimpl
def cls_providers():
    return [ProviderEntry(name="moon", summary="far", load=dict)]

@hookimpl
def cls_commands():
    import click
    return [click.Command("orbit", callback=lambda: click.echo("round"), short_help="Go round.")]
"""


@pytest.fixture
def install(tmp_path: Path) -> Callable[[str, str], None]:
    """Put a distribution ``cls-<name>`` with one module on the path."""

    def install_(name: str, source: str) -> None:
        (tmp_path / f"plugin_{name}.py").write_text(source)
        info = tmp_path / f"cls_{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cls-{name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[clusterless]\n{name} = plugin_{name}\n")

    return install_


@pytest.fixture
def cls(tmp_path: Path) -> Cls:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "clusterless.cli", *arguments],
            env={**os.environ, "PYTHONPATH": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )

    return run


def test_an_installed_plugin_is_found_with_its_distribution_and_version(
    install: Callable[[str, str], None], cls: Cls
) -> None:
    install("moon", GOOD)
    shown = cls("plugins")
    assert "moon (cls-moon 1.2)\n  providers\n    moon\n  commands\n    orbit\n" in shown.stdout
    assert shown.returncode == 0


def test_a_plugins_command_is_listed_and_runs(install: Callable[[str, str], None], cls: Cls) -> None:
    install("moon", GOOD)
    assert "orbit" in cls("--help").stdout
    assert cls("orbit").stdout == "round\n"


def test_a_plugin_whose_import_breaks_stops_nothing_else(install: Callable[[str, str], None], cls: Cls) -> None:
    install("moon", GOOD)
    install("mars", "import boto3_is_not_there")
    shown = cls("plugins")
    assert "moon (cls-moon 1.2)" in shown.stdout
    assert "plugin mars (cls-mars 1.2) is installed, and import broke" in shown.stdout
    assert "No module named 'boto3_is_not_there'" in shown.stdout
    assert shown.returncode == 1
    assert "CLS_DISABLE_PLUGINS=mars" in shown.stderr
    assert cls("orbit").returncode == 0


def test_a_plugin_that_exits_on_import_stops_nothing_else(install: Callable[[str, str], None], cls: Cls) -> None:
    install("mars", "import sys; sys.exit(9)")
    assert cls("--version").returncode == 0
    assert "SystemExit" in cls("plugins").stdout


def test_a_plugin_that_cannot_be_told_from_others_stops_nothing_else(
    install: Callable[[str, str], None], cls: Cls
) -> None:
    install("sly", "import sys, types; sys.modules[__name__] = types.SimpleNamespace(__spec__=__spec__)")
    result = cls("plugins")
    assert "plugin sly (cls-sly 1.2) is installed, and does not fit the interface: unhashable type" in result.stdout
    assert "failed to answer" not in result.stdout


def test_a_broken_plugin_is_told_from_one_that_is_not_installed(install: Callable[[str, str], None], cls: Cls) -> None:
    install("mars", "import boto3_is_not_there")
    broken, absent = cls("datasets", "--provider", "mars"), cls("datasets", "--provider", "venus")
    assert (broken.returncode, absent.returncode) == (1, 2)
    assert broken.stderr.startswith("error[plugin-broken]: no provider named 'mars'")
    assert "boto3_is_not_there" in broken.stderr
    assert absent.stderr.startswith("error[not-installed]: no provider named 'venus'")
    assert absent.stderr.endswith("hint: pip install cls-venus\n")


def test_a_plugin_is_left_out_by_name(install: Callable[[str, str], None], cls: Cls) -> None:
    install("moon", GOOD)
    install("mars", "import boto3_is_not_there")
    shown = cls("plugins", CLS_DISABLE_PLUGINS="moon, mars")
    assert "moon (cls-moon 1.2)\n      disabled by CLS_DISABLE_PLUGINS\n" in shown.stdout
    assert "providers\n    moon" not in shown.stdout
    assert "import broke" not in shown.stdout
    assert shown.returncode == 0
    hidden = cls("datasets", "--provider", "moon", CLS_DISABLE_PLUGINS="moon")
    assert "its plugin is disabled" in hidden.stderr
    assert "take 'moon' out of CLS_DISABLE_PLUGINS" in hidden.stderr
    assert "orbit" not in cls("--help", CLS_DISABLE_PLUGINS="moon").stdout


def test_an_unknown_hook_is_named(install: Callable[[str, str], None], cls: Cls) -> None:
    install("mars", GOOD.replace("cls_providers", "cls_provider"))
    shown = cls("plugins")
    assert "cls_provider" in shown.stdout
    assert shown.returncode == 1


def test_a_double_claim_is_named_and_the_rest_is_shown(install: Callable[[str, str], None], cls: Cls) -> None:
    install("moon", GOOD)
    install("mars", GOOD)
    shown = cls("plugins")
    assert "claimed twice: by mars (cls-mars 1.2) and by moon (cls-moon 1.2)" in shown.stderr
    assert "local (clusterless" in shown.stdout


def test_a_plugin_cannot_take_a_command_of_core(install: Callable[[str, str], None], cls: Cls) -> None:
    install("moon", GOOD.replace('"orbit"', '"verify"'))
    refused = cls("--help")
    assert refused.returncode == 1
    assert "a plugin claims the command 'verify'" in refused.stderr


def test_hook_calls_are_traced(install: Callable[[str, str], None], cls: Cls) -> None:
    install("moon", GOOD)
    assert "cls_providers" in cls("plugins", CLS_TRACE_PLUGINS="1").stderr
    assert "cls_providers" not in cls("plugins").stderr


def test_a_component_is_missed_for_the_reason_that_holds(
    install: Callable[[str, str], None], cls: Cls, tmp_path: Path
) -> None:
    """Not installed, broken, disabled, or with nothing in it yet: four different things to do about it."""
    install("moon", GOOD.replace("load=dict", "load=dict, unavailable='cls-moon has no components yet'"))
    install("mars", "import boto3_is_not_there")
    project = tmp_path / "p.json"

    def said(provider: str, **environment: str) -> str:
        project.write_text(
            '{"project": {"name": "p", "version": "1"}, "placement": {"provider": "local"}, '
            f'"resources": [{{"type": "{provider}:core:thing", "name": "t"}}]}}'
        )
        refused = cls("verify", "p.json", **environment)
        assert refused.returncode == 2
        return refused.stderr

    assert said("venus").endswith("hint: pip install cls-venus\n")
    assert "boto3_is_not_there" in said("mars")
    assert "pip install cls-mars" not in said("mars")
    assert "cls-moon has no components yet" in said("moon")
    assert "hint" not in said("moon")
    assert said("mars", CLS_DISABLE_PLUGINS="mars").endswith("hint: take 'mars' out of CLS_DISABLE_PLUGINS\n")
