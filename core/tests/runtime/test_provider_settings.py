"""Files that set what holds for one provider."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import frozen

from clusterless.errors import MalformedError
from clusterless.runtime.settings import provider_settings


@frozen(kw_only=True)
class Kettle:
    litres: int = 1
    water: str = "cold"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home, here = tmp_path / "home", tmp_path / "a/b"
    (home / ".cls").mkdir(parents=True)
    here.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return here


def test_nothing_set_is_the_defaults() -> None:
    assert provider_settings("tea", Kettle) == Kettle()


def test_the_nearest_file_holds_over_that_at_home(here: Path) -> None:
    (Path.home() / ".cls/config-tea").write_text('litres = 3\nwater = "warm"')
    (here.parent / ".clsconfig-tea").write_text("litres = 2")
    (here / ".clsconfig-coffee").write_text("litres = 9")
    assert provider_settings("tea", Kettle) == Kettle(litres=2, water="warm")


@pytest.mark.parametrize("text", ["litres = ", 'beans = "x"', 'litres = "two"'])
def test_what_cannot_be_meant_is_refused_with_its_file(here: Path, text: str) -> None:
    (here / ".clsconfig-tea").write_text(text)
    with pytest.raises(MalformedError, match=r"\.clsconfig-tea"):
        provider_settings("tea", Kettle)
