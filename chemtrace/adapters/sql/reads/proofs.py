"""What a proof is made from, read through one connection: newest checkpoint, entry bytes, tiles."""

from __future__ import annotations

from sqlalchemy import Connection, select

from chemtrace.adapters.sql.reads.state import load_checkpoint
from chemtrace.adapters.sql.tables import entry, tile


class StoredLog:
    """The port `ledger.prove.ProofSource` over one snapshot."""

    def __init__(self, connection: Connection) -> None:
        """Read through `connection`, whose transaction is the snapshot."""
        self._connection = connection

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        """Size and signed note of the newest checkpoint."""
        return load_checkpoint(self._connection)

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
