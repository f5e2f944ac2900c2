"""Start-up: head row, entries, epochs, tiles, map, checkpoint and vault must tell one story before anything is written.

A crash leaves only whole transactions behind, so all that can be missing is the signature over the last epoch; it is
made up for by `publish.sign_epoch`. Any other difference is evidence against our own records: writing does not start.
"""

from __future__ import annotations

from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.errors import (
    ChainBrokenError,
    CheckpointForkError,
    CheckpointMismatchError,
    EpochBrokenError,
    IndexGapError,
)
from chemtrace.core.note import parse_note
from chemtrace.ledger.integrate import verify_map_root
from chemtrace.ledger.ports import Head, ReadTransaction
from chemtrace.ledger.publish import tree_root, verify_memory


def verify_tip(transaction: ReadTransaction, origin: str, last_signed: tuple[int, bytes] | None) -> Head:
    """Check the newest end of the log and return its head row.

    (1) The head row names the last entry. (2) Its chain value is that entry's. (3) The epoch row it names is there.
    (4) The tiles give the root of the checkpoint of that epoch, if it was signed. (5) The pages of the map give the
    map root of that epoch. (6) The vault knows what it signed last, and that
    is here.

    Raises:
        LedgerMissingError: no ledger here.
        IndexGapError, ChainBrokenError, EpochBrokenError, CheckpointMismatchError, MapBrokenError,
            CheckpointForkError, VaultLostError: both sides.
    """
    head = transaction.head()
    _check_last_entry(transaction, head)
    _check_epoch(transaction, head)
    if head.epoch_index >= 0:
        _check_root(transaction, origin, head.epoch_index + 1)
        verify_map_root(transaction, head.epoch_index)
    verify_memory(transaction, last_signed)
    if last_signed is not None:
        _check_vault(transaction, head, last_signed)
    return head


def accept_head(transaction: ReadTransaction, origin: str, size: int, root: bytes) -> tuple[int, bytes]:
    """Return what a vault that lost its memory may be told: the larger of this head and the newest checkpoint here.

    `size` (1 or more) and `root` are those of the largest checkpoint that anybody outside holds.

    Raises:
        CheckpointForkError: this ledger does not hold that tree: whoever goes on with it forks the log.
        Whatever `verify_tip` raises about the ledger itself.
    """
    head = verify_tip(transaction, origin, (0, b""))
    covered = head.epoch_index + 1
    found = tree_root(transaction, size) if size <= covered else None
    if found != root:
        raise CheckpointForkError(
            "this ledger does not hold the tree that was published: it is older than it, or another one; nothing was"
            " accepted. Find a later backup / 本账本不含已发布的树：请另寻较新的备份",
            published_size=size,
            published_root=root,
            size=covered,
            root=found,
        )
    newest = transaction.checkpoint_size() or 0
    if newest <= size:
        return size, root
    _check_root(transaction, origin, newest)
    return newest, tree_root(transaction, newest)


def _check_last_entry(transaction: ReadTransaction, head: Head) -> None:
    index, chain = transaction.last_entry() or (-1, None)
    if index + 1 != head.size:
        raise IndexGapError(
            "the head row and the last entry disagree about the size of the log",
            head=head.size,
            entries=index + 1,
        )
    if chain is not None and chain != head.chain:
        raise ChainBrokenError(
            "the head row and the last entry disagree about the chain",
            expected=head.chain,
            found=chain,
            index=index,
        )


def _check_epoch(transaction: ReadTransaction, head: Head) -> None:
    if head.epoch_index < 0:
        return
    last = transaction.epochs_from(head.epoch_index)
    found = [(epoch.number, epoch.index, epoch.log_time_us) for epoch in last]
    expected = [(head.epoch_number, head.epoch_index, head.log_time_us)]
    if found != expected:
        raise EpochBrokenError("the head row and the last epoch disagree", expected=expected, found=found)


def _check_root(transaction: ReadTransaction, origin: str, size: int) -> None:
    root = tree_root(transaction, size)
    note = transaction.checkpoint(size)
    if note is None:
        return
    checkpoint = parse_checkpoint(parse_note(note).text, origin)
    if (checkpoint.size, checkpoint.root) != (size, root):
        raise CheckpointMismatchError(
            "the tiles do not give the root that was signed",
            size=size,
            expected=checkpoint.root,
            found=root,
            signed_size=checkpoint.size,
        )


def _check_vault(transaction: ReadTransaction, head: Head, last_signed: tuple[int, bytes]) -> None:
    size, root = last_signed
    if size > head.epoch_index + 1 or (size > 0 and tree_root(transaction, size) != root):
        raise CheckpointForkError(
            "the vault has signed a tree that this ledger does not hold: a backup was restored, or rows were changed;"
            " writing would fork the log",
            signed_size=size,
            signed_root=root,
            size=head.size,
        )
