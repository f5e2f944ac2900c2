"""What static files are cut from, read through one connection: published size, tiles, entries, public payloads."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from sqlalchemy import Connection, select

from chemtrace.adapters.sql.reads.proofs import StoredLog
from chemtrace.adapters.sql.tables import entry, payload
from chemtrace.core.events import AUTHORITY_KINDS

PORTION: Final = 16
"""Payloads fetched at once."""


class StoredFiles(StoredLog):
    """The port `ledger.static.StaticSource` over one snapshot."""

    def __init__(self, connection: Connection, published: int | None = None) -> None:
        """Read through `connection`; `published` where less is shown than the newest checkpoint covers."""
        super().__init__(connection)
        self._size = published

    def published(self) -> int:
        """Size of the newest checkpoint that is shown, 0 when there is none."""
        newest = self.newest_checkpoint()
        size = 0 if newest is None else newest[0]
        return size if self._size is None else min(size, self._size)

    def entry_bodies(self, first: int, end: int) -> Iterator[bytes]:
        """The bytes of entries `first` to `end - 1`, in order."""
        query = select(entry.c.body).where(entry.c.idx >= first, entry.c.idx < end).order_by(entry.c.idx)
        for row in self._connection.execute(query):
            yield row.body

    def registry_payloads(self, first: int, end: int) -> Generator[tuple[int, bytes], None, None]:
        """(index, payload) of those of the entries `first` to `end - 1` that are the authority's, in order."""
        query = (
            select(entry.c.idx, payload.c.body)
            .join(payload, payload.c.idx == entry.c.idx)
            .where(entry.c.idx >= first, entry.c.idx < end, entry.c.kind.in_(sorted(AUTHORITY_KINDS)))
            .order_by(entry.c.idx)
        )
        # In portions: payloads are large, and whoever asks may stop after a few.
        with self._connection.execute(query, execution_options={"yield_per": PORTION}) as rows:
            for row in rows:
                yield row.idx, row.body
