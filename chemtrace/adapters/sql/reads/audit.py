"""The port `ledger.audit.AuditStore` over one snapshot: everything as stored, streamed, nothing interpreted.

It needs no open ledger, no keys and no guards: only a database with the tables. So it works beside a running server
and on a ledger that the server refuses to open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import DBAPIError

from chemtrace.adapters.sql.addresses import engine_url, sqlite_file
from chemtrace.adapters.sql.engine import Database, named_error
from chemtrace.adapters.sql.guards import missing_guards
from chemtrace.adapters.sql.rows import spelled
from chemtrace.adapters.sql.tables import (
    batch,
    checkpoint,
    cosignature,
    device,
    enterprise,
    entry,
    epoch,
    finding,
    fork_evidence,
    item,
    key,
    ledger,
    licence,
    log_head,
    map_page,
    opening,
    payload,
    site,
    subject_entry,
    subject_head,
    subject_tree,
    tile,
    waybill,
)
from chemtrace.core.errors import LedgerMissingError, SchemaVersionError
from chemtrace.ledger.audit.port import (
    AuditEntry,
    StoredCosignature,
    StoredEpoch,
    StoredFinding,
    StoredHead,
    StoredItem,
    StoredOpening,
    StoredSubject,
    StoredTree,
    StoredWaybill,
)

ROWS: Final = 1_000
"""Rows fetched from the database at once."""
_RECORDS: Final = (enterprise, site, licence, device, batch, key)
_ENTRY: Final = (
    entry.c.idx,
    entry.c.event_id,
    entry.c.leaf,
    entry.c.chain,
    entry.c.received_us,
    entry.c.effective_us,
    entry.c.late,
    entry.c.kind,
    entry.c.phase,
    entry.c.actor,
    entry.c.counterparty,
    entry.c.body,
    entry.c.receipt,
    entry.c.receipt_signature,
    payload.c.body.label("payload"),
)

_BETWEEN: Final = (
    "SELECT e.idx, e.event_id, e.leaf, e.chain, e.received_us, e.effective_us, e.late, e.kind, e.phase, e.actor,"
    " e.counterparty, e.body, e.receipt, e.receipt_signature, p.body FROM entry e LEFT JOIN payload p ON p.idx = e.idx"
    " WHERE e.idx BETWEEN ? AND ? ORDER BY e.idx"
)


@contextmanager
def open_snapshot(url: str) -> Iterator[StoredSnapshot]:
    """Open the database at `url` for reading only, for as long as the block lasts.

    Raises:
        LedgerMissingError: no such file, or no ledger's tables in it.
        DatabaseDamagedError, StorageAccessError: it cannot be read.
        SchemaVersionError: a ledger of before the subject map.
    """
    file = sqlite_file(url)
    if file is not None and not file.is_file():
        raise LedgerMissingError("there is no ledger here", path=str(file))
    database = Database(url, read_only=True)
    try:
        with database.read() as connection:
            try:
                connection.execute(select(func.count()).select_from(log_head)).scalar_one()
            except DBAPIError as error:
                if named_error(error) is not None:
                    raise
                raise LedgerMissingError(
                    "this database holds no ledger", url=engine_url(url).database or ""
                ) from error
            _require_schema(connection)
            yield StoredSnapshot(connection)
    finally:
        database.close()


def _require_schema(connection: Connection) -> None:
    """Ask the newest table only: on a damaged ledger nothing else is to be relied upon."""
    try:
        connection.execute(select(map_page.c.version).limit(1)).first()
    except DBAPIError as error:
        if named_error(error) is not None:
            raise
        raise SchemaVersionError(
            "the database has an older schema: run `chemtrace db upgrade` on it, or on a copy, and audit that",
            found="0001",
            expected="0002",
        ) from error


class StoredSnapshot:
    """Reads all tables through one connection, whose transaction is the snapshot."""

    def __init__(self, connection: Connection) -> None:
        """Read through `connection`."""
        self._connection = connection

    def fact(self, name: str) -> str | None:
        """A fixed fact, such as `origin`."""
        found: str | None = self._connection.execute(
            select(ledger.c.value).where(ledger.c.name == name)
        ).scalar()
        return found

    def head(self) -> StoredHead | None:
        """The head row."""
        names = ("size", "chain", "epoch_number", "epoch_index", "log_time_us", "subjects")
        row = self._connection.execute(select(*(log_head.c[name] for name in names))).first()
        return None if row is None else StoredHead(*row)

    def count(self) -> int:
        """Number of entries stored."""
        return self._connection.execute(select(func.count()).select_from(entry)).scalar_one()

    def entries(self, chunk: int) -> Iterator[Sequence[AuditEntry]]:
        """All entries by index, in runs of at most `chunk`; each run is a query, so that none stays open."""
        after = -1
        while True:
            query = _entries().where(entry.c.idx > after).order_by(entry.c.idx).limit(chunk)
            rows = [AuditEntry(*row) for row in self._connection.execute(query).all()]
            if not rows:
                return
            after = rows[-1].index
            yield rows

    def entries_between(self, first: int, last: int) -> Sequence[AuditEntry]:
        """The entries from one index to another, both included."""
        # The driver's own statement: the rows of a whole log come through here, and their columns need no conversion.
        result = self._connection.exec_driver_sql(
            spelled(_BETWEEN, self._connection.dialect.name), (first, last)
        )
        return [AuditEntry(*row) for row in result.all()]

    def entry_before(self, index: int) -> AuditEntry | None:
        """The entry stored in front of an index."""
        query = _entries().where(entry.c.idx < index).order_by(entry.c.idx.desc()).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else AuditEntry(*row)

    def last_index(self) -> int:
        """The largest index of an entry, -1 where there is none."""
        found: int | None = self._connection.execute(select(func.max(entry.c.idx))).scalar_one()
        return -1 if found is None else found

    def entry_by_id(self, event_id: bytes) -> AuditEntry | None:
        """The entry that is recorded under an event id."""
        row = self._connection.execute(_entries().where(entry.c.event_id == event_id)).first()
        return None if row is None else AuditEntry(*row)

    def history(self, subject: str, before: int) -> Sequence[AuditEntry]:
        """The entries recorded for a subject below an index, in order."""
        steps = select(subject_entry.c.idx).where(
            subject_entry.c.subject == subject, subject_entry.c.idx < before
        )
        query = _entries().where(entry.c.idx.in_(steps)).order_by(entry.c.idx)
        return [AuditEntry(*row) for row in self._connection.execute(query)]

    def tile(self, level: int, number: int) -> bytes | None:
        """The stored hashes of a tile."""
        query = spelled("SELECT hashes FROM tile WHERE level = ? AND n = ?", self._connection.dialect.name)
        found: bytes | None = self._connection.exec_driver_sql(query, (level, number)).scalar()
        return found

    def tiles(self) -> Iterator[tuple[int, int, int]]:
        """(level, number, bytes) of every tile stored."""
        for row in self._stream(select(tile.c.level, tile.c.n, func.length(tile.c.hashes))):
            yield row[0], row[1], row[2]

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """(size, note) of every checkpoint by size."""
        for row in self._stream(select(checkpoint.c.size, checkpoint.c.note).order_by(checkpoint.c.size)):
            yield row[0], row[1]

    def epochs(self) -> Iterator[StoredEpoch]:
        """Every epoch by number."""
        columns = (epoch.c.number, epoch.c.idx, epoch.c.log_time_us, epoch.c.first_idx, epoch.c.last_idx)
        for row in self._stream(select(*columns).order_by(epoch.c.number)):
            yield StoredEpoch(*row)

    def subjects(self) -> Iterator[StoredSubject]:
        """Every subject head."""
        for row in self._stream(select(subject_head)):
            found = row._mapping  # the documented way to columns named like a method of tuples
            yield StoredSubject(
                found["subject"], found["idx"], found["event_id"], found["effective_us"], found["count"]
            )

    def subject_entries(self) -> Iterator[tuple[str, int, bool]]:
        """(subject, index, effect) of every step of every history."""
        for row in self._stream(select(subject_entry.c.subject, subject_entry.c.idx, subject_entry.c.effect)):
            yield row[0], row[1], bool(row[2])

    def items(self) -> Iterator[StoredItem]:
        """Every item."""
        names = (
            "code", "slot", "status", "holder", "site", "quantity", "unit", "parent", "offered_to", "waybill",
            "last_idx", "state",
        )  # fmt: skip
        for row in self._stream(select(*(item.c[name] for name in names))):
            yield StoredItem(*row)

    def waybills(self) -> Iterator[StoredWaybill]:
        """Every waybill."""
        names = ("number", "state", "carrier", "vehicle", "consignor", "consignee", "last_idx", "doc")
        for row in self._stream(select(*(waybill.c[name] for name in names))):
            yield StoredWaybill(*row)

    def findings(self) -> Iterator[StoredFinding]:
        """Every finding by index and number."""
        names = ("idx", "n", "code", "rule", "severity", "doc", "resolved_by")
        for row in self._stream(
            select(*(finding.c[name] for name in names)).order_by(finding.c.idx, finding.c.n)
        ):
            yield StoredFinding(*row)

    def openings(self) -> Iterator[StoredOpening]:
        """Every opening by index and number, with the event it stands beside."""
        columns = (opening.c.idx, entry.c.event_id, opening.c.digest, opening.c.salt, opening.c.value)
        beside = opening.outerjoin(entry, entry.c.idx == opening.c.idx).outerjoin(
            payload, payload.c.idx == opening.c.idx
        )
        query = select(*columns, payload.c.body).select_from(beside).order_by(opening.c.idx, opening.c.n)
        for row in self._stream(query):
            yield StoredOpening(*row)

    def records(self) -> Iterator[tuple[str, str, int, bytes]]:
        """(table, id, last index, document) of every record of the registry."""
        for table in _RECORDS:
            for row in self._stream(select(table.c.id, table.c.last_idx, table.c.doc)):
                yield table.name, row[0], row[1], row[2]

    def subject_trees(self) -> Iterator[StoredTree]:
        """Every subject's tree."""
        table = subject_tree.c
        for row in self._stream(select(table.subject, table.count, table.last_idx, table.nodes)):
            yield StoredTree(*row)

    def map_versions(self) -> Iterator[tuple[str, int]]:
        """(path, version) of every page of the map."""
        for row in self._stream(select(map_page.c.path, map_page.c.version)):
            yield row[0], row[1]

    def map_pages(self) -> Iterator[tuple[str, int, bytes]]:
        """(path, version, content) of every page of the map."""
        for row in self._stream(select(map_page.c.path, map_page.c.version, map_page.c.hashes)):
            yield row[0], row[1], row[2]

    def cosignatures(self) -> Iterator[StoredCosignature]:
        """Every cosignature by size."""
        table = cosignature.c
        for row in self._stream(
            select(table.size, table.name, table.key_hash, table.line).order_by(table.size)
        ):
            yield StoredCosignature(*row)

    def forks(self) -> Iterator[tuple[str, bytes, bytes]]:
        """(code, first note, second note) of the evidence of forks."""
        table = fork_evidence.c
        for row in self._stream(select(table.code, table.first_note, table.second_note).order_by(table.id)):
            yield row[0], row[1], row[2]

    def missing_guards(self) -> Sequence[str]:
        """Append-only guards that should stand and do not."""
        return missing_guards(self._connection)

    def _stream(self, query: Select[Any]) -> Iterator[Any]:
        return iter(self._connection.execute(query, execution_options={"yield_per": ROWS}))


def _entries() -> Select[Any]:
    return select(*_ENTRY).select_from(entry.outerjoin(payload, payload.c.idx == entry.c.idx))
