"""SQLite's connections as its driver makes them, and snapshots without the layer above.

WAL, synchronous=FULL (an answered commit survives a power cut), foreign keys on, a busy time-out.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy import URL

from chemtrace.adapters.sql.addresses import read_only_uri
from chemtrace.adapters.sql.rows import Row
from chemtrace.core.errors import StorageAccessError, UnavailableError

BUSY_TIMEOUT_MS: Final = 10_000
"""How long a connection waits for a lock: longer than any group commit, shorter than a client's patience."""

Ask: TypeAlias = Callable[[str, Row], Sequence[Row]]
"""A question with its parameters (marked `?`) to one snapshot, and all rows of the answer."""


def connector(address: URL, *, query_only: bool, read_only: bool) -> Callable[[], sqlite3.Connection]:
    """What opens connections to the file of an address, each ready for reading (`query_only`) or writing.

    Raises:
        UnavailableError: no file. StorageAccessError: its folder cannot be made.
    """
    database = address.database
    if not database or database == ":memory:":
        raise UnavailableError("a ledger lives in a file: give a path behind sqlite:///")
    options: dict[str, Any] = {
        "check_same_thread": False,
        "timeout": BUSY_TIMEOUT_MS / 1000,
        "cached_statements": 512,
        # The driver begins nothing by itself; whoever asks does, in the mode that the work needs.
        "isolation_level": None,
    }
    if read_only and _is_frozen(Path(database)):
        database, options["uri"] = read_only_address(Path(database)), True
    else:
        _make_folder(Path(database).parent)
        if address.query:
            (database,), asked = address.get_dialect()().create_connect_args(address)
            options = {**asked, **options}
    pragmas = _pragmas(query_only=query_only)

    def connect() -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(database, **options)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    return connect


class Snapshots:
    """Snapshots by connections of their own; at most `idle` are kept for the next. Safe for many threads."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], *, idle: int) -> None:
        """Open nothing yet."""
        self._connect = connect
        self._most_idle = idle
        self._idle: list[sqlite3.Connection] = []

    @contextmanager
    def open(self) -> Iterator[Ask]:
        """One snapshot for the length of the block, from the first question on."""
        connection = self._take()
        try:
            connection.execute("BEGIN")
            cursor = connection.cursor()
            try:
                yield lambda sql, parameters: cursor.execute(sql, parameters).fetchall()
            finally:
                cursor.close()
                connection.rollback()
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            # Not the database's fault: somebody asked for what is not there.
            self._keep(connection)
            raise
        self._keep(connection)

    def close(self) -> None:
        """Close those that are idle."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _keep(self, connection: sqlite3.Connection) -> None:
        if len(self._idle) < self._most_idle:
            self._idle.append(connection)
        else:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()


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
