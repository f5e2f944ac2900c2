"""What an operator does to a ledger that need not be open, or must not be: audit, backup, restore, migrate.

Nothing here reads a signing key or starts a part, and only a rebuild takes the writer's lock: the rest works beside a
running server, and all of it on a ledger that the server refuses to open.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chemtrace import __version__
from chemtrace.adapters.audit_processes import (
    AuditProcesses,
    begin_state,
    continue_state,
    fork_ready,
    ledger_name,
    read_state,
)
from chemtrace.adapters.audit_worker import serve
from chemtrace.adapters.backup import (
    MASTER_KEY_FILE,
    BackupManifest,
    Progress,
    restore_backup,
    sqlite_path,
    store_backup,
    verify_backup,
)
from chemtrace.adapters.clock import SystemClock
from chemtrace.adapters.data_files import contracts_dir
from chemtrace.adapters.frames import ForkedChild
from chemtrace.adapters.keys.vault import VAULT_FILE, VAULT_FOLDER, load_last_signed
from chemtrace.adapters.lock import WriterLock
from chemtrace.adapters.sql.addresses import sqlite_file
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.following import FlowFollower
from chemtrace.adapters.sql.migrate import current_revision, newest_revision, upgrade, verify_schema
from chemtrace.adapters.sql.reads.audit import StoredSnapshot, open_snapshot
from chemtrace.adapters.sql.refolding import AlertAudit
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.core.catalogue import parse_catalogue
from chemtrace.core.errors import LedgerMissingError, OutputFileError
from chemtrace.flow.observation import Fault
from chemtrace.ledger.audit import AuditReport, verify_log
from chemtrace.ledger.rebuild import rebuild_folds

__all__ = [
    "BackupManifest",
    "Progress",
    "audit_alerts",
    "audit_ledger",
    "back_up_ledger",
    "rebuild_ledger",
    "record_audit",
    "restore_backup",
    "schema_state",
    "sqlite_path",
    "upgrade",
    "verify_backup",
]

PROCESSES_FROM = 5_000
"""Entries from which on starting processes for an audit takes less time than it saves."""

CATALOGUE_FILE = "chemicals/beijing-35.json"
"""The catalogue that a ledger uses unless its settings name another."""


def audit_ledger(
    *,
    database_url: str,
    data_dir: Path,
    catalogue: Path | None = None,
    progress: Progress | None = None,
    state: Path | None = None,
    resume: bool = False,
) -> AuditReport:
    """Recompute the whole ledger and report every fault, reading only.

    `catalogue` is the file of chemicals that the ledger's settings name, if they name one. Whether codes
    were issued is checked where `data_dir` holds the master key of code serials, else left out; whether the
    log is as long as the vault left it, where `data_dir` holds a vault that the caller may read.

    `state` is a file to keep in what was found of each run of entries; with `resume`, what it says of runs whose rows
    are byte for byte the same is believed, and their signatures are not verified again. Everything that depends on
    the log before an entry is recomputed in any case.

    Raises:
        LedgerMissingError: no ledger there.
        CheckpointForkError: the vault's file is damaged.
        AuditStateError: `state` is of another ledger or version.  OutputFileError: it cannot be written.
    """
    known = parse_catalogue((catalogue or contracts_dir() / CATALOGUE_FILE).read_bytes())
    # Before the snapshot: a server beside us may sign on, and what it had signed by now is in the snapshot.
    signed = _load_signed(data_dir)
    with ExitStack() as stack:
        stack.enter_context(_without_collecting())
        ready = stack.enter_context(fork_ready(sqlite_file(database_url) or Path(), serve))
        store = stack.enter_context(open_snapshot(database_url))
        beside = None
        if state is not None or store.last_index() >= PROCESSES_FROM:
            beside = stack.enter_context(_processes(store, database_url, state, ready, resume=resume)).results
        return verify_log(
            store,
            catalogue=known,
            master=_load_master(data_dir),
            signed=signed,
            progress=progress,
            beside=beside,
        )


@contextmanager
def _processes(
    store: StoredSnapshot,
    database_url: str,
    state: Path | None,
    ready: Sequence[ForkedChild],
    *,
    resume: bool,
) -> Iterator[AuditProcesses]:
    with ExitStack() as stack:
        results, keep = {}, None
        if state is not None:
            ledger = ledger_name(store.fact("origin"), next(iter(store.entries_between(0, 0)), None))
            try:
                if resume and state.exists():
                    results = read_state(state, ledger=ledger, program=__version__)
                    keep = stack.enter_context(continue_state(state))
                else:
                    state.parent.mkdir(parents=True, exist_ok=True)
                    keep = stack.enter_context(begin_state(state, ledger=ledger, program=__version__))
            except OSError as error:
                raise OutputFileError(
                    f"the state of the audit cannot be kept in {state}: {error.strerror}; name another with --state",
                    file=str(state),
                    reason=str(error.strerror),
                ) from error
        processes = AuditProcesses(database_url, known=results, keep=keep, ready=ready)
        stack.callback(processes.close)
        yield processes


def audit_alerts(
    *, database_url: str, data_dir: Path, report: AuditReport, progress: Progress | None = None
) -> AuditReport:
    """Add to the report of a verified log what is wrong with its alerts, by folding them once more; reads only.

    The report of a log that has faults comes back as it is: alerts cannot be better than what they rest upon.
    """
    if not report.verified:
        return report
    database = Database(database_url, read_only=True, readers=1)
    try:
        return report.with_faults(AlertAudit(database, _load_master(data_dir)).faults(progress))
    finally:
        database.close()


def record_audit(*, database_url: str, report: AuditReport) -> int:
    """Write an alert D4 of the first fault of each code in `report`; return how many. The log itself stays untouched.

    Raises:
        UnavailableError: the database takes no writing.
    """
    found_us = SystemClock().now_us()
    first = {fault.code: fault for fault in reversed(report.faults)}
    faults = [
        Fault(code=code, index=fault.index, detail=fault.detail, found_us=found_us)
        for code, fault in first.items()
    ]
    database = Database(database_url)
    try:
        FlowFollower(database).record_faults(faults)
    finally:
        database.close()
    return len(faults)


def back_up_ledger(
    *, database_url: str, data_dir: Path, target: Path, with_keys: bool, progress: Progress | None = None
) -> BackupManifest:
    """Write a verified backup of a SQLite ledger to the new folder `target`, beside a server or without one.

    Raises:
        BackupUnsupportedError: another database; says which tools to use.
        BackupTargetError, BackupInvalidError, StorageFullError: as `backup.store_backup`.
    """
    return store_backup(
        database=sqlite_path(database_url),
        data_dir=data_dir,
        target=target,
        now_us=SystemClock().now_us(),
        with_keys=with_keys,
        progress=progress,
    )


def rebuild_ledger(*, database_url: str, data_dir: Path, progress: Progress | None = None) -> int:
    """Drop tiles, subject trees and map, and fold them again from the entries; returns how many entries they cover.

    Takes the writer's lock: nothing else may write meanwhile. In one transaction: whatever it raises, and whatever
    breaks it off, the ledger is as it was.

    Raises:
        LedgerLockedError: another process writes this ledger; it was left as it is.
        LedgerMissingError, SchemaVersionError: there is nothing to rebuild, or it needs `chemtrace db upgrade` first.
        EntryCorruptError, MapBrokenError, TreeBrokenError: the entries are not those that were published.
    """
    _require_file(database_url)
    lock = WriterLock(data_dir)
    database = Database(database_url)
    try:
        verify_schema(database)
        return rebuild_folds(SQLStore(database), progress=progress)
    finally:
        database.close()
        lock.release()


def schema_state(database_url: str) -> tuple[str | None, str | None]:
    """Return the schema of the database and the newest one that this program knows.

    Raises:
        LedgerMissingError: there is no database file; none was made.
    """
    _require_file(database_url)
    database = Database(database_url, read_only=True)
    try:
        with database.read() as connection:
            return current_revision(connection), newest_revision()
    finally:
        database.close()


def _require_file(database_url: str) -> None:
    """Refuse a SQLite ledger whose file is not there: connecting would make an empty one."""
    if database_url.startswith("sqlite") and not sqlite_path(database_url).is_file():
        raise LedgerMissingError(
            "there is no ledger here: name its data folder with --data", path=str(sqlite_path(database_url))
        )


@contextmanager
def _without_collecting() -> Iterator[None]:
    """An audit makes millions of objects and no cycles; looking for some would take a fifth of its time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _load_master(data_dir: Path) -> bytes | None:
    path = data_dir / MASTER_KEY_FILE
    return path.read_bytes() if path.is_file() else None


def _load_signed(data_dir: Path) -> tuple[int, bytes] | None:
    path = data_dir / VAULT_FOLDER / VAULT_FILE
    readable = os.access(path.parent, os.X_OK) and os.access(path, os.R_OK)
    return load_last_signed(path) if readable else None
