"""Giving a vault that lost its memory one again, from a head that the operator has confirmed outside."""

from __future__ import annotations

from pathlib import Path

from chemtrace.adapters.backup import sqlite_path
from chemtrace.adapters.keys.vault import VAULT_FILE, VAULT_FOLDER, store_lost_memory
from chemtrace.adapters.lock import WriterLock
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.migrate import verify_schema
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.core.errors import LedgerMissingError
from chemtrace.ledger.recover import accept_head

__all__ = ["accept_published_head"]


def accept_published_head(*, database_url: str, data_dir: Path, size: int, root: bytes) -> tuple[int, bytes]:
    """Write into the vault that this tree was signed, or that of the newest checkpoint here where it is larger.

    Returns what was written. `size` is 1 or more. Takes the writer's lock: no server may sign meanwhile.

    Raises:
        LedgerMissingError, SchemaVersionError: there is no ledger here, or it needs `chemtrace db upgrade` first.
        LedgerLockedError: another process writes this ledger.
        VaultMemoryError: the vault has its memory.
        EvidenceError: the ledger does not hold this tree, or contradicts itself; nothing was written.
    """
    if database_url.startswith("sqlite") and not sqlite_path(database_url).is_file():
        raise LedgerMissingError(
            "there is no ledger here: name its data folder with --data", path=str(sqlite_path(database_url))
        )
    lock = WriterLock(data_dir)
    database = Database(database_url)
    try:
        verify_schema(database)
        with SQLStore(database).read() as transaction:
            origin = transaction.fact("origin")
            if origin is None:
                raise LedgerMissingError("this database holds no ledger", path=str(data_dir))
            accepted = accept_head(transaction, origin, size, root)
        store_lost_memory(data_dir / VAULT_FOLDER / VAULT_FILE, *accepted)
        return accepted
    finally:
        database.close()
        lock.release()
