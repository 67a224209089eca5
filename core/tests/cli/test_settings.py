"""What is set once: where it is read from, what goes before what, and that it changes what commands do."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from clusterless import codec
from clusterless.cli import app, settings
from clusterless.cli.app import Session, main
from clusterless.cli.config import as_toml
from clusterless.cli.meanings import meaning
from clusterless.cli.settings import Config, Output, PlacementConfig, RunConfig, load_config
from clusterless.errors import InvalidValueError, MalformedError
from clusterless.runtime import settings as runtime_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, with a project folder in it that is where we are."""
    home = tmp_path / "home"
    (home / "work/project").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "work/project")
    return home


def put(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def cls(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


# ---- where from ------------------------------------------------------------------------------------------------


def test_nothing_set_is_the_defaults(home: Path) -> None:
    assert load_config() == Config()


def test_each_place_goes_before_the_next(home: Path) -> None:
    put(home / ".cls/config", '[placement]\nstage = "everywhere"\naccount = "1"\nregion = "r"\n')
    put(home / "work/.clsconfig", '[placement]\nstage = "here"\naccount = "2"\n')
    found = load_config(["placement.stage=now", "common.run.concurrency=3"])
    assert found.placement == PlacementConfig(stage="now", account="2", region="r")
    assert found.run.concurrency == 3


def test_the_nearest_file_is_the_local_one(home: Path) -> None:
    put(home / "work/.clsconfig", "run.concurrency = 2\n[report]\noutput = 'csv'\n")
    put(home / "work/project/.clsconfig", "run.concurrency = 1\n")
    assert load_config().run.concurrency == 1
    assert load_config().report.output is Output.TABLE


def test_the_home_folder_has_no_local_file(home: Path) -> None:
    put(home / ".clsconfig", "run.concurrency = 2\n")
    assert load_config() == Config()


def test_outside_the_home_folder_the_search_goes_to_the_root(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = home.parent / "srv/x"
    outside.mkdir(parents=True)
    put(outside.parent / ".clsconfig", "run.concurrency = 2\n")
    monkeypatch.chdir(outside)
    assert load_config().run.concurrency == 2


def test_a_user_without_a_home_has_defaults(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_settings, "home", lambda: None)
    assert load_config() == Config()


def test_a_file_of_the_reference_system_is_read(home: Path) -> None:
    put(home / "work/.clsconfig", "resource.removeAllOnDestroy = true\n")
    assert load_config().resource.remove_all_on_destroy


# ---- mistakes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("run.concurency = 2", "run.concurency: unknown key 'concurency'; did you mean 'concurrency'?"),
        ("run.concurrency = '2'", "run.concurrency: must be a whole number, not text '2'"),
        ("run.concurrency = 0", "run.concurrency: 'concurrency' must be >= 1: 0"),
        ("[report]\noutput = 'tabel'", "must be one of 'table', 'json', 'csv', 'tsv', not text 'tabel'"),
        ("placement.stage = 'a b'", "'a b' is not a stage"),
        ("run =", "Invalid value"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(home: Path, text: str, finding: str) -> None:
    put(home / "work/.clsconfig", text)
    with pytest.raises(MalformedError) as told:
        load_config()
    assert finding in told.value.problem
    assert str(home / "work/.clsconfig") in told.value.problem
    assert "cls config" in told.value.hint


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("run.concurrency", "not a setting"),
        ("run.concurency=1", "did you mean 'run.concurrency'?"),
        ("run=1", "there is no such setting"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(home: Path, given: str, problem: str) -> None:
    with pytest.raises(InvalidValueError, match="-D") as told:
        load_config([given])
    assert problem in told.value.problem


def test_a_broken_file_stops_reports_and_not_what_mends_it(home: Path) -> None:
    put(home / "work/.clsconfig", "nonsense")
    assert cls("arcs").exit_code == 2
    assert cls("show", "arc", "--list").exit_code == 0
    assert cls("config", "init").exit_code == 0


def test_digits_stay_text_where_text_is_wanted(home: Path) -> None:
    assert load_config(["placement.account=000123"]).placement.account == "000123"


def test_a_line_that_the_section_above_took_is_told_so(home: Path) -> None:
    put(home / "work/.clsconfig", '[resource]\nremoveAllOnDestroy = true\nreport.output = "json"\n')
    with pytest.raises(MalformedError, match=r"line 3: resource\.report: unknown key") as told:
        load_config()
    assert "stands in the section [resource]: write it above the first section" in told.value.problem
    assert "what can be set: report.output, " in told.value.hint


def test_a_value_on_the_command_line_is_named_by_its_key(home: Path) -> None:
    with pytest.raises(MalformedError, match=r"- run\.concurrency: must be a whole number") as told:
        load_config(["run.concurrency=abc"])
    assert "run.concurrency" in told.value.hint


# ---- what it changes -------------------------------------------------------------------------------------------


def test_reports_take_their_form_from_what_is_set_unless_told(home: Path) -> None:
    put(home / "work/.clsconfig", "report.output = 'json'\n")
    assert cls("bootstrap", "--provider", "local", "--approve").exit_code == 0
    assert cls("arcs").stdout == "[]\n"
    assert cls("--output", "csv", "arcs").stdout.startswith("placement.provider,")
    assert cls("arcs", "--output", "csv").stdout.startswith("placement.provider,")
    assert cls("--output", "json", "arcs", "--output", "tsv").stdout.startswith("placement.provider\t")
    assert cls("-D", "report.output=csv", "arcs").stdout.startswith("placement.provider,")


def test_a_placement_is_that_which_is_set_unless_told(home: Path) -> None:
    put(home / "work/.clsconfig", "placement.provider = 'nowhere'\n")
    assert "no provider named 'nowhere'" in cls("arcs").stderr
    assert cls("bootstrap", "--provider", "local", "--approve").exit_code == 0
    assert cls("arcs", "--provider", "local").exit_code == 0
    assert "[default: nowhere]" in " ".join(cls("arcs", "--help").stdout.split())


def test_a_run_takes_its_concurrency_from_what_is_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / "work/.clsconfig", "run.concurrency = 7\n")
    command = app.main.get_command(click.Context(app.main), "run")
    assert command
    taken: list[int] = []
    monkeypatch.setattr(command, "callback", lambda concurrency, **_: taken.append(concurrency))
    assert cls("run", "x.json").exit_code == 0
    assert cls("run", "x.json", "--concurrency", "3").exit_code == 0
    assert taken == [7, 3]


def test_a_session_reads_once(home: Path) -> None:
    session = Session()
    assert session.config is session.config


# ---- cls config ------------------------------------------------------------------------------------------------


def test_what_is_shown_is_what_holds(home: Path) -> None:
    put(home / "work/.clsconfig", "run.concurrency = 7\n")
    shown = tomllib.loads(cls("-D", "placement.stage=x", "config", "show").stdout)
    assert shown["run"] == {"concurrency": 7}
    assert shown["placement"] == {"provider": "local", "stage": "x"}


def test_init_writes_the_defaults_with_what_they_mean(home: Path) -> None:
    assert cls("config", "init").exit_code == 0
    text = (home / "work/project/.clsconfig").read_text()
    assert tomllib.loads(text)["report"] == {"output": "table"}
    assert "# how many lots cls run works at once" in text
    assert load_config() == Config()


def test_init_writes_over_nothing_unless_forced(home: Path) -> None:
    put(home / "work/project/.clsconfig", "run.concurrency = 7\n")
    refused = cls("config", "init")
    assert refused.exit_code == 1
    assert "is there already\n  hint: --force" in refused.stderr
    assert cls("config", "init", "--merge", "--force").exit_code == 0
    assert load_config().run.concurrency == 7
    assert cls("config", "init", "--force").exit_code == 0
    assert load_config().run.concurrency is None


def test_init_global_writes_below_the_home_folder(home: Path) -> None:
    assert cls("config", "init", "--global").stdout == f"wrote {home}/.cls/config\n"
    assert (home / ".cls/config").is_file()


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True)


@given(
    placement=st.builds(PlacementConfig, provider=names, stage=st.none() | names, account=st.none() | names),
    run=st.builds(RunConfig, concurrency=st.none() | st.integers(1, 256)),
    explained=st.booleans(),
)
def test_what_is_written_is_read_back(placement: Any, run: Any, explained: bool) -> None:
    written = Config(placement=placement, run=run)
    read = codec.read_declaration(tomllib.loads(as_toml(written, explained=explained)), Config, source="here")
    assert read == written


def test_every_setting_has_a_meaning() -> None:
    assert [key for key, model, field in settings.leaves() if not meaning(model, field.name)] == []
