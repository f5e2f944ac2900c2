"""The outbox's file: one SQLite database, every change on the disk before the call returns.

Tables: `pending` what is still to be sent, in order; `named` which subjects each pending statement names; `parked`
what the ledger refused, with its problem; `head` the last event of a subject that the ledger acknowledged;
`receipt` what it promised. A statement is always in exactly one of pending, parked, receipt: it moves in one
transaction, with synchronous FULL.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chemtrace.core.errors import OutboxError
from chemtrace.core.statement import Statement, encode_wire, parse_wire

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS pending (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL UNIQUE, wire BLOB NOT NULL, queued_us INTEGER
    NOT NULL);
CREATE TABLE IF NOT EXISTS named (
    subject TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (subject, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS named_by_seq ON named (seq);
CREATE TABLE IF NOT EXISTS parked (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL UNIQUE, wire BLOB NOT NULL, queued_us INTEGER NOT NULL,
    problem BLOB NOT NULL, parked_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS head (subject TEXT PRIMARY KEY, event TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipt (
    event TEXT PRIMARY KEY, wire BLOB NOT NULL, at_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS backoff (
    id INTEGER PRIMARY KEY CHECK (id = 1), failures INTEGER NOT NULL, next_us INTEGER NOT NULL);
INSERT OR IGNORE INTO backoff VALUES (1, 0, 0);
"""
_BUSY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Queued:
    """A statement waiting to be sent; `seq` is its place, `queued_us` when it was put in (microseconds UTC)."""

    seq: int
    statement: Statement
    queued_us: int


@dataclass(frozen=True, slots=True)
class Parked:
    """A statement that was refused, with the problem document (JSON) of the refusal."""

    seq: int
    statement: Statement
    problem: bytes
    parked_us: int


class OutboxStore:
    """Rows of one outbox file; every write is one transaction.

    One object belongs to one thread; several processes may share the file.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file, readable by its owner only; raises `OutboxError`."""
        self.path = path
        with _named_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            with self.writing():
                for command in _SCHEMA.split(";\n"):
                    self._database.execute(command)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction with the write lock from its start: afterwards all of it is on the disk, or none."""
        with _named_errors(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextlib.contextmanager
    def flushing(self) -> Iterator[bool]:
        """Yield whether this process may send now; the right ends with the process, also when it is killed."""
        lock = sqlite3.connect(
            self.path.with_name(self.path.name + ".sending"), timeout=0, isolation_level=None
        )
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                yield False
                return
            yield True
        finally:
            lock.close()

    def knows(self, event: str) -> bool:
        """Whether an event id is pending, parked or acknowledged already."""
        row = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM pending WHERE event = :event)"
            " OR EXISTS (SELECT 1 FROM parked WHERE event = :event)"
            " OR EXISTS (SELECT 1 FROM receipt WHERE event = :event)",
            {"event": event},
        ).fetchone()
        return bool(row[0])

    def insert_pending(self, statement: Statement, queued_us: int, seq: int | None = None) -> None:
        """Put a statement at the end of the queue, or back at its old place `seq`."""
        cursor = self._database.execute(
            "INSERT INTO pending (seq, event, wire, queued_us) VALUES (?, ?, ?, ?)",
            (seq, statement.event_id.hex(), encode_wire(statement), queued_us),
        )
        self._database.executemany(
            "INSERT INTO named VALUES (?, ?)",
            [(subject.id, cursor.lastrowid) for subject in statement.header.subjects],
        )

    def last_event(self, subject: str) -> str | None:
        """The event id that a new event of `subject` names: the last queued, else the last acknowledged."""
        row = self._database.execute(
            "SELECT event FROM pending WHERE seq = (SELECT max(seq) FROM named WHERE subject = ?)", (subject,)
        ).fetchone()
        row = row or self._database.execute("SELECT event FROM head WHERE subject = ?", (subject,)).fetchone()
        return None if row is None else str(row[0])

    def put_heads(self, heads: Iterable[tuple[str, str]]) -> None:
        """Remember (subject, event id) as the ledger's heads."""
        self._database.executemany("INSERT OR REPLACE INTO head VALUES (?, ?)", heads)

    def pending(self, limit: int, after: int = 0) -> tuple[Queued, ...]:
        """The next statements to send, in order."""
        with _named_errors(self.path):
            rows = self._database.execute(
                "SELECT seq, wire, queued_us FROM pending WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
            ).fetchall()
        return tuple(Queued(seq, parse_wire(wire), queued_us) for seq, wire, queued_us in rows)

    def is_pending(self, event: str) -> bool:
        """Whether an event id is still to be sent."""
        return (
            self._database.execute("SELECT 1 FROM pending WHERE event = ?", (event,)).fetchone() is not None
        )

    def parked(self) -> tuple[Parked, ...]:
        """Everything refused, oldest first."""
        rows = self._database.execute(
            "SELECT seq, wire, problem, parked_us FROM parked ORDER BY seq"
        ).fetchall()
        return tuple(Parked(seq, parse_wire(wire), problem, at) for seq, wire, problem, at in rows)

    def acknowledge(self, queued: Queued, receipt: bytes, now_us: int) -> None:
        """Move a statement from pending to receipt; its subjects' heads become this event."""
        event = queued.statement.event_id.hex()
        self._database.execute("INSERT OR IGNORE INTO receipt VALUES (?, ?, ?)", (event, receipt, now_us))
        self.put_heads((subject.id, event) for subject in queued.statement.header.subjects)
        self._remove(queued.seq)

    def park(self, queued: Queued, problem: bytes, now_us: int) -> None:
        """Move a statement from pending to parked."""
        self._database.execute(
            "INSERT INTO parked VALUES (?, ?, ?, ?, ?, ?)",
            (
                queued.seq,
                queued.statement.event_id.hex(),
                encode_wire(queued.statement),
                queued.queued_us,
                problem,
                now_us,
            ),
        )
        self._remove(queued.seq)

    def release(self, event: str) -> bool:
        """Move a parked statement back to its old place in the queue; False when it is not parked."""
        row = self._database.execute(
            "SELECT seq, wire, queued_us FROM parked WHERE event = ?", (event,)
        ).fetchone()
        if row is None:
            return False
        self._database.execute("DELETE FROM parked WHERE event = ?", (event,))
        self.insert_pending(parse_wire(row[1]), row[2], seq=row[0])
        return True

    def receipt(self, event: str) -> bytes | None:
        """The verified receipt of an acknowledged event, as the ledger sent it."""
        row = self._database.execute("SELECT wire FROM receipt WHERE event = ?", (event,)).fetchone()
        return None if row is None else bytes(row[0])

    def counts(self) -> tuple[int, int, int]:
        """How many statements are pending, parked, acknowledged."""
        row = self._database.execute(
            "SELECT (SELECT count(*) FROM pending), (SELECT count(*) FROM parked), (SELECT count(*) FROM receipt)"
        ).fetchone()
        return row[0], row[1], row[2]

    def backoff(self) -> tuple[int, int]:
        """Failures in a row, and the time in microseconds UTC before which nothing is sent."""
        failures, next_us = self._database.execute("SELECT failures, next_us FROM backoff").fetchone()
        return failures, next_us

    def set_backoff(self, failures: int, next_us: int) -> None:
        """Store when to try again."""
        with self.writing():
            self._database.execute("UPDATE backoff SET failures = ?, next_us = ?", (failures, next_us))

    def _remove(self, seq: int) -> None:
        self._database.execute("DELETE FROM named WHERE seq = ?", (seq,))
        self._database.execute("DELETE FROM pending WHERE seq = ?", (seq,))


@contextlib.contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        message = f"The outbox file cannot be used ({error}): free disk space or choose another place."
        raise OutboxError(message, file=path.name) from error
