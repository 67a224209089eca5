"""What keys mean is read from the package that their class comes from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from attrs import frozen

from clusterless.cli.meanings import meaning, meanings, plain, prose
from clusterless.model.arc import Arc
from clusterless.model.boundary import IngressBoundary


def test_a_key_means_what_the_class_that_defines_it_says() -> None:
    assert meaning(IngressBoundary, "lot_unit") == meanings("clusterless")["IngressBoundary.lotUnit"]
    assert meaning(IngressBoundary, "name") == meanings("clusterless")["Element.name"]
    assert meaning(Arc, "lease_sec").startswith("seconds")


def test_a_plugin_says_what_its_own_keys_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "cls_tea_said"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "meanings.json").write_text(json.dumps({"Kettle.litres": "how much"}))
    monkeypatch.syspath_prepend(tmp_path)

    @frozen(kw_only=True)
    class Kettle(Arc):
        litres: int = 1
        cups: int = 1

    Kettle.__module__ = "cls_tea_said.components"
    assert meaning(Kettle, "litres") == "how much"
    assert meaning(Kettle, "cups") == ""
    assert meaning(Kettle, "lease_sec").startswith("seconds")
    sys.modules.pop("cls_tea_said", None)


@pytest.mark.parametrize("package", ["json", "this_is_no_package", "struct"])
def test_who_says_nothing_has_no_meanings(package: str) -> None:
    assert meanings(package) == {}


def test_markdown_and_docstrings_are_made_plain() -> None:
    assert plain("see [components](components.md): `a`") == "see components: a"
    assert (
        prose("One.\n\n    Of ``lot_unit`` and *path_uri*.\n\n    Raises:\n        X: y.")
        == "One.\n\nOf `lotUnit` and `pathURI`."
    )
