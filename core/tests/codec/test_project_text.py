"""JSON with comments: what people write is read, JSON's traps are refused."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterless.codec.text import declared_values
from clusterless.errors import InvalidValueError

texts = st.text(st.characters(codec="utf-8"))
numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
gaps = st.sampled_from([" ", "\n", '// "quoted\n', "# it's } ]\n", "/* a */", "/* two\n * lines // */"])


@given(json_values)
def test_all_of_json_is_read(value: Any) -> None:
    assert declared_values(json.dumps(value)) == value
    assert declared_values(json.dumps(value, ensure_ascii=False, indent=2)) == value


@given(json_values, st.lists(gaps, min_size=1))
def test_comments_may_stand_wherever_blanks_may(value: Any, comments: Any) -> None:
    gap = "".join(comments)
    text = json.dumps([value, {"k": value}], separators=(f"{gap},{gap}", f"{gap}:{gap}"))
    assert declared_values(f"{gap}{text}{gap}") == [value, {"k": value}]


def test_what_looks_like_a_comment_in_text_is_text() -> None:
    text = r'{"a": "s3://b/#/x /* no */ \" // no", "b": 1} // yes'
    assert declared_values(text) == {"a": 's3://b/#/x /* no */ " // no', "b": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n // one\n /* two\n three */ 'a': 1}", "line 4, column 11: "),
        ('{"a": 1,}', "line 1, column "),
        ('{"a": "b\n"}', "line 1, column 9: "),
        ("", "line 1, column 1: the file is empty"),
        ('{"a": 1 "b"}', "expected ',' or the closing bracket"),
        ('{"a": 1}\n/* open', "line 2: the comment that begins here is not closed"),
        ('{"a": {"b": 1, "b": 2}}', "$.a: 'b' is given twice"),
        ('{"x": [{"a": 1}, {"a": 1, "c": 2, "a": 1}]}', "$.x[1]: 'a' is given twice"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": -Infinity}', "-Infinity is not a number"),
        ('{"a": 1e999}', "1e999 is not a number"),
        ('{"a": "\\ud800"}', "half a character"),
        ("[" * 100 + "]" * 100, "nested more than 64 deep"),
        ("[" * 100_000, "nested more than 64 deep"),
        ('{"a": ' + "9" * 5000 + "}", "4300 digits"),
    ],
)
def test_traps_are_refused_with_their_place(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=re.escape(message)):
        declared_values(text)


@given(st.text(max_size=30))
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    with suppress(InvalidValueError):
        declared_values(text)
