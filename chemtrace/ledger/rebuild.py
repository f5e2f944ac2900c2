"""Rebuilding: everything behind admission that is a fold of the entries, made again from them.

Tiles, subject trees and the map's pages are dropped and folded again epoch by epoch, by the same code that folds when
an epoch is cut, and compared with what was published: every map root with its epoch record, every root of the tree with
its checkpoint. It ends at the newest epoch; what stands behind it is folded by the next one.

All of it is one transaction. A rebuild that is broken off, or that finds the entries to be others than those that were
published, leaves what was there: what is wrong with a fold must not cost the proofs that it still gives.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.errors import EntryCorruptError, MapBrokenError, TreeBrokenError
from chemtrace.core.note import parse_note
from chemtrace.core.tiles import extend_tiles
from chemtrace.ledger.integrate import Integration, map_root_of
from chemtrace.ledger.ports import EpochRow, Head, Store, WriteTransaction
from chemtrace.ledger.publish import tile_reader, tree_root

Progress = Callable[[int, int], None]
"""Called with (entries folded, entries to fold)."""


def rebuild_folds(store: Store, *, progress: Progress | None = None) -> int:
    """Drop all tiles, subject trees and pages of the map, and fold them again from the entries up to the newest epoch.

    Returns how many entries they cover. Whatever it raises, nothing was changed.

    Raises:
        EntryCorruptError: an entry is not that of its leaf hash.
        MapBrokenError: the map of an epoch has not the root that its record commits; carries both.
        TreeBrokenError: the tree of a checkpoint has not the root that was signed; carries both.
    """
    integration = Integration()
    before: EpochRow | None = None
    with store.write() as transaction:
        total = transaction.lock_head().epoch_index + 1
        epochs = transaction.epochs_from(0)
        transaction.drop_folds()
        for epoch in epochs:
            _rebuild_epoch(transaction, integration, before, epoch)
            before = epoch
            if progress is not None:
                progress(epoch.index + 1, total)
    return total


def _rebuild_epoch(
    transaction: WriteTransaction, integration: Integration, before: EpochRow | None, epoch: EpochRow
) -> None:
    """Fold what lies between two epoch records, and compare what the second one and its checkpoint say."""
    first = 0 if before is None else before.index + 1
    leaves = _leaves(transaction, first, epoch.index)
    tiles = extend_tiles(first, leaves, tile_reader(transaction))
    transaction.store_tiles([(tile.level, tile.number, tile.data) for tile in tiles])
    expected = map_root_of(transaction, epoch.index)
    if expected is not None:
        found = integration.fold_epoch(transaction, _head_before(before, epoch))
        if found != expected:
            raise MapBrokenError(
                "the entries before an epoch do not fold to the map root in its record",
                index=epoch.index,
                expected=expected,
                found=found,
            )
    _compare_checkpoint(transaction, epoch.index + 1)


def _leaves(transaction: WriteTransaction, first: int, last: int) -> list[bytes]:
    leaves: list[bytes] = []
    for index, leaf, body in transaction.entry_heads(first, last):
        found = sha256(b"\x00" + body).digest()
        if found != leaf or index != first + len(leaves):
            raise EntryCorruptError(
                "an entry is missing, or its bytes are not those of its leaf hash: run a full audit",
                index=first + len(leaves),
                expected=leaf,
                found=found,
            )
        leaves.append(leaf)
    return leaves


def _head_before(before: EpochRow | None, epoch: EpochRow) -> Head:
    """The head row as it stood when the epoch was cut, as far as folding asks."""
    return Head(
        size=epoch.index,
        chain=b"",
        epoch_number=epoch.number - 1,
        epoch_index=-1 if before is None else before.index,
        log_time_us=0 if before is None else before.log_time_us,
        registry_index=-1,
        subjects=0,
    )


def _compare_checkpoint(transaction: WriteTransaction, size: int) -> None:
    note = transaction.checkpoint(size)
    if note is None:
        return
    expected, found = parse_checkpoint(parse_note(note).text).root, tree_root(transaction, size)
    if found != expected:
        raise TreeBrokenError(
            "the entries of a checkpoint do not have the root that was signed",
            size=size,
            expected=expected,
            found=found,
        )
