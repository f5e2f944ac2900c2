"""Publishing: the epoch record, the map, the tiles, the checkpoint. After it, everything before it is committed to.

The record, the subject trees, the map's pages and the tiles are written in one transaction under the head lock; from
its end on the epoch is part of the log. Then the vault signs and the checkpoint is stored. A crash between the two
loses nothing: at the next start the checkpoint of the last epoch is signed, over the same tree.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from chemtrace.core.entry import encode_entry
from chemtrace.core.epoch import EpochRecord, encode_epoch
from chemtrace.core.errors import CheckpointForkError, ClockError, StaleLeaderError, VaultLostError
from chemtrace.core.merkle import EMPTY_ROOT
from chemtrace.core.tiles import ReadTile, consistency_from_tiles, extend_tiles, root_from_tiles
from chemtrace.core.times import format_utc
from chemtrace.ledger.integrate import Fold, Integration
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.ports import (
    CheckpointSigner,
    EpochRow,
    Head,
    NewEntry,
    ReadTransaction,
    Store,
    WriteTransaction,
)

CLOCK_SLACK_US: Final = 5_000_000
"""How far a clock may step back between two epochs (time servers correct by less); log time then stands still."""

OPERATOR: Final = "operator"
"""Actor of the log's own records."""


def cut_epoch(
    store: Store, memory: Memory, now_us: int, *, force: bool, integration: Fold | None = None
) -> EpochRow | None:
    """Append an epoch record and fold all entries up to it into tiles, trees and map; None when there is nothing new.

    `integration`: what earlier folds of this writer keep; None starts from the stored rows.

    Raises:
        ClockError: the clock stands before the last log time by more than the slack; nothing was written.
        TreeBrokenError: the stored tiles are not those of the entries.
        MapBrokenError: the stored trees, the stored map and the last epoch record contradict each other.
    """
    integration = integration or Integration()
    try:
        with store.write() as transaction:
            head = transaction.lock_head()
            memory.refresh(transaction, head)
            if head.size == head.epoch_index + 1 and not force:
                return None
            epoch, after = _append_epoch(transaction, head, _log_time(head, now_us), integration)
        memory.settle(after)
    except BaseException:
        memory.forget()
        integration.forget()
        raise
    return epoch


def _log_time(head: Head, now_us: int) -> int:
    if now_us + CLOCK_SLACK_US < head.log_time_us:
        raise ClockError(
            "the clock stands before the last epoch: set it right; log time never goes back",
            now=format_utc(now_us),
            log_time=format_utc(head.log_time_us),
        )
    return max(now_us, head.log_time_us)


def prepare_epoch(store: Store, integration: Fold) -> None:
    """Fold what is in the log so far without any lock, so that `cut_epoch` has only the rest of it to fold.

    Not while another thread is in `cut_epoch` with the same `integration`.

    Raises:
        MapBrokenError: the stored trees, the stored map and the last epoch record contradict each other.
    """
    with store.read() as transaction:
        integration.prepare(transaction, transaction.head())


def _append_epoch(
    transaction: WriteTransaction, head: Head, log_time_us: int, integration: Fold
) -> tuple[EpochRow, Head]:
    index, first = head.size, head.epoch_index + 1
    empty = first == index
    epoch = EpochRow(
        head.epoch_number + 1, index, log_time_us, None if empty else first, None if empty else index - 1
    )
    header = encode_epoch(
        EpochRecord(
            chain=head.chain.hex(),
            first=epoch.first,
            last=epoch.last,
            log_time=format_utc(log_time_us),
            map_root=integration.fold_epoch(transaction, head).hex(),
            number=epoch.number,
            previous=None if head.epoch_index < 0 else head.epoch_index,
            subjects=head.subjects,
        )
    )
    body = encode_entry(header, ())
    leaf = sha256(b"\x00" + body).digest()
    chain = sha256(b"\x02" + head.chain + leaf).digest()
    entry = _epoch_entry(epoch, header=header, body=body, leaf=leaf, chain=chain)
    transaction.append_epoch(entry, epoch)
    leaves = transaction.leaves(first, index)
    tiles = extend_tiles(first, leaves, tile_reader(transaction))
    transaction.store_tiles([(tile.level, tile.number, tile.data) for tile in tiles])
    after = Head(
        size=index + 1,
        chain=chain,
        epoch_number=epoch.number,
        epoch_index=index,
        log_time_us=log_time_us,
        registry_index=head.registry_index,
        subjects=head.subjects,
    )
    transaction.set_head(after)
    return epoch, after


def _epoch_entry(epoch: EpochRow, *, header: bytes, body: bytes, leaf: bytes, chain: bytes) -> NewEntry:
    return NewEntry(
        index=epoch.index,
        event_id=sha256(header).digest(),
        leaf=leaf,
        chain=chain,
        received_us=epoch.log_time_us,
        effective_us=epoch.log_time_us,
        late=False,
        kind="epoch",
        phase="record",
        actor=OPERATOR,
        counterparty=None,
        body=body,
        payload=None,
        openings=(),
        receipt=None,
    )


def sign_epoch(store: Store, vault: CheckpointSigner, origin: str, epoch_index: int) -> bytes:
    """Sign and store the checkpoint whose last leaf is the epoch record at `epoch_index`; returns the note.

    Raises:
        CheckpointForkError: the vault signed a tree before that this one does not contain; nothing is signed.
        StaleLeaderError: another writer of this log has signed beyond this epoch; nothing is signed.
        VaultLostError: there are signed checkpoints and the vault has no memory; nothing is signed.
        TreeBrokenError: the tiles do not give this tree.
    """
    size = epoch_index + 1
    with store.read() as transaction:
        stored = transaction.checkpoint(size)
    if stored is not None:
        return stored
    note = _signed(store, vault, origin, size)
    with store.write() as transaction:
        if transaction.checkpoint(size) is None:
            transaction.store_checkpoint(size, note)
    return note


def _signed(store: Store, vault: CheckpointSigner, origin: str, size: int) -> bytes:
    while True:
        with store.read() as transaction:
            last = vault.last_signed()
            verify_memory(transaction, last)
            _check_leader(transaction, last, size)
            read_tile = tile_reader(transaction)
            root = root_from_tiles(size, read_tile)
            path = (
                consistency_from_tiles(last[0], size, read_tile)
                if last is not None and 0 < last[0] < size
                else ()
            )
        try:
            return vault.sign(origin=origin, size=size, root=root, path=path)
        except CheckpointForkError:
            # Where another writer signed since the look at the vault, the path was from the wrong tree: look again.
            if vault.last_signed() == last:
                raise


def verify_memory(transaction: ReadTransaction, last: tuple[int, bytes] | None) -> None:
    """Refuse a vault without a memory beside signed checkpoints: only a log that has none yet may begin one.

    Raises:
        VaultLostError: carries the size of the newest checkpoint.
    """
    size = transaction.checkpoint_size() if last is None else None
    if size is not None:
        raise VaultLostError(
            "this ledger holds signed checkpoints, but the vault does not know what it signed last: the folder vault/"
            " is missing or is another one; bring it back, or see docs/runbooks/restore.md (a lost vault) before"
            " anything is signed / 账本已有签名检查点，而签名库的记忆缺失：请取回原 vault/ 目录，或按恢复手册处理",
            signed_size=size,
        )


def _check_leader(transaction: ReadTransaction, last: tuple[int, bytes] | None, size: int) -> None:
    """A larger tree that this very log holds was signed by another writer; any other tree is the vault's to judge."""
    if last is None or not size < last[0] <= transaction.head().epoch_index + 1:
        return
    if tree_root(transaction, last[0]) == last[1]:
        raise StaleLeaderError(
            "another writer has published beyond this epoch: this one must not sign any more; start it again",
            size=size,
            signed_size=last[0],
            signed_root=last[1],
        )


def tree_root(transaction: ReadTransaction, size: int) -> bytes:
    """The root of the first `size` entries, from the tiles."""
    return root_from_tiles(size, tile_reader(transaction)) if size else EMPTY_ROOT


def tile_reader(transaction: ReadTransaction) -> ReadTile:
    """A reader of the stored tiles for `core.tiles`; what is missing reads as empty, which it refuses."""

    def read_tile(level: int, number: int, _width: int) -> bytes:
        return transaction.tile(level, number) or b""

    return read_tile
