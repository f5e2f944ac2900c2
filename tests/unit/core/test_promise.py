"""The promise of a receipt: kept, open or broken, and only by proofs under a checkpoint of the same log."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from chemtrace.core.checkpoint import Checkpoint
from chemtrace.core.entry import leaf_hash
from chemtrace.core.epoch import EpochRecord, encode_epoch, epoch_entry
from chemtrace.core.errors import (
    CheckpointError,
    KeyUnknownError,
    PromiseBrokenError,
    ReceiptFormatError,
    RootMismatchError,
)
from chemtrace.core.merkle import MemoryTree, inclusion_path
from chemtrace.core.promise import PlacedEpoch, PlacedLeaf, PromiseState, verify_promise
from chemtrace.core.receipt import Receipt, encode_signed_receipt, sign_receipt
from chemtrace.core.types import LeafHash
from tests.specimens import ED25519, P256

ORIGIN = "log.example/chemtrace"
LEAF = leaf_hash(b"the promised entry")
INDEX = 3
RECEIPT = Receipt(
    event="ab" * 32, findings=(), index=INDEX, late=False, leaf=LEAF.hex(), origin=ORIGIN,
    received="2026-03-01T00:30:00Z", publish_by="2026-03-01T00:31:00Z",
)  # fmt: skip
FIRST = EpochRecord(
    chain="ab" * 32, first=0, last=1, log_time="2026-03-01T00:29:59Z", map_root=None, number=0, previous=None,
    subjects=1,
)  # fmt: skip


def second(log_time: str) -> EpochRecord:
    """The epoch that closes entries 3 and 4; the first one stands at index 2."""
    return msgspec.structs.replace(FIRST, first=3, last=4, log_time=log_time, number=1, previous=2)


def empty(log_time: str) -> EpochRecord:
    """An epoch at index 3 where the promised entry should be, with nothing new in it."""
    return msgspec.structs.replace(FIRST, first=None, last=None, log_time=log_time, number=1, previous=2)


class Log:
    """A little tree with proofs."""

    def __init__(self, records: dict[int, EpochRecord], size: int, promised: bytes = LEAF) -> None:
        self.records = records
        leaves = [leaf_hash(f"entry {index}".encode()) for index in range(size)]
        for index, record in records.items():
            leaves[index] = leaf_hash(epoch_entry(record))
        if INDEX < size and INDEX not in records:
            leaves[INDEX] = LeafHash(promised)
        self.leaves = leaves
        self.tree = MemoryTree(leaves)
        self.checkpoint = Checkpoint(ORIGIN, size, self.tree.root())

    def epoch(self, index: int) -> PlacedEpoch:
        path = tuple(inclusion_path(index, len(self.leaves), self.tree.node))
        return PlacedEpoch(index, encode_epoch(self.records[index]), path)

    def leaf(self) -> PlacedLeaf:
        return PlacedLeaf(self.leaves[INDEX], tuple(inclusion_path(INDEX, len(self.leaves), self.tree.node)))


def tell(log: Log, epochs: Sequence[int], *, leaf: bool = True, receipt: Receipt = RECEIPT) -> PromiseState:
    data = encode_signed_receipt(sign_receipt(receipt, ED25519))
    return verify_promise(
        data,
        ED25519.public,
        log.checkpoint,
        epochs=[log.epoch(index) for index in epochs],
        leaf=log.leaf() if leaf else None,
    )


def test_an_entry_closed_in_time_keeps_the_promise() -> None:
    log = Log({2: FIRST, 5: second("2026-03-01T00:31:00Z")}, 6)
    assert tell(log, [5]) == "kept"
    assert tell(log, [2, 5]) == "kept"


def test_nothing_is_decided_before_it_is_due_or_without_the_leaf() -> None:
    log = Log({2: FIRST, 5: second("2026-03-01T00:30:30Z")}, 6)
    assert tell(log, [5], leaf=False) == "open"
    assert tell(log, [2]) == "open"
    assert tell(Log({2: FIRST}, 3), [2], leaf=False) == "open"
    assert tell(log, []) == "open"


def test_a_later_epoch_says_nothing_about_an_entry_closed_before() -> None:
    third = msgspec.structs.replace(
        FIRST, first=None, last=None, log_time="2026-03-01T01:00:00Z", number=2, previous=5
    )
    log = Log({2: FIRST, 5: second("2026-03-01T00:30:30Z"), 6: third}, 7)
    assert tell(log, [6]) == "open"
    assert tell(log, [6, 5]) == "kept"


def test_a_tree_of_a_later_time_without_the_entry_breaks_the_promise() -> None:
    late = msgspec.structs.replace(FIRST, log_time="2026-03-01T00:31:00.000001Z")
    with pytest.raises(PromiseBrokenError) as caught:
        tell(Log({2: late}, 3), [2], leaf=False)
    assert caught.value.fields["publish_by"] == RECEIPT.publish_by
    assert caught.value.fields["log_time"] == "2026-03-01T00:31:00.000001Z"


def test_an_entry_closed_too_late_breaks_the_promise() -> None:
    with pytest.raises(PromiseBrokenError):
        tell(Log({2: FIRST, 5: second("2026-03-01T00:31:00.000001Z")}, 6), [5])


def test_an_epoch_in_the_place_of_the_entry_breaks_the_promise() -> None:
    with pytest.raises(PromiseBrokenError):
        tell(Log({2: FIRST, 3: empty("2026-03-01T00:40:00Z")}, 4), [3], leaf=False)


def test_another_entry_in_the_place_breaks_the_promise_with_both_leaves() -> None:
    other = leaf_hash(b"another entry")
    with pytest.raises(PromiseBrokenError) as caught:
        tell(Log({2: FIRST, 5: second("2026-03-01T00:30:30Z")}, 6, other), [5])
    assert (caught.value.fields["expected"], caught.value.fields["found"]) == (LEAF.hex(), other.hex())


def test_proofs_that_do_not_hold_accuse_nobody() -> None:
    log = Log({2: msgspec.structs.replace(FIRST, log_time="2026-03-01T00:40:00Z")}, 3)
    log.records[2] = msgspec.structs.replace(FIRST, log_time="2026-03-01T00:50:00Z")
    with pytest.raises(RootMismatchError):
        tell(log, [2], leaf=False)


def test_a_receipt_of_another_log_or_key_or_without_promise_is_refused() -> None:
    log = Log({2: FIRST, 5: second("2026-03-01T00:31:00Z")}, 6)
    with pytest.raises(CheckpointError):
        tell(log, [5], receipt=msgspec.structs.replace(RECEIPT, origin="other.example/log"))
    with pytest.raises(ReceiptFormatError):
        tell(log, [5], receipt=msgspec.structs.replace(RECEIPT, publish_by=msgspec.UNSET))
    with pytest.raises(KeyUnknownError):
        verify_promise(
            encode_signed_receipt(sign_receipt(RECEIPT, P256)), ED25519.public, log.checkpoint, epochs=[]
        )
