"""A mirror's store: one SQLite file beside the witness's, with everything that was recomputed.

No payloads but those the registry is made of, and of them only what they make. One transaction a run with
`synchronous = FULL`: the position and what belongs to it are on disk together, or neither is.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from chemtrace.adapters.sql.engine import named_errors
from chemtrace.adapters.sql.sqlite_files import BUSY_TIMEOUT_MS
from chemtrace.core.errors import SettingError, UnavailableError
from chemtrace.mirror.ports import Position, Step, SubjectRow
from chemtrace.registry.records import TABLES, AnyRecord, decode_record, encode_record

MIRROR_FILE: Final = "mirror.db"
BATCH: Final = 500

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, doc BLOB NOT NULL,
    seen BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entry (idx INTEGER PRIMARY KEY, event_id BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tile (level INTEGER, n INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subject (name TEXT PRIMARY KEY, count INTEGER NOT NULL, last_idx INTEGER NOT NULL,
    nodes BLOB NOT NULL, head BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS page (path TEXT PRIMARY KEY, hashes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (kind TEXT, id TEXT, doc BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS guard_entry_update BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'append-only: entry'); END;
CREATE TRIGGER IF NOT EXISTS guard_entry_delete BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'append-only: entry'); END;
"""


class SQLiteMirrorStore:
    """The port `mirror.ports.MirrorStore` over one file; safe for many threads."""

    def __init__(self, path: Path, origin: str) -> None:
        """Open the file of a mirror of the log `origin`, or make it.

        Raises:
            SettingError: the file is of another log.
            UnavailableError: the disk does not let it.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.RLock()
        with named_errors():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
            )
            self._connection.executescript(_SCHEMA)
            for pragma in ("synchronous = FULL", "cache_size = -65536", "mmap_size = 268435456"):
                self._connection.execute(f"PRAGMA {pragma}")
        path.chmod(0o600)
        self._claim(origin)

    def position(self) -> Position:
        """How far it has come."""
        with self._reading():
            return self._position()

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of a tile as far as it is filled, b"" when there is none."""
        found: bytes | None = self._value(
            "SELECT hashes FROM tile WHERE level = ? AND n = ?", (level, number)
        )
        return found or b""

    def entry(self, index: int) -> bytes | None:
        """The bytes of an entry."""
        return self._value("SELECT body FROM entry WHERE idx = ?", (index,))

    def entries(self, first: int, end: int) -> tuple[bytes, ...]:
        """The bytes of entries `first` to `end - 1`, as far as there are any."""
        sql = "SELECT body FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
        with self._reading():
            return tuple([row[0] for row in self._connection.execute(sql, (first, end))])

    def indexes(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Where those of the events stand that are known."""
        found: dict[bytes, int] = {}
        with self._reading():
            for at in range(0, len(event_ids), BATCH):
                some = event_ids[at : at + BATCH]
                sql = f"SELECT event_id, idx FROM entry WHERE event_id IN ({_marks(some)})"  # noqa: S608 marks only
                found.update(self._connection.execute(sql, some))
        return found

    def subjects(self, names: Sequence[str]) -> dict[str, SubjectRow]:
        """Those of the subjects that have a history."""
        found: dict[str, SubjectRow] = {}
        with self._reading():
            for at in range(0, len(names), BATCH):
                some = names[at : at + BATCH]
                sql = f"SELECT name, count, last_idx, nodes, head FROM subject WHERE name IN ({_marks(some)})"  # noqa: S608 marks only
                for name, *row in self._connection.execute(sql, some):
                    found[name] = SubjectRow(*row)
        return found

    def page(self, path: str) -> bytes | None:
        """A page of the map."""
        return self._value("SELECT hashes FROM page WHERE path = ?", (path,))

    def records(self) -> Iterator[tuple[str, str, AnyRecord]]:
        """All records of the registry, as (table, id, record)."""
        with self._reading():
            rows = self._connection.execute("SELECT kind, id, doc FROM record").fetchall()
        for table, type_ in TABLES.items():
            for kind, id_, doc in rows:
                if kind == table:
                    yield kind, id_, decode_record(doc, type_)

    def commit(self, step: Step) -> None:
        """Write a step, durable on return; `seen` of its position is left alone.

        Raises:
            UnavailableError: another process has moved the position; nothing was written.
        """
        run = self._connection.executemany
        with self._writing():
            found = self._position().size
            if found != step.first:
                raise UnavailableError(
                    "another process follows the log into this folder", expected=step.first, found=found
                )
            run("INSERT INTO entry (idx, event_id, body) VALUES (?, ?, ?)", step.entries)
            run("REPLACE INTO tile (level, n, hashes) VALUES (?, ?, ?)", step.tiles)
            run(
                "REPLACE INTO subject (name, count, last_idx, nodes, head) VALUES (?, ?, ?, ?, ?)",
                [
                    (name, row.count, row.last_index, row.nodes, row.head)
                    for name, row in step.subjects.items()
                ],
            )
            run("REPLACE INTO page (path, hashes) VALUES (?, ?)", step.pages.items())
            run(
                "REPLACE INTO record (kind, id, doc) VALUES (?, ?, ?)",
                [(change.table, change.id, encode_record(change.record)) for change in step.changes],
            )
            doc = msgspec.msgpack.encode(msgspec.structs.replace(step.position, seen=b""))
            self._connection.execute("UPDATE state SET doc = ? WHERE id = 1", (doc,))

    def saw(self, note: bytes) -> None:
        """Write down the newest checkpoint that the log itself has shown, durable on return."""
        with self._writing():
            self._connection.execute("UPDATE state SET seen = ? WHERE id = 1", (note,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _claim(self, origin: str) -> None:
        with self._writing():
            row = self._connection.execute("SELECT origin FROM state").fetchone()
            if row is None:
                doc = msgspec.msgpack.encode(Position())
                sql = "INSERT INTO state (id, origin, doc, seen) VALUES (1, ?, ?, ?)"
                self._connection.execute(sql, (origin, doc, b""))
            elif row[0] != origin:
                raise SettingError(
                    "this folder mirrors another log", setting="data", found=origin, expected=row[0]
                )

    def _position(self) -> Position:
        doc, seen = self._connection.execute("SELECT doc, seen FROM state").fetchone()
        return msgspec.structs.replace(msgspec.msgpack.decode(doc, type=Position), seen=seen)

    def _value(self, sql: str, values: tuple[object, ...]) -> bytes | None:
        with self._reading():
            row = self._connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, named_errors():
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, named_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
