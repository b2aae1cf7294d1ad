"""A JSON body as it was meant, or not at all."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.strict_json import strict_object
from geo_risk.errors import ParameterError

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
NAMES = st.text("ab[]{}\"\\e", max_size=3)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.dictionaries(NAMES, VALUES, max_size=3), st.booleans())
def test_what_is_fit_is_read_as_the_standard_library_reads_it(value, ascii_):
    text = json.dumps(value, ensure_ascii=ascii_)
    assert strict_object(text.encode(), 100) == json.loads(text)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"a":1,"a":2}', "a key stands twice"),
        (b'{"b":{"a":1,"\\u0061":2}}', "a key stands twice"),
        (b'{"a":NaN}', "a number that is none"),
        (b'{"a":-Infinity}', "a number that is none"),
        (b'{"a":1e999}', "a number that is too large"),
        (b'{"a":[true,false,null,-1E400]}', "a number that is too large"),
        (b'{"a":' + b"9" * 310 + b".0}", "a number that is too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "a number that is too long"),
        (b'{"a":"\\ud800"}', "text that cannot be kept"),
        (b'{"\\udfff":1}', "text that cannot be kept"),
        (b'{"a":["\\u0000"]}', "text that cannot be kept"),
        (b'{"a":"\x00"}', "the body is no JSON"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":[[1]]}', "nested too deep"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":{"b":"[[[["}, "c":[]', "the body is no JSON"),
        (b"[1]", "no JSON object"),
        (b'\xef\xbb\xbf{"a":1}', "no JSON"),
        (b"", "no JSON"),
    ],
)
def test_what_two_readers_would_read_differently_is_refused(body, what):
    with pytest.raises(ParameterError, match=what):
        strict_object(body, 2)


def test_brackets_in_texts_are_no_depth():
    assert strict_object(b'{"a":"[[[[[\\"[[["}', 1) == {"a": '[[[[[\\"[[['.replace("\\", "")}


@pytest.mark.parametrize(
    "body", [b'{"a":"' + b'"' * 1_000_000, b'{"a":"' + b"\\" * 999_999, b'"' + b"[{" * 500_000, b"[]" * 500_000]
)
def test_hostile_bodies_are_refused_in_one_pass(body):
    began = time.thread_time()
    with pytest.raises(ParameterError):
        strict_object(body, 32)
    assert time.thread_time() - began < 2
