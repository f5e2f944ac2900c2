"""One signature for many receipts: each proves its own, none proves another's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.errors import SignatureInvalidError
from chemtrace.core.keys import generate_key
from chemtrace.core.pae import RECEIPT_TREE_TYPE, RECEIPT_TYPE, encode_pae
from chemtrace.core.receipt_tree import (
    GROUP,
    group_size,
    sign_receipts,
    signed_group,
    signed_part,
    verify_receipt,
)
from tests.oracle.merkle_naive import mth

KEY = generate_key("ed25519", bytes(32))
RECEIPTS = [b'{"index":%d}' % number for number in range(40)]


@pytest.mark.parametrize("count", range(41))
def test_every_receipt_of_every_batch_verifies(count: int) -> None:
    """Whatever the number, each has a signature of its own or of its group."""
    signatures = sign_receipts(RECEIPTS[:count], KEY.sign)
    assert len(signatures) == count
    for receipt, signature in zip(RECEIPTS, signatures, strict=False):
        verify_receipt(KEY.public, receipt, signature)


@pytest.mark.parametrize("count", range(2, GROUP + 1))
def test_what_is_signed_is_the_root_of_the_standard_tree(count: int) -> None:
    """A second implementation of RFC 6962 comes to the same root for every size."""
    signatures = sign_receipts(RECEIPTS[:count], KEY.sign)
    body = mth(RECEIPTS[:count]) + count.to_bytes(2, "big")
    expected = encode_pae(RECEIPT_TREE_TYPE, body)
    for receipt, signature in zip(RECEIPTS[:count], signatures, strict=True):
        assert signed_part(receipt, signature) == (expected, signatures[0][:64])


def test_a_lone_receipt_is_signed_by_itself() -> None:
    """64 bytes over the receipt, as if there were no groups; so is the one left over behind full groups."""
    (lone,) = sign_receipts([b"alone"], KEY.sign)
    assert signed_part(b"alone", lone) == (encode_pae(RECEIPT_TYPE, b"alone"), lone)
    assert len(lone) == len(sign_receipts(RECEIPTS[: GROUP + 1], KEY.sign)[GROUP]) == 64


def test_one_signature_is_made_for_sixteen() -> None:
    """The key is asked as seldom as promised."""
    asked: list[bytes] = []

    def sign(message: bytes) -> bytes:
        asked.append(message)
        return KEY.sign(message)

    sign_receipts(RECEIPTS[: 2 * GROUP], sign)
    assert len(asked) == 2


@given(st.integers(0, 15), st.integers(0, 8 * (64 + 4 + 128) - 1))
def test_refuses_any_changed_bit_of_a_signature(place: int, bit: int) -> None:
    """Signature, place, count and path are all bound."""
    good = sign_receipts(RECEIPTS[:16], KEY.sign)[place]
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureInvalidError):
        verify_receipt(KEY.public, RECEIPTS[place], bytes(bad))


@given(st.integers(0, 15), st.integers(0, 15))
def test_refuses_the_signature_of_a_neighbour(place: int, other: int) -> None:
    """Being in the same group proves nothing for another receipt."""
    signatures = sign_receipts(RECEIPTS[:16], KEY.sign)
    if place != other:
        with pytest.raises(SignatureInvalidError):
            verify_receipt(KEY.public, RECEIPTS[place], signatures[other])


@pytest.mark.parametrize("size", [0, 1, 63, 65, 67, 68, 69, 99, 101])
def test_refuses_a_form_that_no_signature_has(size: int) -> None:
    """Cut, stretched or empty."""
    good = sign_receipts(RECEIPTS[:16], KEY.sign)[3]
    with pytest.raises(SignatureInvalidError):
        verify_receipt(KEY.public, RECEIPTS[3], good[:size])
    with pytest.raises(SignatureInvalidError):
        verify_receipt(KEY.public, RECEIPTS[3], good + bytes(size or 5))


@pytest.mark.parametrize("count", range(2, GROUP + 1))
def test_a_whole_group_leads_to_what_each_of_it_leads_to(count: int) -> None:
    """Looking at a group at once gives the same message and signature as looking at each receipt."""
    receipts = RECEIPTS[:count]
    signatures = sign_receipts(receipts, KEY.sign)
    assert count == group_size(signatures[0])
    assert {0} == {group_size(signature) for signature in signatures[1:]}
    assert {signed_group(receipts, signatures)} == {
        signed_part(receipt, signature) for receipt, signature in zip(receipts, signatures, strict=True)
    }


def test_what_is_no_whole_group_is_none() -> None:
    """A part, another order, another receipt, or any changed byte of any signature."""
    receipts = RECEIPTS[:5]
    signatures = sign_receipts(receipts, KEY.sign)
    whole = signed_group(receipts, signatures)
    assert signed_group(receipts[:4], signatures[:4]) is None
    assert signed_group(receipts[1:], signatures[1:]) is None
    assert signed_group(receipts[::-1], signatures[::-1]) is None
    assert signed_group([*receipts[:4], b"other"], signatures) is None
    assert signed_group(receipts[:1], sign_receipts(receipts[:1], KEY.sign)) is None
    for at, signature in enumerate(signatures):
        for place in range(len(signature)):
            changed = bytearray(signature)
            changed[place] ^= 1
            found = signed_group(receipts, [*signatures[:at], bytes(changed), *signatures[at + 1 :]])
            assert found is None or found != whole
    assert {0} == {group_size(data) for data in (b"", bytes(64), bytes(66), signatures[0][:64])}
