"""A monitor's folder: a small SQLite file with what it pinned, and evidence as plain files that are never changed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from chemtrace.adapters.sql.engine import named_errors
from chemtrace.adapters.sql.sqlite_files import BUSY_TIMEOUT_MS
from chemtrace.core.errors import ChemtraceError, SettingError, UnavailableError
from chemtrace.core.times import format_utc
from chemtrace.ledger.ports import Clock
from chemtrace.mirror.monitor_store import OwnEvent, Pinned

MONITOR_FILE: Final = "monitor.db"
EVIDENCE_FOLDER: Final = "evidence"
MAX_EVIDENCE: Final = 100
"""Files of evidence of each code that nobody has acknowledged: one is proof, a hundred are a flood, and no flood leaves
another code out."""

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS pinned (id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL,
    enterprise TEXT NOT NULL, doc BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS own (subject TEXT, event_id BLOB, idx INTEGER NOT NULL, shown INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subject, event_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acknowledged (name TEXT PRIMARY KEY, at_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS own_unproved ON own (subject) WHERE shown = 0;
"""


class MonitorFolder:
    """The port `mirror.monitor.MonitorStore` in one folder."""

    def __init__(self, folder: Path, *, origin: str, enterprise: str, clock: Clock) -> None:
        """Open the folder of a monitor of `enterprise` in the log `origin`, or make it.

        Raises:
            SettingError: the folder watches another log, or for another enterprise.
            UnavailableError: the disk does not let it.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._evidence = folder / EVIDENCE_FOLDER
        self._clock = clock
        self._lock = threading.RLock()
        path = folder / MONITOR_FILE
        with named_errors():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
            )
            self._connection.executescript(_SCHEMA)
            self._connection.execute("PRAGMA synchronous = FULL")
        path.chmod(0o600)
        self._claim(origin, enterprise)

    def pinned(self) -> Pinned:
        """How far it has read."""
        with self._lock, named_errors():
            return self._pinned()

    def commit(self, pinned: Pinned, events: Sequence[OwnEvent]) -> None:
        """Keep events and move on, both or neither, durable on return.

        Raises:
            UnavailableError: another process has read further into this folder; nothing was written.
        """
        with self._writing():
            found = self._pinned().size
            if found > pinned.size:
                raise UnavailableError(
                    "another process watches from this folder", expected=pinned.size, found=found
                )
            self._connection.executemany(
                "INSERT OR IGNORE INTO own (subject, event_id, idx) VALUES (?, ?, ?)",
                [(event.subject, event.event_id, event.index) for event in events],
            )
            doc = msgspec.msgpack.encode(pinned)
            self._connection.execute("UPDATE pinned SET doc = ? WHERE id = 1", (doc,))

    def unproved(self, limit: int) -> Sequence[str]:
        """Subjects with events that no bundle has shown yet, those waiting longest first."""
        sql = "SELECT subject FROM own WHERE shown = 0 GROUP BY subject ORDER BY min(idx) LIMIT ?"
        with self._lock, named_errors():
            return [row[0] for row in self._connection.execute(sql, (limit,))]

    def events_of(self, subject: str) -> Mapping[bytes, int]:
        """Event id to index of all own events that name a subject."""
        sql = "SELECT event_id, idx FROM own WHERE subject = ?"
        with self._lock, named_errors():
            return dict(self._connection.execute(sql, (subject,)))

    def prove(self, subject: str, size: int) -> None:
        """The own events of a subject below `size` have been shown."""
        with self._writing():
            sql = "UPDATE own SET shown = 1 WHERE subject = ? AND idx < ?"
            self._connection.execute(sql, (subject, size))

    def keep(self, error: ChemtraceError) -> bool:
        """Keep evidence as a file of its own, durable on return; False when the same, or a flood, was kept before."""
        problem = msgspec.json.encode(error.problem(), order="sorted")
        name = f"{error.code}-{hashlib.sha256(problem).hexdigest()[:16]}.json"
        if (self._evidence / name).exists():
            return False
        if len([one for one in self.standing() if _code(one) == error.code]) >= MAX_EVIDENCE:
            return False
        document = {
            "found": format_utc(self._clock.now_us()),
            "problem": msgspec.Raw(problem),
            **_notes(error),
        }
        self._evidence.mkdir(mode=0o700, exist_ok=True)
        # It was moved away after somebody saw it, and is found again: that is news.
        with self._writing():
            self._connection.execute("DELETE FROM acknowledged WHERE name = ?", (name,))
        partial = self._evidence / f".{name}.partial"
        with partial.open("wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(self._evidence / name)
        _sync(self._evidence)
        _sync(self._evidence.parent)
        return True

    def kept_codes(self) -> frozenset[str]:
        """Codes of the evidence kept so far."""
        return frozenset([_code(name) for name in self._names()])

    def standing(self) -> Sequence[str]:
        """Names of the files of evidence that nobody has acknowledged, in order; one moved away stands no more."""
        with self._lock, named_errors():
            seen = {row[0] for row in self._connection.execute("SELECT name FROM acknowledged")}
        return sorted(name for name in self._names() if name not in seen)

    def acknowledge(self) -> Sequence[str]:
        """Take note that a person has seen what stands, durable on return; the files stay as they are."""
        names, now_us = self.standing(), self._clock.now_us()
        with self._writing():
            self._connection.executemany(
                "INSERT OR IGNORE INTO acknowledged (name, at_us) VALUES (?, ?)",
                [(name, now_us) for name in names],
            )
        return names

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _names(self) -> Iterator[str]:
        return (path.name for path in self._evidence.glob("[!.]*.json"))

    def _claim(self, origin: str, enterprise: str) -> None:
        with self._writing():
            row = self._connection.execute("SELECT origin, enterprise FROM pinned").fetchone()
            if row is None:
                doc = msgspec.msgpack.encode(Pinned())
                sql = "INSERT INTO pinned (id, origin, enterprise, doc) VALUES (1, ?, ?, ?)"
                self._connection.execute(sql, (origin, enterprise, doc))
            elif row != (origin, enterprise):
                raise SettingError(
                    "this folder watches another log, or for another enterprise",
                    setting="data",
                    found=(origin, enterprise),
                    expected=row,
                )

    def _pinned(self) -> Pinned:
        (doc,) = self._connection.execute("SELECT doc FROM pinned").fetchone()
        return msgspec.msgpack.decode(doc, type=Pinned)

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


def _code(name: str) -> str:
    """The code in the name of a file of evidence."""
    return name.rsplit("-", 1)[0]


def _notes(error: ChemtraceError) -> dict[str, str]:
    """The signed notes of a contradiction as they stand, so that anybody can check them."""
    notes = {name: error.fields.get(name) for name in ("first_note", "second_note")}
    return {name: note.decode("utf-8") for name, note in notes.items() if isinstance(note, bytes)}


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
