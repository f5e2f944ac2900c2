"""Grows a ledger by millions of entries that nobody signed: rows enough for proofs, written straight into SQLite.

For proofs it does not matter what an entry says, only where it stands: each names one subject, and its leaf, its chain
value, the tiles, subject trees and the map are real, folded and signed by the ledger's own code. Such a ledger is good
for nothing else: its entries have no payload, no receipt, and their signatures are zeros.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from chemtrace.bootstrap import Application
from chemtrace.ledger.integrate import Integration
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.ports import Head
from chemtrace.ledger.publish import cut_epoch, sign_epoch

EPOCH = 250_000
"""About as many entries has an epoch: bounds the memory of the fold."""

COMPANY = 2_000
"""Subjects that take turns."""

_ENTRY = "INSERT INTO entry VALUES (?, ?, ?, ?, 0, 0, 0, 'produce', 'make', '', NULL, ?, NULL, NULL)"
_NAMED = "INSERT INTO subject_entry VALUES (?, ?, 1)"
_HEAD = "UPDATE log_head SET size = ?, chain = ?, subjects = ?"
_END = b"\x01" + bytes(32) + (64).to_bytes(2, "big") + bytes(64)


def subject(number: int) -> str:
    """The id of a subject of the filling."""
    return f"batch:F{number:09d}"


def grow(application: Application, database: Path, *, subjects: int, events: int, now_us: int) -> None:
    """Append `events` entries for each of `subjects`, and publish.

    Subjects come in companies that take turns, as goods of one season do. A whole life within one chunk of the fold
    spares the map rewriting ten times as much, and leaves trees and a map of the same form.
    """
    store, parts = application._store, application.ledger._parts  # type: ignore[union-attr]  # a writer's ledger
    memory, integration = Memory(None), Integration()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    for first in range(0, subjects, EPOCH // events):
        fresh = range(first, min(first + EPOCH // events, subjects))
        with store.read() as transaction:
            head = transaction.head()
        _append(connection, head, _in_companies(fresh, events), fresh=len(fresh))
        epoch = cut_epoch(store, memory, now_us + first, force=True, integration=integration)
        if epoch is None:
            raise SystemExit("nothing was folded")
        sign_epoch(store, parts.vault, parts.origin, epoch.index)
    connection.close()


def _in_companies(numbers: range, events: int) -> list[str]:
    named: list[str] = []
    for first in range(0, len(numbers), COMPANY):
        named += [subject(number) for number in numbers[first : first + COMPANY]] * events
    return named


def _append(connection: sqlite3.Connection, head: Head, named: list[str], *, fresh: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    rows = _Rows(head, named)
    connection.executemany(_ENTRY, iter(rows))
    indexes = range(head.size, head.size + len(named))
    connection.executemany(_NAMED, sorted(zip(named, indexes, strict=True)))
    connection.execute(_HEAD, (head.size + len(named), rows.chain, head.subjects + fresh))
    connection.execute("COMMIT")


class _Rows:
    """Rows of `entry`, each chained to the one before."""

    def __init__(self, head: Head, named: list[str]) -> None:
        self.chain = head.chain
        self._size, self._named = head.size, named

    def __iter__(self) -> Iterator[tuple[int, bytes, bytes, bytes, bytes]]:
        for index, name in enumerate(self._named, start=self._size):
            header = b'{"subjects":[{"id":"%b","prev":null}],"x":%d}' % (name.encode(), index)
            body = b"\x01" + len(header).to_bytes(4, "big") + header + _END
            leaf = sha256(b"\x00" + body).digest()
            self.chain = sha256(b"\x02" + self.chain + leaf).digest()
            # Rising ids: the index over them grows at its end, which spares hours and changes no proof.
            yield index, b"\x00" * 24 + index.to_bytes(8, "big"), leaf, self.chain, body
