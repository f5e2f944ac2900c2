"""The promise of a receipt: by `publish_by` the entry is published. Kept, open, or broken, shown by proofs alone.

A receipt and what stands here convince anybody who pins the log's receipt key and log key; the server is not asked.
Byte-exact rule: contracts/specs/receipt.md, section Promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.checkpoint import Checkpoint
from chemtrace.core.entry import leaf_hash
from chemtrace.core.epoch import EpochRecord, epoch_entry, parse_epoch
from chemtrace.core.errors import CheckpointError, PromiseBrokenError, ReceiptFormatError
from chemtrace.core.merkle import verify_inclusion
from chemtrace.core.receipt import Receipt, verify_signed_receipt
from chemtrace.core.times import parse_rfc3339

DEFAULT_PUBLISH_DELAY_US: Final = 60_000_000
"""How long after receipt a checkpoint must cover an entry, where nothing else is set."""

PromiseState: TypeAlias = Literal["kept", "open"]


class PlacedLeaf(msgspec.Struct, frozen=True):
    """A leaf hash and its audit path to the checkpoint's root, lowest sibling first; its index is the promised one."""

    leaf: bytes
    path: tuple[bytes, ...]


class PlacedEpoch(msgspec.Struct, frozen=True):
    """An epoch record (header bytes), its index and its audit path to the checkpoint's root, lowest sibling first."""

    index: int
    record: bytes
    path: tuple[bytes, ...]


def verify_promise(
    data: bytes,
    key: PublicKey,
    checkpoint: Checkpoint,
    *,
    epochs: Sequence[PlacedEpoch],
    leaf: PlacedLeaf | None = None,
) -> PromiseState:
    """Say what proofs under one verified checkpoint tell of the promise in the signed receipt `data`.

    "kept": the promised leaf stands at the promised index, and an epoch record behind it has a log time at or before
    `publish_by`. "open": the proofs decide nothing; the promise is not due, or the entry's epoch is not among `epochs`.

    Args:
        key: the pinned receipt key.
        checkpoint: as `verify_checkpoint` returned it.
        epochs: the record that covers the promised index, and for "not there" the last leaf of the tree.

    Raises:
        PromiseBrokenError: proved broken: another leaf stands there, or it was published too late or not at all;
            carries both sides.
        ReceiptFormatError: the receipt promises nothing. CheckpointError: the receipt is of another log.
        KeyUnknownError, SignatureInvalidError, WireError: the receipt does not verify.
        RootMismatchError, ProofShapeError, EpochFormatError: a proof does not hold; nothing is said of the promise.
    """
    receipt = verify_signed_receipt(data, key)
    if receipt.origin != checkpoint.origin:
        raise CheckpointError(
            "receipt and checkpoint are of two logs", expected=receipt.origin, found=checkpoint.origin
        )
    is_there = leaf is not None and _is_promised_leaf(receipt, leaf, checkpoint)
    in_time = [_is_in_time(receipt, placed, checkpoint) for placed in epochs]
    return "kept" if is_there and any(in_time) else "open"


def promised_us(receipt: Receipt) -> int:
    """The moment until which the entry must be published, microseconds UTC; raises `ReceiptFormatError` without one."""
    if receipt.publish_by is msgspec.UNSET:
        raise ReceiptFormatError("this receipt promises no moment of publication", index=receipt.index)
    return parse_rfc3339(receipt.publish_by)


def _is_promised_leaf(receipt: Receipt, placed: PlacedLeaf, checkpoint: Checkpoint) -> bool:
    verify_inclusion(
        leaf_hash=placed.leaf,
        index=receipt.index,
        size=checkpoint.size,
        path=placed.path,
        root=checkpoint.root,
    )
    if placed.leaf.hex() != receipt.leaf:
        raise PromiseBrokenError(
            f"another entry stands at index {receipt.index} than the receipt promises: keep receipt and proof",
            index=receipt.index,
            expected=receipt.leaf,
            found=placed.leaf.hex(),
            size=checkpoint.size,
        )
    return True


def _is_in_time(receipt: Receipt, placed: PlacedEpoch, checkpoint: Checkpoint) -> bool:
    """Whether an epoch record closes the promised entry in time; raises where it shows that none can."""
    record = parse_epoch(placed.record)
    verify_inclusion(
        leaf_hash=leaf_hash(epoch_entry(record)),
        index=placed.index,
        size=checkpoint.size,
        path=placed.path,
        root=checkpoint.root,
    )
    if record.log_time_us <= promised_us(receipt):
        return placed.index > receipt.index
    if _epoch_start(record) <= receipt.index:
        # Log time never goes back: every record that closes the entry is this one or a later one.
        raise PromiseBrokenError(
            f"entry {receipt.index} was not published by {receipt.publish_by}: keep receipt and proof",
            index=receipt.index,
            publish_by=receipt.publish_by,
            log_time=record.log_time,
            size=checkpoint.size,
        )
    return False


def _epoch_start(record: EpochRecord) -> int:
    """The first index behind the epoch record before this one."""
    return 0 if record.previous is None else record.previous + 1
