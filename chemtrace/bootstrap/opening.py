"""Opening a ledger: as its one writer, for reading beside it, or only its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chemtrace.adapters.backup import sqlite_path
from chemtrace.adapters.clock import SystemClock
from chemtrace.adapters.keys.files import load_master_key
from chemtrace.adapters.lock import WriterLock
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.following import FlowFollower
from chemtrace.adapters.sql.guards import verify_guards
from chemtrace.adapters.sql.migrate import verify_schema
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.adapters.sql.tokens import Tokens
from chemtrace.bootstrap.application import Application
from chemtrace.bootstrap.parts import ledger_parts, load_catalogue, load_registered_key
from chemtrace.bootstrap.trust import load_serving
from chemtrace.config import Settings
from chemtrace.core.errors import (
    GuardMissingError,
    KeyFileMissingError,
    KeyFileModeError,
    LedgerMissingError,
    StorageAccessError,
)
from chemtrace.ledger.genesis import LABEL_HOST, ORIGIN
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.ports import Clock
from chemtrace.ledger.reading import ReadOnlyLedger
from chemtrace.registry.state import Registry


def open_application(
    settings: Settings, *, clock: Clock | None = None, read_only: bool = False, url: str | None = None
) -> Application:
    """Open the ledger of `settings`.

    Read-only works beside a running server and needs no signing keys. Otherwise this process becomes the writer:
    on SQLite it takes the writer's lock and leaves `url` in it.

    Raises:
        LedgerMissingError, LedgerLockedError, SchemaVersionError, StorageAccessError: it cannot be opened.
        KeyFileMissingError, KeyFileModeError: a key of the server is not here, or can be read by others.
        EvidenceError: its records contradict themselves, see the runbooks; `read_only` still opens it.
    """
    _require_ledger(settings)
    is_file = settings.database_url.startswith("sqlite")
    lock = WriterLock(settings.data_dir, url=url) if is_file and not read_only else None
    database = Database(settings.database_url, read_only=read_only)
    try:
        return _wire(settings, clock or SystemClock(), database, lock, read_only=read_only)
    except BaseException:
        database.close()
        if lock is not None:
            lock.release()
        raise


@contextmanager
def opened_tokens(settings: Settings) -> Iterator[tuple[Tokens, Clock]]:
    """The tokens of a ledger, to be made and revoked beside a running server: they are no part of the log.

    Raises:
        LedgerMissingError, SchemaVersionError: there is no ledger, or one of another schema.
    """
    _require_ledger(settings)
    database = Database(settings.database_url)
    try:
        verify_schema(database)
        yield Tokens(database), SystemClock()
    finally:
        database.close()


def _wire(
    settings: Settings, clock: Clock, database: Database, lock: WriterLock | None, *, read_only: bool
) -> Application:
    verify_schema(database)
    store = SQLStore(database)
    catalogue = load_catalogue(settings)
    with store.read() as transaction:
        origin, host = transaction.fact(ORIGIN), transaction.fact(LABEL_HOST)
        registry = Registry.from_records(transaction.records())
    if not read_only:
        _require_guards(database, clock)
    if origin is None:
        raise LedgerMissingError("this database holds no ledger: run `chemtrace init`")
    master: bytes | None
    if read_only:
        master = _master_if_here(settings.data_dir)
        ledger: Ledger | ReadOnlyLedger = ReadOnlyLedger(store, origin, master, load_serving(settings))
    else:
        master = load_master_key(settings.data_dir)
        receipt = load_registered_key(settings.data_dir, "receipt", registry)
        log = load_registered_key(settings.data_dir, "log", registry)
        parts = ledger_parts(
            settings,
            clock=clock,
            database=database,
            origin=origin,
            catalogue=catalogue,
            master=master,
            receipt=receipt,
            log=log,
            serving=load_serving(settings),
        )
        ledger = Ledger(parts)
    return Application(
        settings=settings,
        clock=clock,
        database=database,
        store=store,
        ledger=ledger,
        catalogue=catalogue,
        master=master,
        label_host=settings.label_host or host or "",
        lock=lock,
    )


def _require_guards(database: Database, clock: Clock) -> None:
    """Do not write without guards, and leave an alert that says so: it can be read where nothing can be written."""
    try:
        with database.read() as connection:
            verify_guards(connection)
    except GuardMissingError as error:
        try:
            FlowFollower(database).record_fault(error, clock.now_us())
        except Exception as failure:  # noqa: BLE001  # what is wrong with the guards must be told in any case
            error.add_note(f"no alert of it could be written: {failure!r}")
        raise


def _require_ledger(settings: Settings) -> None:
    url = settings.database_url
    path = sqlite_path(url) if url.startswith("sqlite") else settings.data_dir
    try:
        found = path.exists()
    except OSError as error:
        raise StorageAccessError(
            f"{path} cannot be reached by this user: {error.strerror} / 当前用户无权访问账本数据目录",
            path=str(path),
        ) from error
    if not found:
        raise LedgerMissingError(
            f"there is no ledger in {settings.data_dir}: run `chemtrace init --data {settings.data_dir}`",
            data_dir=str(settings.data_dir),
        )


def _master_if_here(data_dir: Path) -> bytes | None:
    try:
        return load_master_key(data_dir)
    except (KeyFileMissingError, KeyFileModeError):
        return None
