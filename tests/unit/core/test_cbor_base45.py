"""The small CBOR and base45 readers: one spelling each, the standards' own examples, and a library as oracle."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.base45 import decode_base45, encode_base45
from chemtrace.core.cbor import MAX_DEPTH, MAX_ITEMS, decode_cbor, encode_cbor
from chemtrace.core.errors import Base45Error, CBORError

VALUES = st.recursive(
    st.none() | st.integers(0, 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=20,
)


def depth(value: object) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 1


# RFC 8949 appendix A, as far as it lies in the grammar.
@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"), (65535, "19ffff"), (65536, "1a00010000"),
        (2**32 - 1, "1affffffff"), (2**32, "1b0000000100000000"), (2**64 - 1, "1bffffffffffffffff"),
        (None, "f6"), (b"", "40"), (bytes.fromhex("01020304"), "4401020304"), ("", "60"), ("IETF", "6449455446"),
        ("\u6c34", "63e6b0b4"), ([], "80"), ([1, [2, 3], [4, 5]], "8301820203820405"),
        (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ],
)  # fmt: skip
def test_the_standards_examples_have_this_one_spelling(value: object, encoded: str) -> None:
    assert encode_cbor(value).hex() == encoded
    assert decode_cbor(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize(
    "encoded",
    [
        "", "18", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "20", "3903e7", "5f42010243030405ff",
        "7f6161ff", "9f01ff", "a0", "a10102", "c11a514b67b0", "c249010000000000000000", "c5821b7fffffffffffffff01",
        "f4", "f5", "f7", "f90000", "fa47c35000", "fb3ff199999999999a", "ff", "1c", "0000", "61ff", "4401", "6449",
        "8201", "9affffffff00", "9bffffffffffffffff", "5bffffffffffffffff",
    ],
)  # fmt: skip
def test_other_types_lengths_and_cuts_are_refused(encoded: str) -> None:
    with pytest.raises(CBORError):
        decode_cbor(bytes.fromhex(encoded))


@pytest.mark.parametrize("value", [-1, 2**64, True, 1.5, {}, "\ud800", [[1.0]]])
def test_what_is_outside_the_grammar_is_not_written(value: object) -> None:
    with pytest.raises(CBORError):
        encode_cbor(value)


def test_depth_and_number_of_values_are_bounded() -> None:
    decode_cbor(b"\x81" * (MAX_DEPTH - 1) + b"\x00")
    with pytest.raises(CBORError):
        decode_cbor(b"\x81" * MAX_DEPTH + b"\x00")
    with pytest.raises(CBORError):
        decode_cbor(b"\x9a" + (MAX_ITEMS + 1).to_bytes(4, "big") + b"\xf6" * (MAX_ITEMS + 1))


@given(VALUES.filter(lambda value: depth(value) <= MAX_DEPTH))
def test_the_library_writes_and_reads_the_same(value: object) -> None:
    encoded = encode_cbor(value)
    assert encoded == cbor2.dumps(value, canonical=True)
    assert decode_cbor(encoded) == value == cbor2.loads(encoded)


# RFC 9285 sections 4.3 and 4.4, and a last byte alone.
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"),
        (b"", ""), (b"\xff", "U5"), (b"\xff\xff", "FGW"),
    ],
)  # fmt: skip
def test_base45_of_the_standards_examples(data: bytes, text: str) -> None:
    assert encode_base45(data) == text
    assert decode_base45(text) == data


@pytest.mark.parametrize("text", ["A", "BB8A", "GGW", ":::", "V5", "::", "bb8", "BB_", "BB\n", "ＢB8"])
def test_what_no_encoder_writes_is_refused(text: str) -> None:
    with pytest.raises(Base45Error):
        decode_base45(text)


@given(st.binary(max_size=200))
def test_base45_is_read_back(data: bytes) -> None:
    assert decode_base45(encode_base45(data)) == data
