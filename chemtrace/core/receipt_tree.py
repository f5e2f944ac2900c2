"""One signature for many receipts: over the root of a small RFC 6962 tree whose leaves are the receipts' bytes.

A signature over every single receipt would cost a tenth of all the work of a large batch. The receipt of a lone event
is signed by itself, 64 bytes. In a batch, groups of sixteen share a signature, and each receipt carries its way to the
signed root:

    signature 64 ‖ u16be place ‖ u16be count ‖ path, 32 bytes each, lowest sibling first

Signed is the pre-authentication encoding of type `RECEIPT_TREE_TYPE` over root ‖ u16be count. Byte-exact form:
contracts/specs/receipt.md; tree: RFC 6962 section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from chemtrace.core.algorithms import PublicKey, verify
from chemtrace.core.errors import ProofShapeError, SignatureInvalidError
from chemtrace.core.merkle import hash_leaf, root_from_inclusion
from chemtrace.core.pae import RECEIPT_TREE_TYPE, RECEIPT_TYPE, encode_pae

GROUP: Final = 16
"""Receipts that share a signature: a sixteenth of the signing for 132 bytes more a receipt."""

SIGNATURE_BYTES: Final = 64
_HEAD_BYTES: Final = SIGNATURE_BYTES + 4
_HASH_BYTES: Final = 32

Sign = Callable[[bytes], bytes]
"""A message to its raw signature of 64 bytes."""


def sign_receipts(receipts: Sequence[bytes], sign: Sign) -> list[bytes]:
    """Return the signature of each receipt, in order; `sign` is called once for every sixteen."""
    signatures: list[bytes] = []
    for start in range(0, len(receipts), GROUP):
        group = receipts[start : start + GROUP]
        if len(group) == 1:
            signatures.append(sign(encode_pae(RECEIPT_TYPE, group[0])))
        else:
            signatures += _sign_group(group, sign)
    return signatures


def verify_receipt(key: PublicKey, receipt: bytes, signature: bytes) -> None:
    """Verify the signature of a receipt's bytes, its own or its group's.

    Raises:
        SignatureInvalidError: it does not verify, or its path has a form that no group has.
    """
    message, raw = signed_part(receipt, signature)
    verify(key, message, raw)


def signed_part(receipt: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """Return the message and the raw signature that prove a receipt; the same for all receipts of one group.

    Raises:
        SignatureInvalidError: the signature has the form of neither a lone receipt nor a group's.
    """
    if len(signature) == SIGNATURE_BYTES:
        return encode_pae(RECEIPT_TYPE, receipt), signature
    rest = signature[_HEAD_BYTES:]
    place = int.from_bytes(signature[SIGNATURE_BYTES : SIGNATURE_BYTES + 2], "big")
    count = int.from_bytes(signature[SIGNATURE_BYTES + 2 : _HEAD_BYTES], "big")
    if len(signature) < _HEAD_BYTES or len(rest) % _HASH_BYTES or count < 2:
        raise SignatureInvalidError("the receipt's signature has no known form", size=len(signature))
    path = [rest[at : at + _HASH_BYTES] for at in range(0, len(rest), _HASH_BYTES)]
    try:
        root = root_from_inclusion(leaf_hash=hash_leaf(receipt), index=place, size=count, path=path)
    except ProofShapeError as error:
        raise SignatureInvalidError(
            f"the receipt's path in its group is malformed: {error.message}"
        ) from error
    return _message(root, count), signature[:SIGNATURE_BYTES]


def group_size(signature: bytes) -> int:
    """Return how many receipts a group has whose first receipt carries this signature; 0 for any other signature."""
    head = signature[SIGNATURE_BYTES:_HEAD_BYTES]
    return int.from_bytes(head[2:], "big") if head[:2] == b"\0\0" else 0


def signed_group(receipts: Sequence[bytes], signatures: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the message and the raw signature that prove all receipts of one whole group at once.

    A third of the work of `signed_part` for each. None unless they are such a group, byte for byte; nothing is
    verified here.
    """
    if len(receipts) < 2:
        return None
    raw, messages = signatures[0][:SIGNATURE_BYTES], []

    def note(message: bytes) -> bytes:
        messages.append(message)
        return raw

    return (messages[0], raw) if _sign_group(receipts, note) == list(signatures) else None


def _message(root: bytes, count: int) -> bytes:
    return encode_pae(RECEIPT_TREE_TYPE, root + count.to_bytes(2, "big"))


def _sign_group(receipts: Sequence[bytes], sign: Sign) -> list[bytes]:
    """Build the tree level by level; the last node of an odd level moves up as it is, which is RFC 6962's tree."""
    count = len(receipts)
    level = [sha256(b"\x00" + receipt).digest() for receipt in receipts]
    levels = []
    while len(level) > 1:
        levels.append(level)
        pairs = range(0, len(level) - 1, 2)
        above = [sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in pairs]
        level = above + level[-1:] if len(level) % 2 else above
    raw, size = sign(_message(level[0], count)), count.to_bytes(2, "big")
    # From the root down: the way of a node is its sibling, then the way of the node above it.
    ways = [b""]
    for level in reversed(levels):
        siblings = [level[at ^ 1] if at ^ 1 < len(level) else b"" for at in range(len(level))]
        ways = [sibling + ways[at >> 1] for at, sibling in enumerate(siblings)]
    return [raw + place.to_bytes(2, "big") + size + way for place, way in enumerate(ways)]
