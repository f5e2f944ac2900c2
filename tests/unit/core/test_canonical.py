"""Canonical JSON: every defect has its name, and what passes equals RFC 8785."""

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.canonical import encode_canonical, parse_canonical
from chemtrace.core.errors import (
    FormError,
    JSONCanonicalError,
    JSONDepthError,
    JSONFloatError,
    JSONIntegerError,
    JSONKeyError,
    JSONSyntaxError,
    JSONTooLargeError,
)

LIMIT = 1_000_000
SAFE = 2**53 - 1

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(max_codepoint=127), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | texts
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", JSONSyntaxError),
        (b"nul", JSONSyntaxError),
        (b"[1,]", JSONSyntaxError),
        (b"\xef\xbb\xbf1", JSONSyntaxError),
        (b'"\xff"', JSONSyntaxError),
        (b'"\\ud800"', JSONSyntaxError),
        (b'"\x01"', JSONSyntaxError),
        (b"NaN", JSONSyntaxError),
        (b"[1] x", JSONSyntaxError),
        (b"[1.0]", JSONFloatError),
        (b"[1e5]", JSONFloatError),
        (b'{"a":[-0.0]}', JSONFloatError),
        (b"[9007199254740992]", JSONIntegerError),
        (b"[-9007199254740992]", JSONIntegerError),
        (b"[123456789012345678901234567890]", JSONIntegerError),
        (b"[" + b"9" * 5000 + b"]", JSONIntegerError),
        ('{"é":1}'.encode(), JSONKeyError),
        ('[{"a":{"中":1}}]'.encode(), JSONKeyError),
        (b"[" * 33 + b"]" * 33, JSONDepthError),
        (b"[" * 5000 + b"]" * 5000, JSONDepthError),
        (b'{"b":1,"a":2}', JSONCanonicalError),
        (b'{"a":1,"a":1}', JSONCanonicalError),
        (b'{"a":' + b"[" * 900 + b"]" * 900 + b',"a":1}', JSONCanonicalError),
        (b" 1", JSONCanonicalError),
        (b"1\n", JSONCanonicalError),
        (b"[1, 2]", JSONCanonicalError),
        (b"[-0]", JSONCanonicalError),
        (b'"\\/"', JSONCanonicalError),
        (b'"\\u0041"', JSONCanonicalError),
        (b'"\\u001F"', JSONCanonicalError),
    ],
    ids=repr,
)
def test_each_defect_is_refused_by_its_name(data: bytes, error: type[FormError]) -> None:
    with pytest.raises(error) as caught:
        parse_canonical(data, LIMIT)
    assert type(caught.value) is error


def test_a_duplicate_name_is_named() -> None:
    with pytest.raises(JSONCanonicalError, match="'b' stands twice") as caught:
        parse_canonical(b'{"a":[{"b":1,"b":2}]}', LIMIT)
    assert caught.value.fields["duplicates"] == ("b",)


def test_both_sides_of_a_difference_are_shown() -> None:
    with pytest.raises(JSONCanonicalError) as caught:
        parse_canonical(b'{"b":1,"a":2}', LIMIT)
    assert caught.value.fields["offset"] == 2
    assert caught.value.problem()["fields"] == {
        "offset": 2, "found": 'b":1,"a":2}', "expected": 'a":2,"b":1}', "duplicates": [],
    }  # fmt: skip


def test_size_is_capped_before_anything_is_read() -> None:
    with pytest.raises(JSONTooLargeError) as caught:
        parse_canonical(b"[" * 11, 10)
    assert caught.value.fields == {"size": 11, "limit": 10}


def test_the_deepest_allowed_document_passes() -> None:
    data = b"[" * 32 + b"]" * 32
    assert encode_canonical(parse_canonical(data, LIMIT)) == data


@pytest.mark.parametrize(
    "data", [b"9007199254740991", b"-9007199254740991", b"{}", b'""', b'"\\u001f\\b\x7f"']
)
def test_the_edges_of_the_grammar_pass(data: bytes) -> None:
    assert encode_canonical(parse_canonical(data, LIMIT)) == data


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, JSONFloatError),
        (float("nan"), JSONFloatError),
        (2**53, JSONIntegerError),
        ({"é": 1}, JSONKeyError),
        ({1: 1}, JSONKeyError),
        ({"a": b"bytes"}, JSONSyntaxError),
        ("\ud800", JSONSyntaxError),
    ],
    ids=repr,
)
def test_values_outside_the_grammar_are_not_encoded(value: object, error: type[FormError]) -> None:
    with pytest.raises(error):
        encode_canonical(value)


def test_too_deep_a_value_is_not_encoded() -> None:
    value: list[object] = []
    for _ in range(40):
        value = [value]
    with pytest.raises(JSONDepthError):
        encode_canonical(value)


@given(documents)
def test_encoding_equals_rfc_8785(value: object) -> None:
    data = encode_canonical(value)
    assert rfc8785.dumps(value) == data  # type: ignore[arg-type]  # documents of the grammar
    assert parse_canonical(data, LIMIT) == value


@given(documents, st.randoms())
def test_any_other_spelling_is_refused(value: object, random: object) -> None:
    data = encode_canonical(value)
    loose = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    if loose != data:
        with pytest.raises(JSONCanonicalError):
            parse_canonical(loose, LIMIT)


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_by_name_or_round_trip(data: bytes) -> None:
    try:
        value = parse_canonical(data, LIMIT)
    except FormError:
        return
    assert encode_canonical(value) == data
