"""What bundles and status proofs are made from, read from one snapshot in a dozen small questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.adapters.sql.rows import Row
from chemtrace.adapters.sql.sqlite_files import Ask
from chemtrace.ledger.ports import CosignatureRow, SubjectTreeRow
from chemtrace.ledger.published import HistoryRow

_SUBJECT_ROWS: Final = (
    "SELECT e.idx, e.body, p.body FROM subject_entry s JOIN entry e ON e.idx = s.idx"
    " LEFT JOIN payload p ON p.idx = s.idx WHERE s.subject = ? AND s.idx > ? AND s.idx < ?"
    " ORDER BY s.idx LIMIT ?"
)
_COSIGNATURES: Final = (
    "SELECT size, name, key_hash, line, added_us FROM cosignature WHERE size = ? ORDER BY name, key_hash"
)
_MAP_PAGE: Final = "SELECT hashes FROM map_page WHERE path = ? AND version <= ? ORDER BY version DESC LIMIT 1"


class StoredProofs:
    """The port `ledger.published.ProofSource` over one snapshot."""

    def __init__(self, ask: Ask) -> None:
        """Read through `ask`, whose snapshot it is."""
        self._rows = ask

    def _blob(self, sql: str, parameters: Row) -> bytes | None:
        """The first column of the first row."""
        rows = self._rows(sql, parameters)
        return bytes(rows[0][0]) if rows else None

    def checkpoint_sizes(self, limit: int) -> Sequence[int]:
        """Sizes of the newest checkpoints, newest first."""
        rows = self._rows("SELECT size FROM checkpoint ORDER BY size DESC LIMIT ?", (limit,))
        return [int(size) for (size,) in rows]

    def checkpoint(self, size: int) -> bytes | None:
        """The log's signed note of a size."""
        return self._blob("SELECT note FROM checkpoint WHERE size = ?", (size,))

    def cosignatures(self, size: int) -> Sequence[CosignatureRow]:
        """What witnesses added to the checkpoint of a size, by name."""
        return [
            CosignatureRow(of, name, bytes(key_hash), line, added_us)
            for of, name, key_hash, line, added_us in self._rows(_COSIGNATURES, (size,))
        ]

    def entry_body(self, index: int) -> bytes | None:
        """The bytes of an entry, None when there is none."""
        return self._blob("SELECT body FROM entry WHERE idx = ?", (index,))

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile as far as it is filled."""
        return self._blob("SELECT hashes FROM tile WHERE level = ? AND n = ?", (level, number))

    def map_page(self, path: str, max_version: int) -> bytes | None:
        """The newest content of a page of the map that is not newer than `max_version` (index of an epoch record)."""
        return self._blob(_MAP_PAGE, (path, max_version))

    def subject_tree(self, subject: str) -> SubjectTreeRow | None:
        """The newest tree of a subject, None where no epoch has folded an entry of it."""
        sql = "SELECT count, last_idx, nodes FROM subject_tree WHERE subject = ?"
        rows = self._rows(sql, (subject,))
        return SubjectTreeRow(rows[0][0], rows[0][1], bytes(rows[0][2])) if rows else None

    def subject_rows(self, subject: str, after: int, before: int, limit: int) -> Sequence[HistoryRow]:
        """The first `limit` entries that name a subject between two indexes, in the order of the log."""
        return [
            HistoryRow(index, bytes(body), None if payload is None else bytes(payload))
            for index, body, payload in self._rows(_SUBJECT_ROWS, (subject, after, before, limit))
        ]

    def closing_epoch(self, index: int) -> int | None:
        """Index of the first epoch record behind an entry."""
        rows = self._rows("SELECT idx FROM epoch WHERE idx > ? ORDER BY idx LIMIT 1", (index,))
        return int(rows[0][0]) if rows else None
