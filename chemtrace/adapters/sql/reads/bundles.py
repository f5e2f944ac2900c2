"""What bundles and status proofs are made from, read through one connection: one snapshot, few rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.adapters.sql.questions import Questions
from chemtrace.adapters.sql.rows import fetch, fetch_one
from chemtrace.ledger.published import HistoryRow

_SUBJECT_ROWS: Final = (
    "SELECT e.idx, e.body, p.body FROM subject_entry s JOIN entry e ON e.idx = s.idx"
    " LEFT JOIN payload p ON p.idx = s.idx WHERE s.subject = ? AND s.idx < ? ORDER BY s.idx LIMIT ?"
)


class StoredProofs(Questions):
    """The port `ledger.published.ProofSource` over one snapshot."""

    def checkpoint_sizes(self, limit: int) -> Sequence[int]:
        """Sizes of the newest checkpoints, newest first."""
        rows = fetch(self.connection, "SELECT size FROM checkpoint ORDER BY size DESC LIMIT ?", (limit,))
        return [int(size) for (size,) in rows]

    def entry_body(self, index: int) -> bytes | None:
        """The bytes of an entry, None when there is none."""
        row = fetch_one(self.connection, "SELECT body FROM entry WHERE idx = ?", (index,))
        return None if row is None else bytes(row[0])

    def subject_rows(self, subject: str, before: int, limit: int) -> Sequence[HistoryRow]:
        """The first `limit` entries that name a subject, below index `before`, in the order of the log."""
        rows = fetch(self.connection, _SUBJECT_ROWS, (subject, before, limit))
        return [
            HistoryRow(index, bytes(body), None if payload is None else bytes(payload))
            for index, body, payload in rows
        ]

    def closing_epoch(self, index: int) -> int | None:
        """Index of the first epoch record behind an entry."""
        row = fetch_one(self.connection, "SELECT idx FROM epoch WHERE idx > ? ORDER BY idx LIMIT 1", (index,))
        return None if row is None else int(row[0])
