"""What a proof is made from, read through one connection: newest checkpoint, entry bytes, tiles."""

from __future__ import annotations

from sqlalchemy import Connection, select

from chemtrace.adapters.sql.questions import Questions
from chemtrace.adapters.sql.tables import entry, tile
from chemtrace.ledger.witnessing import Serving


class StoredLog:
    """The port `ledger.prove.ProofSource` over one snapshot."""

    def __init__(self, connection: Connection, serving: Serving | None = None) -> None:
        """Read through `connection`, whose transaction is the snapshot; `serving` chooses the checkpoint."""
        self._connection = connection
        self._serving = serving or Serving()

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        """Size and signed note of the checkpoint that is served, with its cosignatures."""
        questions = Questions(self._connection)
        size, note = self._serving.size(questions), self._serving.checkpoint(questions)
        return None if size is None or note is None else (size, note)

    def entry_body(self, index: int) -> bytes | None:
        """The bytes of an entry, None when there is none."""
        found: bytes | None = self._connection.execute(
            select(entry.c.body).where(entry.c.idx == index)
        ).scalar()
        return found

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The hashes of a tile as stored, b"" when there is none; `width` is what the caller needs at least."""
        del width
        query = select(tile.c.hashes).where(tile.c.level == level, tile.c.n == number)
        found: bytes | None = self._connection.execute(query).scalar()
        return found or b""
