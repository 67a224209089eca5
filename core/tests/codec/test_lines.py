"""A finding says the line that it is about."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clusterless.codec.lines import with_lines

TEXT = """// a comment: {
{
  "project": {"name": "a",
    "version": 1},
  "boundaries": [
    {"lotunit": "x: [1, 2]"},
    {
      "odd key": null}
  ]
}
"""


def test_each_finding_has_the_line_of_what_it_is_about() -> None:
    asked = [
        "$.project.version: must be text",
        "$.boundaries[0].lotunit: unknown key",
        "$.boundaries[1].name: is missing",
        '$.boundaries[1]["odd key"]: unknown key',
        "$.arcs: is missing",
        "line 3, column 4: no path",
    ]
    assert with_lines(TEXT, asked) == [
        "$.project.version (line 4): must be text",
        "$.boundaries[0].lotunit (line 6): unknown key",
        "$.boundaries[1].name (line 7): is missing",
        '$.boundaries[1]["odd key"] (line 8): unknown key',
        "$.arcs (line 2): is missing",
        "line 3, column 4: no path",
    ]


def test_a_file_of_one_line_needs_none() -> None:
    assert with_lines('{"a": 1}', ["$.a: unknown key"]) == ["$.a: unknown key"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(json_values)
def test_any_json_can_be_walked(value: Any) -> None:
    (finding,) = with_lines(json.dumps({"a": value, "b": 1}, indent=1), ["$.b: wrong"])
    assert finding == f"$.b (line {json.dumps({'a': value, 'b': 1}, indent=1).count(chr(10))}): wrong"
