"""Connections: durable and ordered on both databases.

SQLite: connections of `sqlite_files`, BEGIN IMMEDIATE for every write (SQLAlchemy's own default lets two writers read
the same head). PostgreSQL: READ COMMITTED with the head row locked FOR UPDATE for writes, REPEATABLE READ for
snapshots.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from chemtrace.adapters.sql.addresses import engine_url
from chemtrace.adapters.sql.rows import fetch
from chemtrace.adapters.sql.sqlite_files import Ask, Snapshots, connector
from chemtrace.core.errors import (
    ChemtraceError,
    DatabaseDamagedError,
    LedgerBusyError,
    StorageAccessError,
    StorageFullError,
    UnavailableError,
)

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
        self._snapshots: Snapshots | None = None
        if self.dialect == "sqlite":
            reader = connector(address, query_only=True, read_only=read_only)
            # Without writing there is nothing to make ready for it: a first answer is awaited.
            writer = reader if read_only else connector(address, query_only=False, read_only=False)
            self._snapshots = Snapshots(reader, idle=readers)
            self._make_reading = partial(_sqlite_engine, address, reader, "BEGIN", readers, overflow=24)
            self._make_writing = partial(_sqlite_engine, address, writer, "BEGIN IMMEDIATE", 1, overflow=0)
        else:
            engine = create_engine(
                address, pool_size=readers, max_overflow=4, pool_pre_ping=True, pool_timeout=30
            )
            self._make_reading = partial(
                engine.execution_options, isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._make_writing = partial(engine.execution_options, isolation_level="READ COMMITTED")

    @cached_property
    def _reading(self) -> Engine:
        return self._make_reading()

    @cached_property
    def _writing(self) -> Engine:
        return self._make_writing()

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

    @contextmanager
    def ask(self) -> Iterator[Ask]:
        """The same for small questions that many ask at once: on SQLite by the driver alone, in a fifth of the time."""
        if self._snapshots is None:
            with self.read() as connection:
                yield asking(connection)
        else:
            with named_errors(), self._snapshots.open() as ask:
                yield ask

    def close(self) -> None:
        """Give back all connections; on SQLite the last one folds the write-ahead log into the file."""
        if self._snapshots is not None:
            self._snapshots.close()
        for name in ("_reading", "_writing"):
            if name in self.__dict__:  # made when first asked for
                self.__dict__[name].dispose()


def asking(connection: Connection) -> Ask:
    """Questions to the snapshot of a connection, whose transaction is begun here if it was not yet."""
    if connection.dialect.name != "sqlite":
        return partial(fetch, connection)
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    return lambda sql, parameters: cursor.execute(sql, parameters).fetchall()


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


def _sqlite_engine(
    address: URL, connect: Callable[[], sqlite3.Connection], begin: str, size: int, *, overflow: int
) -> Engine:
    engine = create_engine(
        address, creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=overflow
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
