"""Entries and the chain: exactly the bytes that the specification words, nothing before, nothing after."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.chain import CHAIN_START, fold_chain, link
from chemtrace.core.entry import Entry, encode_entry, is_epoch_header, leaf_hash, parse_entry
from chemtrace.core.errors import EntryFormatError
from chemtrace.core.types import KeyId
from tests.oracle import entry_naive
from tests.specimens import make_specimen

EPOCH_HEADER = b'{"chain":"x","typ":"chemtrace/epoch/1"}'
digests = st.binary(min_size=32, max_size=32)
signature_lists = st.lists(st.tuples(digests.map(KeyId), st.binary(max_size=100)), min_size=1, max_size=8)


@given(st.binary(max_size=300), signature_lists)
def test_entries_round_trip_and_equal_the_naive_form(
    header: bytes, signatures: list[tuple[KeyId, bytes]]
) -> None:
    entry = encode_entry(header, tuple(signatures))
    assert entry == entry_naive.entry(header, signatures)  # type: ignore[arg-type]  # KeyId is bytes
    assert parse_entry(entry) == Entry(header, tuple(signatures))
    assert leaf_hash(entry) == hashlib.sha256(b"\0" + entry).digest()


def test_the_event_id_is_that_of_the_statement() -> None:
    statement = make_specimen()
    entry = encode_entry(statement.header_bytes, ((bytes(32), statement.signatures[0]),))
    assert parse_entry(entry).event_id == statement.event_id


def test_only_an_epoch_record_has_no_signature() -> None:
    assert is_epoch_header(EPOCH_HEADER)
    assert parse_entry(encode_entry(EPOCH_HEADER, ())).signatures == ()
    for header, signatures in ((b"{}", ()), (EPOCH_HEADER, ((bytes(32), b"x"),))):
        with pytest.raises(EntryFormatError):
            encode_entry(header, signatures)
        with pytest.raises(EntryFormatError):
            parse_entry(entry_naive.entry(header, list(signatures)))


@pytest.mark.parametrize(
    ("header", "signatures"),
    [
        (b"{}", ((bytes(32), b"x"),) * 9),
        (b"{}", ((bytes(31), b"x"),)),
        (b"{}", ((bytes(32), bytes(65536)),)),
        (b"{}", ((bytes(32), bytes(65500)),)),
        (bytes(48 * 1024 + 1), ((bytes(32), b"x"),)),
    ],
)
def test_sizes_beyond_the_format_are_refused(
    header: bytes, signatures: tuple[tuple[bytes, bytes], ...]
) -> None:
    with pytest.raises(EntryFormatError):
        encode_entry(header, signatures)


@given(signature_lists, st.data())
def test_cut_or_lengthened_entries_are_refused(
    signatures: list[tuple[KeyId, bytes]], data: st.DataObject
) -> None:
    entry = encode_entry(b"{}", tuple(signatures))
    cut = data.draw(st.integers(0, len(entry) - 1))
    for damaged in (entry[:cut], entry + b"\0", b"\x02" + entry[1:]):
        with pytest.raises(EntryFormatError):
            parse_entry(damaged)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_or_are_exactly_one_entry(data: bytes) -> None:
    try:
        entry = parse_entry(data)
    except EntryFormatError:
        return
    assert encode_entry(entry.header_bytes, entry.signatures) == data


@given(st.lists(digests, max_size=20), st.integers(0, 20))
def test_the_chain_folds_in_any_portions(leaves: list[bytes], cut: int) -> None:
    whole = fold_chain(CHAIN_START, leaves)
    assert whole == entry_naive.chain(leaves)
    assert whole == fold_chain(fold_chain(CHAIN_START, leaves[:cut]), leaves[cut:])
    assert fold_chain(whole, [bytes(32)]) == link(whole, bytes(32))
