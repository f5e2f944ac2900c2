"""Reading side of the store port: what the ledger asks of one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection

from chemtrace.adapters.sql.rows import Row, fetch, fetch_many_keys, fetch_one
from chemtrace.core.errors import LedgerMissingError
from chemtrace.ledger.ports import (
    CosignatureRow,
    EpochRow,
    ForkRow,
    Head,
    KnownEvent,
    StoredEvent,
    SubjectHead,
    SubjectTreeRow,
)
from chemtrace.registry.records import TABLES, AnyRecord, decode_record

ENTRIES_A_QUESTION: Final = 1000
"""Entries read at once when many are streamed: about a megabyte."""

HEAD_COLUMNS: Final = "size, chain, epoch_number, epoch_index, log_time_us, registry_index, subjects"
_EVENT: Final = (
    "SELECT e.idx, e.event_id, e.body, p.body, e.received_us, e.effective_us, e.late, {effect}, e.receipt"
    " FROM entry e {join} LEFT JOIN payload p ON p.idx = e.idx WHERE "
)
_ANY_EVENT: Final = _EVENT.format(effect="1", join="")
_SUBJECT_EVENT: Final = _EVENT.format(effect="s.effect", join="JOIN subject_entry s ON s.idx = e.idx")


class Questions:
    """Answers from the connection of one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Ask through `connection`."""
        self.connection = connection

    def head(self) -> Head:
        """The head row; raises `LedgerMissingError` where no ledger was founded."""
        return self._head("")

    def _head(self, lock: str) -> Head:
        row = fetch_one(self.connection, f"SELECT {HEAD_COLUMNS} FROM log_head WHERE id = 1{lock}")  # noqa: S608  # constants
        if row is None:
            raise LedgerMissingError("this database holds no ledger: run `chemtrace init`")
        size, chain, number, index, log_time_us, registry_index, subjects = row
        return Head(
            size=size,
            chain=bytes(chain),
            epoch_number=number,
            epoch_index=index,
            log_time_us=log_time_us,
            registry_index=registry_index,
            subjects=subjects,
        )

    def fact(self, name: str) -> str | None:
        """What never changes, by name: origin, label host."""
        row = fetch_one(self.connection, "SELECT value FROM ledger WHERE name = ?", (name,))
        return None if row is None else str(row[0])

    def known_events(self, event_ids: Sequence[bytes]) -> dict[bytes, KnownEvent]:
        """Which of these events are in the log already, with the receipts they got."""
        sql = "SELECT event_id, idx, receipt, receipt_signature FROM entry WHERE event_id IN"
        rows = fetch_many_keys(self.connection, sql, event_ids)
        return {bytes(i): KnownEvent(idx, bytes(r or b""), bytes(s or b"")) for i, idx, r, s in rows}

    def subject_heads(self, subjects: Sequence[str]) -> dict[str, SubjectHead]:
        """Heads of those of the subjects that have a history."""
        sql = "SELECT subject, idx, event_id, effective_us, count FROM subject_head WHERE subject IN"
        rows = fetch_many_keys(self.connection, sql, subjects)
        return {name: SubjectHead(idx, bytes(event), us, count) for name, idx, event, us, count in rows}

    def item_states(self, codes: Sequence[str]) -> dict[str, bytes]:
        """Stored states of those of the items that have one."""
        rows = fetch_many_keys(self.connection, "SELECT code, state FROM item WHERE code IN", codes)
        return {code: bytes(state) for code, state in rows}

    def waybills(self, numbers: Sequence[str]) -> dict[str, bytes]:
        """Stored states of those of the waybills that are registered."""
        rows = fetch_many_keys(self.connection, "SELECT number, doc FROM waybill WHERE number IN", numbers)
        return {number: bytes(doc) for number, doc in rows}

    def vehicle_waybills(self, vehicle: str) -> dict[str, str]:
        """Number and state of a vehicle's waybills that are not at their end."""
        sql = (
            "SELECT number, state FROM waybill"
            " WHERE vehicle = ? AND state IN ('scheduled', 'loaded', 'in_transit', 'arrived')"
        )
        return {str(row[0]): str(row[1]) for row in fetch(self.connection, sql, (vehicle,))}

    def effective_in(self, subject: str, event_id: bytes) -> int | None:
        """Effective time of an event if it is one of the subject's."""
        sql = (
            "SELECT e.effective_us FROM entry e JOIN subject_entry s ON s.idx = e.idx"
            " WHERE e.event_id = ? AND s.subject = ?"
        )
        row = fetch_one(self.connection, sql, (event_id, subject))
        return None if row is None else int(row[0])

    def event(self, event_id: bytes) -> StoredEvent | None:
        """An event by its id."""
        row = fetch_one(self.connection, _ANY_EVENT + "e.event_id = ?", (event_id,))
        return None if row is None else _stored(row)

    def history(self, subject: str) -> tuple[StoredEvent, ...]:
        """All events of a subject in the order of the log."""
        rows = fetch(self.connection, _SUBJECT_EVENT + "s.subject = ? ORDER BY e.idx", (subject,))
        return tuple([_stored(row) for row in rows])

    def events_between(self, first: int, last: int) -> tuple[StoredEvent, ...]:
        """Entries `first` to `last`, both counted."""
        rows = fetch(self.connection, _ANY_EVENT + "e.idx BETWEEN ? AND ? ORDER BY e.idx", (first, last))
        return tuple([_stored(row) for row in rows])

    def findings_on(self, first: int, last: int) -> tuple[tuple[int, bytes], ...]:
        """Findings of entries `first` to `last` as (index, document), in order."""
        sql = "SELECT idx, doc FROM finding WHERE idx BETWEEN ? AND ? ORDER BY idx, n"
        return tuple([(index, bytes(doc)) for index, doc in fetch(self.connection, sql, (first, last))])

    def leaves(self, first: int, last: int) -> list[bytes]:
        """Leaf hashes of entries `first` to `last`, both counted."""
        sql = "SELECT leaf FROM entry WHERE idx BETWEEN ? AND ? ORDER BY idx"
        return [bytes(leaf) for (leaf,) in fetch(self.connection, sql, (first, last))]

    def last_entry(self) -> tuple[int, bytes] | None:
        """Index and chain value of the newest entry."""
        row = fetch_one(self.connection, "SELECT idx, chain FROM entry ORDER BY idx DESC LIMIT 1")
        return None if row is None else (int(row[0]), bytes(row[1]))

    def epochs_from(self, index: int) -> tuple[EpochRow, ...]:
        """Epochs whose record stands at `index` or behind, in order."""
        sql = "SELECT number, idx, log_time_us, first_idx, last_idx FROM epoch WHERE idx >= ? ORDER BY number"
        return tuple([EpochRow(*row) for row in fetch(self.connection, sql, (index,))])

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile as far as it is filled."""
        row = fetch_one(self.connection, "SELECT hashes FROM tile WHERE level = ? AND n = ?", (level, number))
        return None if row is None else bytes(row[0])

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """The checkpoint of a size, or the newest one."""
        if size is None:
            row = fetch_one(self.connection, "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
        else:
            row = fetch_one(self.connection, "SELECT note FROM checkpoint WHERE size = ?", (size,))
        return None if row is None else bytes(row[0])

    def entry_heads(self, first: int, last: int) -> Iterable[tuple[int, bytes, bytes]]:
        """Index, leaf hash and body of entries `first` to `last`, both counted, in order; streamed."""
        sql = "SELECT idx, leaf, body FROM entry WHERE idx BETWEEN ? AND ? ORDER BY idx"
        for start in range(first, last + 1, ENTRIES_A_QUESTION):
            end = min(start + ENTRIES_A_QUESTION - 1, last)
            for index, leaf, body in fetch(self.connection, sql, (start, end)):
                yield index, bytes(leaf), bytes(body)

    def subject_trees(self, subjects: Sequence[str]) -> dict[str, SubjectTreeRow]:
        """Trees of those of the subjects that have one."""
        sql = "SELECT subject, count, last_idx, nodes FROM subject_tree WHERE subject IN"
        rows = fetch_many_keys(self.connection, sql, subjects)
        return {name: SubjectTreeRow(count, last, bytes(nodes)) for name, count, last, nodes in rows}

    def map_page(self, path: str, max_version: int) -> bytes | None:
        """The newest content of a page of the map that is not newer than `max_version` (index of an epoch record)."""
        sql = "SELECT hashes FROM map_page WHERE path = ? AND version <= ? ORDER BY version DESC LIMIT 1"
        row = fetch_one(self.connection, sql, (path, max_version))
        return None if row is None else bytes(row[0])

    def checkpoint_size(self) -> int | None:
        """Size of the newest checkpoint."""
        row = fetch_one(self.connection, "SELECT max(size) FROM checkpoint")
        return None if row is None or row[0] is None else int(row[0])

    def epoch_indexes(self, numbers: Sequence[int]) -> list[int]:
        """Indexes of the records of those of these epochs that there are, rising."""
        sql = "SELECT idx FROM epoch WHERE number = ?"
        rows = [fetch_one(self.connection, sql, (number,)) for number in sorted(numbers)]
        return [int(row[0]) for row in rows if row is not None]

    def newest_cosignatures(self, limit: int) -> Iterable[tuple[int, str, bytes]]:
        """(size, witness name, key hash) of the newest cosignatures, the largest size first."""
        sql = "SELECT size, name, key_hash FROM cosignature ORDER BY size DESC LIMIT ?"
        for size, name, key_hash in fetch(self.connection, sql, (limit,)):
            yield size, name, bytes(key_hash)

    def cosignatures(self, size: int) -> tuple[CosignatureRow, ...]:
        """What witnesses added to the checkpoint of a size, by name."""
        sql = "SELECT size, name, key_hash, line, added_us FROM cosignature WHERE size = ? ORDER BY name, key_hash"
        return tuple(
            [CosignatureRow(s, n, bytes(k), c, t) for s, n, k, c, t in fetch(self.connection, sql, (size,))]
        )

    def forks(self) -> tuple[ForkRow, ...]:
        """The evidence of forks, oldest first."""
        rows = fetch(
            self.connection, "SELECT found_us, code, first_note, second_note FROM fork_evidence ORDER BY id"
        )
        return tuple([ForkRow(us, code, bytes(first), bytes(second)) for us, code, first, second in rows])

    def records(self) -> Iterable[tuple[str, str, AnyRecord]]:
        """All records of the registry, as (table, id, record)."""
        for table, type_ in TABLES.items():
            # The order of the log: a newer key of a role replaces the older one while loading.
            sql = f'SELECT id, doc FROM "{table}" ORDER BY last_idx'  # noqa: S608  # names of our own tables
            for id_, doc in fetch(self.connection, sql):
                yield table, id_, decode_record(bytes(doc), type_)

    def alert_enterprise(self, alert_id: str) -> tuple[str | None] | None:
        """The enterprise an alert concerns, or None when there is no such alert."""
        row = fetch_one(self.connection, "SELECT enterprise FROM alert WHERE id = ?", (alert_id,))
        return None if row is None else (row[0],)

    def refused_before(self, event_id: bytes, code: str) -> bool:
        """Whether this statement was refused for this reason before."""
        sql = "SELECT 1 FROM refusal WHERE event_id = ? AND code = ? LIMIT 1"
        return fetch_one(self.connection, sql, (event_id, code)) is not None


def _stored(row: Row) -> StoredEvent:
    index, event_id, body, payload, received_us, effective_us, late, effect, receipt = row
    return StoredEvent(
        index,
        bytes(event_id),
        bytes(body),
        None if payload is None else bytes(payload),
        received_us,
        effective_us,
        bool(late),
        bool(effect),
        None if receipt is None else bytes(receipt),
    )
