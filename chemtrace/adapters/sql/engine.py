"""Connections: durable and ordered on both databases.

SQLite: WAL, synchronous=FULL (an answered commit survives a power cut), foreign keys on, BEGIN IMMEDIATE for
every write (SQLAlchemy's own default lets two writers read the same head), a busy time-out. PostgreSQL: READ
COMMITTED with the head row locked FOR UPDATE for writes, REPEATABLE READ for snapshots.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from chemtrace.adapters.sql.addresses import engine_url, read_only_uri
from chemtrace.core.errors import (
    ChemtraceError,
    DatabaseDamagedError,
    LedgerBusyError,
    StorageAccessError,
    StorageFullError,
    UnavailableError,
)

BUSY_TIMEOUT_MS: Final = 10_000
"""How long a connection waits for a lock: longer than any group commit, shorter than a client's patience."""

_FULL_MARKS: Final = ("database or disk is full", "disk is full", "no space left", "disk i/o error")
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NO_ACCESS: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_POSTGRESQL_DAMAGE: Final = ("XX001", "XX002")  # data_corrupted, index_corrupted
_POSTGRESQL_FULL: Final = ("53100", "53200")  # disk_full, out_of_memory (PostgreSQL appendix A)
_POSTGRESQL_CLOSED: Final = ("08", "28", "3D")  # connection, authorization, no such database


class Database:
    """The two ways into one database: `write()` one at a time, `read()` snapshots beside it."""

    def __init__(self, url: str, *, read_only: bool = False, readers: int = 8) -> None:
        """Prepare connections to `url` without opening any; a SQLite file must exist when `read_only`."""
        self.url = url
        address = engine_url(url)
        self.dialect = address.get_backend_name()
        self._read_only = read_only
        if self.dialect == "sqlite":
            self._reading = _sqlite_engine(address, "BEGIN", readers, query_only=True, read_only=read_only)
            # Without writing there is nothing to make ready for it: a first answer is awaited.
            self._writing = (
                self._reading
                if read_only
                else _sqlite_engine(address, "BEGIN IMMEDIATE", 1, query_only=False)
            )
        else:
            engine = create_engine(
                address, pool_size=readers, max_overflow=4, pool_pre_ping=True, pool_timeout=30
            )
            self._reading = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._writing = engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One write transaction: committed when the block ends, rolled back when it raises.

        Raises:
            StorageFullError, StorageAccessError, LedgerBusyError: nothing was changed.
            DatabaseDamagedError: the file is damaged.
        """
        if self._read_only:
            raise UnavailableError("this ledger was opened for reading only")
        with named_errors(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot; nothing can be written through it.

        Raises:
            StorageAccessError, LedgerBusyError: it cannot be read now. DatabaseDamagedError: the file is damaged.
        """
        with named_errors(), self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back all connections; on SQLite the last one folds the write-ahead log into the file."""
        self._reading.dispose()
        self._writing.dispose()


@contextmanager
def named_errors() -> Iterator[None]:
    """Turn what a database says about disks, locks and damage into our own errors; other defects pass through."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raised = named_error(error)
        if raised is None:
            raise
        raise raised from error


def named_error(error: DBAPIError | sqlite3.Error) -> ChemtraceError | None:
    """Our own error for what a database says about its disk, its locks or its damage; None for another defect."""
    original = error.orig if isinstance(error, DBAPIError) else error
    text = str(original).lower()
    state = getattr(original, "sqlstate", None)
    if any(mark in text for mark in _FULL_MARKS) or state in _POSTGRESQL_FULL:
        return StorageFullError(
            "the disk of the ledger is full: nothing was changed; make room and send again"
        )
    code = getattr(original, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in _DAMAGE or state in _POSTGRESQL_DAMAGE:
        return DatabaseDamagedError(
            f"the ledger's database is damaged ({text}): stop writing and follow docs/runbooks/chain-break.md"
            " / 数据库文件已损坏：停止写入，按手册处理"
        )
    if primary in _NO_ACCESS:
        return StorageAccessError(
            f"the ledger's database cannot be opened as asked by this user ({text}): nothing was changed; check owner"
            " and mode of the data folder and of the files in it / 当前用户无权读写账本数据目录"
        )
    if "database is locked" in text or state in ("55P03", "57014"):
        return LedgerBusyError("another program holds the ledger's database: nothing was changed; send again")
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return LedgerBusyError("the database connection broke: nothing was changed; send again")
    if isinstance(original, _server_errors()) and (state is None or state[:2] in _POSTGRESQL_CLOSED):
        # Without the server's address, which is nobody's business at the doors.
        reason = str(original).rpartition(" failed: ")[2].partition("\n")[0]
        return StorageAccessError(
            f"the ledger's database server does not let us in ({reason}): nothing was changed; check that it runs,"
            " and what CHEMTRACE_DATABASE_URL says / 数据库服务器无法连接"
        )
    return None


def _server_errors() -> tuple[type[Exception], ...]:
    """What a database server's driver raises when there is no connection; nothing where none was ever loaded."""
    driver = sys.modules.get("psycopg")
    return () if driver is None else (driver.OperationalError,)


def read_only_address(database: Path) -> str:
    """The SQLite URI that opens a file for reading, also in a folder that this user cannot write."""
    return read_only_uri(database, immutable=_is_frozen(database))


def _is_frozen(database: Path) -> bool:
    """Whether a SQLite file stands in a folder that this user cannot write, with no log beside it.

    SQLite then has nowhere to keep the log's index, and needs none: nobody writes. With a log beside it somebody does,
    or was broken off, and SQLite says itself whether it can read on.
    """
    writable = os.access(database.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    return not writable and not Path(f"{database}-wal").exists()


def _sqlite_engine(url: URL, begin: str, size: int, *, query_only: bool, read_only: bool = False) -> Engine:
    database = url.database
    if not database or database == ":memory:":
        raise UnavailableError("a ledger lives in a file: give a path behind sqlite:///")
    options: dict[str, Any] = {
        "check_same_thread": False,
        "timeout": BUSY_TIMEOUT_MS / 1000,
        "cached_statements": 512,
    }
    if read_only and _is_frozen(Path(database)):
        address = read_only_address(Path(database))
        way: dict[str, Any] = {"creator": lambda: sqlite3.connect(address, uri=True, **options)}
    else:
        _make_folder(Path(database).parent)
        way = {"connect_args": options}
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=size, max_overflow=0 if not query_only else 24, **way
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # The driver begins nothing by itself; the "begin" event below does, in the mode that the work needs.
        connection.isolation_level = None
        for pragma in _pragmas(query_only=query_only):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageAccessError(
            f"{folder} cannot be made: {error.strerror}; name another data folder / 无法创建数据目录",
            folder=str(folder),
        ) from error


def _pragmas(*, query_only: bool) -> tuple[str, ...]:
    shared = (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "foreign_keys = ON",
        "mmap_size = 268435456",
        "temp_store = MEMORY",
    )
    if query_only:
        return (*shared, "cache_size = -16384", "query_only = ON")
    # 64 MiB hold the inner pages of the random-keyed trees; 16,000 pages of log between folds,
    # about 64 MiB: a page that many groups change is folded once.
    return (
        *shared,
        "journal_mode = WAL",
        "synchronous = FULL",
        "cache_size = -65536",
        "wal_autocheckpoint = 16000",
    )
