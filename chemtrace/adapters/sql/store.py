"""The store port in SQL: group commits, epochs, tiles and checkpoints, each inside the caller's transaction."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

import msgspec

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.questions import HEAD_COLUMNS, Questions
from chemtrace.adapters.sql.rows import (
    Row,
    fetch_many_keys,
    fetch_one,
    insert_many,
    insert_sql,
    run_many,
    upsert_sql,
)
from chemtrace.ledger.ports import CosignatureRow, EpochRow, ForkRow, Group, Head, NewEntry, SubjectTreeRow
from chemtrace.registry.records import TABLES, encode_record
from chemtrace.trace.exact import plain
from chemtrace.trace.state import ItemState, encode_state

_ENTRY: Final = insert_sql(
    "entry",
    "idx, event_id, leaf, chain, received_us, effective_us, late, kind, phase, actor, counterparty, body,"
    " receipt, receipt_signature",
)
_PAYLOAD: Final = insert_sql("payload", "idx, body")
_OPENING: Final = insert_sql("opening", "idx, n, digest, salt, value")
_SUBJECT_ENTRY: Final = insert_sql("subject_entry", "subject, idx, effect")
_SUBJECT_HEAD: Final = upsert_sql("subject_head", "subject", "idx, event_id, effective_us, count")
_ITEM: Final = upsert_sql(
    "item", "code", "slot, status, holder, site, quantity, unit, parent, offered_to, waybill, last_idx, state"
)
_WAYBILL: Final = upsert_sql(
    "waybill", "number", "state, carrier, vehicle, consignor, consignee, last_idx, doc"
)
_FINDING: Final = insert_sql("finding", "idx, n, code, rule, severity, doc")
_RESOLVED: Final = "UPDATE finding SET resolved_by = ? WHERE idx = ? AND code = ? AND rule = ?"
_REFUSAL: Final = insert_sql("refusal", "at_size, received_us, event_id, enterprise, code, doc, statement")
_HEAD: Final = upsert_sql("log_head", "id", HEAD_COLUMNS)
_EPOCH: Final = insert_sql("epoch", "number, idx, log_time_us, first_idx, last_idx")
_TILE: Final = upsert_sql("tile", "level, n", "hashes")
_CHECKPOINT: Final = insert_sql("checkpoint", "size, note")
_SUBJECT_TREE: Final = upsert_sql("subject_tree", "subject", "count, last_idx, nodes")
_MAP_PAGE: Final = upsert_sql("map_page", "path, version", "hashes")
_COSIGNATURE: Final = insert_sql("cosignature", "size, name, key_hash, line, added_us")
_FORK: Final = insert_sql("fork_evidence", "found_us, code, first_note, second_note")


class SQLStore:
    """The tables of one ledger as the ledger ring sees them."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    @contextmanager
    def read(self) -> Iterator[Questions]:
        """One snapshot."""
        with self._database.read() as connection:
            yield Questions(connection)

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """One transaction: durable when the block has ended, nothing when it raises."""
        with self._database.write() as connection:
            yield Writing(connection)


class Writing(Questions):
    """Questions, and the rows to be written, in one transaction."""

    def lock_head(self) -> Head:
        """The head row, locked until the transaction ends; SQLite holds the only write lock already."""
        return self._head("" if self.connection.dialect.name == "sqlite" else " FOR UPDATE")

    def set_head(self, head: Head) -> None:
        """Move the head row, or make it."""
        run_many(self.connection, _HEAD, [(1, *msgspec.structs.astuple(head))])

    def set_fact(self, name: str, value: str) -> None:
        """Write down what will never change."""
        run_many(self.connection, insert_sql("ledger", "name, value"), [(name, value)])

    def append(self, group: Group, signatures: Sequence[bytes]) -> None:
        """Write all rows of a group; `signatures` are the receipts', in the order of the entries."""
        connection = self.connection
        entries = group.entries
        insert_many(connection, _PAYLOAD, [(e.index, e.payload) for e in entries if e.payload is not None])
        insert_many(connection, _OPENING, _opening_rows(entries))
        insert_many(connection, _SUBJECT_ENTRY, sorted(group.subject_entries))
        # Sorted keys: neighbours in the trees are written together, and writers lock in one order.
        insert_many(connection, _SUBJECT_HEAD, sorted(
            (name, head.index, head.event_id, head.effective_us, head.count) for name, head in group.heads.items()
        ))  # fmt: skip
        insert_many(connection, _ITEM, [_item_row(group.items[code]) for code in sorted(group.items)])
        self._append_readings(group)
        insert_many(
            connection,
            _ENTRY,
            [_entry_row(entry, signature) for entry, signature in zip(entries, signatures, strict=True)],
        )

    def _append_readings(self, group: Group) -> None:
        """The rarer rows: waybills, findings, records, erasures, refusals."""
        connection = self.connection
        run_many(connection, _WAYBILL, [msgspec.structs.astuple(w) for w in group.waybills.values()])
        run_many(connection, _FINDING, [
            (index, n, found.code, found.rule, found.severity, msgspec.json.encode(found))
            for index, n, found in group.findings
        ])  # fmt: skip
        run_many(connection, _RESOLVED, group.resolved)
        run_many(connection, "DELETE FROM opening WHERE idx = ?", [(index,) for index in group.erased])
        for table in TABLES:
            rows = [
                (change.id, change.record.last_index, encode_record(change.record))
                for change in group.changes
                if change.table == table
            ]
            run_many(connection, upsert_sql(table, "id", "last_idx, doc"), rows)
        run_many(connection, _REFUSAL, [msgspec.structs.astuple(refusal) for refusal in group.refusals])

    def append_epoch(self, entry: NewEntry, epoch: EpochRow) -> None:
        """Write an epoch record: its entry, which carries no receipt, and its row."""
        run_many(self.connection, _ENTRY, [_entry_row(entry, None)])
        run_many(self.connection, _EPOCH, [msgspec.structs.astuple(epoch)])

    def store_tiles(self, tiles: Iterable[tuple[int, int, bytes]]) -> None:
        """Write tiles (level, number, hashes), replacing partial ones."""
        run_many(self.connection, _TILE, list(tiles))

    def drop_folds(self) -> None:
        """Remove all tiles, subject trees and pages of the map."""
        for table in ("tile", "subject_tree", "map_page"):
            self.connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  # constants

    def store_checkpoint(self, size: int, note: bytes) -> None:
        """Write a signed checkpoint."""
        run_many(self.connection, _CHECKPOINT, [(size, note)])

    def store_subject_trees(self, rows: Iterable[tuple[str, SubjectTreeRow]]) -> None:
        """Write trees of subjects, replacing older ones."""
        # Sorted keys: neighbours in the tree of the table are written together.
        ordered = sorted((name, row.count, row.last_index, row.nodes) for name, row in rows)
        insert_many(self.connection, _SUBJECT_TREE, ordered)

    def store_map_pages(self, version: int, pages: Mapping[str, bytes]) -> None:
        """Write pages of the map as of the epoch record at `version`; older versions stay."""
        rows = [(path, version, pages[path]) for path in sorted(pages)]
        insert_many(self.connection, _MAP_PAGE, rows)

    def prune_map_pages(self, paths: Iterable[str], keep: Sequence[int]) -> int:
        """Remove versions of these pages that none of the maps as of `keep` holds, nor the newest one."""
        sql = "SELECT path, version FROM map_page WHERE path IN"
        rows = sorted(fetch_many_keys(self.connection, sql, list(paths)))
        ends = sorted(keep)
        gone = [
            row
            for row, after in pairwise(rows)
            # A version is read by the maps from its own epoch up to the one before the next version.
            if row[0] == after[0] and bisect_left(ends, row[1]) == bisect_left(ends, after[1])
        ]
        run_many(self.connection, "DELETE FROM map_page WHERE path = ? AND version = ?", gone)
        return len(gone)

    def store_cosignature(self, row: CosignatureRow) -> bool:
        """Write a cosignature; False when this witness key has cosigned this size already: the first one stays."""
        sql = "SELECT 1 FROM cosignature WHERE size = ? AND name = ? AND key_hash = ?"
        if fetch_one(self.connection, sql, (row.size, row.name, row.key_hash)) is not None:
            return False
        run_many(self.connection, _COSIGNATURE, [msgspec.structs.astuple(row)])
        return True

    def store_fork(self, row: ForkRow) -> None:
        """Keep evidence of a fork."""
        run_many(self.connection, _FORK, [msgspec.structs.astuple(row)])


def _entry_row(entry: NewEntry, signature: bytes | None) -> Row:
    return (
        entry.index,
        entry.event_id,
        entry.leaf,
        entry.chain,
        entry.received_us,
        entry.effective_us,
        entry.late,
        entry.kind,
        entry.phase,
        entry.actor,
        entry.counterparty,
        entry.body,
        entry.receipt,
        signature,
    )


def _opening_rows(entries: Sequence[NewEntry]) -> list[Row]:
    return [(entry.index, n, *opening) for entry in entries for n, opening in enumerate(entry.openings)]


def _item_row(state: ItemState) -> Row:
    return (
        state.code,
        state.slot,
        state.status,
        state.holder,
        state.site,
        format(plain(state.quantity), "f"),
        state.unit,
        state.parent,
        state.offer[1] if state.offer is not None else None,
        state.waybill,
        state.last_index,
        encode_state(state),
    )
