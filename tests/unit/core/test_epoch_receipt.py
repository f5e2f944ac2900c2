"""Epoch records and receipts: one spelling, strict order, a signature that binds every member."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.canonical import encode_canonical, parse_canonical
from chemtrace.core.entry import is_epoch_header, parse_entry
from chemtrace.core.epoch import (
    EpochRecord,
    check_epoch_order,
    encode_epoch,
    epoch_entry,
    epoch_id,
    parse_epoch,
)
from chemtrace.core.errors import (
    EpochBrokenError,
    EpochFormatError,
    JSONCanonicalError,
    KeyUnknownError,
    ReceiptFormatError,
    RefusedError,
    SignatureInvalidError,
    TimeFormatError,
    WireError,
)
from chemtrace.core.receipt import (
    Receipt,
    encode_receipt,
    encode_signed_receipt,
    parse_receipt,
    sign_receipt,
    verify_signed_receipt,
)
from tests.specimens import ED25519, P256, SM2

FIRST = EpochRecord(
    chain="ab" * 32,
    first=0,
    last=9,
    log_time="2026-03-01T00:30:00Z",
    map_root=None,
    number=0,
    previous=None,
    subjects=7,
)
NEXT = EpochRecord(
    chain="cd" * 32, first=11, last=19, log_time="2026-03-01T00:31:00.5Z".replace(".5", ".500000"),
    map_root="ef" * 32, number=1, previous=10, subjects=9,
)  # fmt: skip
RECEIPT = Receipt(
    event="ab" * 32, findings=("R-07",), index=11, late=False, leaf="cd" * 32,
    origin="log.example/chemtrace", received="2026-03-01T00:30:01.250000Z",
)  # fmt: skip


@pytest.mark.parametrize("record", [FIRST, NEXT])
def test_an_epoch_round_trips_as_an_entry_without_signatures(record: EpochRecord) -> None:
    data = encode_epoch(record)
    assert is_epoch_header(data)
    assert encode_canonical(parse_canonical(data, 1000)) == data
    entry = parse_entry(epoch_entry(record))
    assert entry.signatures == ()
    assert parse_epoch(entry.header_bytes) == record
    assert entry.event_id == epoch_id(record)


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"number": "0"},
        {"chain": "AB" * 32},
        {"map_root": ""},
        {"first": None},
        {"last": None},
        {"first": 10},
        {"log_time": "2026-03-01T08:30:00+08:00"},
        {"log_time": "2026-03-01T00:30:00.000000Z"},
        {"typ": "chemtrace/epoch/2"},
        {"more": 1},
    ],
    ids=str,
)
def test_an_epoch_of_a_wrong_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EpochFormatError):
        parse_epoch(encode_canonical({**msgspec.to_builtins(FIRST), **change}))


def test_an_epoch_in_another_spelling_is_refused() -> None:
    with pytest.raises(JSONCanonicalError):
        parse_epoch(encode_epoch(FIRST) + b" ")
    with pytest.raises(TimeFormatError):
        parse_epoch(encode_epoch(msgspec.structs.replace(FIRST, log_time="now")))


def test_epochs_follow_one_another() -> None:
    check_epoch_order(FIRST, 10, None, None)
    check_epoch_order(NEXT, 20, FIRST, 10)
    empty = msgspec.structs.replace(NEXT, first=None, last=None, number=2, previous=20)
    check_epoch_order(empty, 21, NEXT, 20)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": 2}, "number"),
        ({"previous": 9}, "previous"),
        ({"first": 10}, "first"),
        ({"last": 18}, "last"),
        ({"log_time": "2026-03-01T00:29:59Z"}, "log_time"),
    ],
)
def test_an_epoch_out_of_order_is_evidence_with_both_sides(change: dict[str, Any], field: str) -> None:
    with pytest.raises(EpochBrokenError) as caught:
        check_epoch_order(msgspec.structs.replace(NEXT, **change), 20, FIRST, 10)
    assert caught.value.fields["field"] == field
    assert caught.value.fields["found"] == change[field]


# --- receipts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [ED25519, P256, SM2], ids=["ed25519", "p256", "sm2"])
def test_a_signed_receipt_round_trips(key: Any) -> None:
    assert verify_signed_receipt(encode_signed_receipt(sign_receipt(RECEIPT, key)), key.public) == RECEIPT


def test_a_receipt_of_another_key_is_refused_with_both_names() -> None:
    data = encode_signed_receipt(sign_receipt(RECEIPT, P256))
    with pytest.raises(KeyUnknownError) as caught:
        verify_signed_receipt(data, ED25519.public)
    assert caught.value.fields == {"expected": ED25519.kid.hex(), "found": P256.kid.hex()}


def test_a_receipt_that_only_names_the_pinned_key_is_refused() -> None:
    signed = msgspec.structs.replace(sign_receipt(RECEIPT, P256), kid=ED25519.kid.hex())
    with pytest.raises(SignatureInvalidError):
        verify_signed_receipt(encode_signed_receipt(signed), ED25519.public)


@given(st.data())
def test_any_flipped_bit_of_a_receipt_is_refused(data: st.DataObject) -> None:
    signed = bytearray(encode_signed_receipt(sign_receipt(RECEIPT, ED25519)))
    bit = data.draw(st.integers(0, len(signed) * 8 - 1))
    signed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RefusedError):
        verify_signed_receipt(bytes(signed), ED25519.public)


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"event": ""},
        {"findings": ["a b"]},
        {"late": 0},
        {"origin": ""},
        {"origin": 'a"b\\'},
        {"x": 1},
    ],
    ids=str,
)
def test_a_receipt_of_a_wrong_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ReceiptFormatError):
        parse_receipt(encode_canonical({**msgspec.to_builtins(RECEIPT), **change}))


def test_a_receipt_in_another_spelling_is_refused() -> None:
    assert parse_receipt(encode_receipt(RECEIPT)) == RECEIPT
    with pytest.raises(JSONCanonicalError):
        parse_receipt(encode_receipt(RECEIPT) + b"\n")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ReceiptFormatError),
        (b"{}", ReceiptFormatError),
        (b" " * 200_000, ReceiptFormatError),
        (b'{"kid":"' + b"ab" * 32 + b'","receipt":"=","signature":""}', WireError),
    ],
)
def test_what_is_no_signed_receipt_is_refused(data: bytes, error: type[RefusedError]) -> None:
    with pytest.raises(error):
        verify_signed_receipt(data, ED25519.public)
