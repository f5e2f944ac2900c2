"""Backup of a running SQLite ledger, and its restore: a folder with one database file and a manifest.

The copy is made by SQLite's own backup interface from one read snapshot, so it is taken while a server writes
and holds the log up to one commit. Both directions are verified: the digest of the file, SQLite's integrity
check, and that the head row names the last entry. PostgreSQL has its own tools for this; a clear error
names them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from chemtrace.adapters.sql.addresses import read_only_uri, sqlite_file
from chemtrace.adapters.sql.engine import named_error
from chemtrace.adapters.sql.sqlite_files import read_only_address
from chemtrace.core.errors import (
    BackupInvalidError,
    BackupMissingError,
    BackupStaleError,
    BackupTargetError,
    BackupUnsupportedError,
    StorageAccessError,
    StorageFullError,
)
from chemtrace.core.times import format_utc

DATABASE_FILE: Final = "ledger.db"
MANIFEST_FILE: Final = "manifest.json"
KEYS_FOLDER: Final = "keys"
MASTER_KEY_FILE: Final = "master.key"
PAGES_A_STEP: Final = 2048
"""Pages copied between two calls of `progress`: 8 MiB at SQLite's default page size."""

Progress = Callable[[int, int], None]
"""Called with (done, total), both in database pages."""


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds: digest of the database file, size of the log, chain hash of its last entry."""

    typ: str = "chemtrace/backup/1"
    taken: str
    bytes: int
    sha256: str
    entries: int
    chain: str
    checkpoint: str | None
    with_keys: bool


def sqlite_path(database_url: str) -> Path:
    """Return the file behind a SQLite URL.

    Raises:
        BackupUnsupportedError: another database; says how it is backed up.
    """
    file = sqlite_file(database_url)
    if file is None:
        raise BackupUnsupportedError(
            "a PostgreSQL ledger is backed up with its own tools: "
            "`pg_dump --format=custom --file=ledger.dump URL`, restored into an empty database with "
            "`pg_restore --exit-on-error --dbname=URL ledger.dump`; then run `chemtrace verify log`",
            found=database_url.split(":", 1)[0],
            expected="sqlite",
        )
    return file


def store_backup(
    *,
    database: Path,
    data_dir: Path,
    target: Path,
    now_us: int,
    with_keys: bool,
    progress: Progress | None = None,
) -> BackupManifest:
    """Write a verified backup of `database` to the new folder `target`; it appears there whole or not at all.

    Args:
        data_dir: where `keys/` and `master.key` stand; they are copied (mode 0600) only `with_keys`.
        now_us: the time to note, microseconds UTC.

    Raises:
        BackupTargetError: `target` exists.  StorageFullError: no room.  BackupInvalidError: the source is
            damaged.
    """
    _refuse_existing(target)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(mode=0o700, parents=True)
        copy = partial / DATABASE_FILE
        _copy_database(database, copy, progress)
        manifest = _describe(copy, now_us=now_us, with_keys=with_keys)
        if with_keys:
            _copy_secrets(data_dir, partial)
        _write_synced(partial / MANIFEST_FILE, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        _sync_folder(partial)
        partial.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise StorageFullError(f"the backup could not be written: {error}", path=str(target)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def load_manifest(backup: Path) -> BackupManifest:
    """Return the manifest of the backup folder `backup`.

    Raises:
        BackupMissingError: the folder is no backup.  BackupInvalidError: its manifest cannot be read.
    """
    try:
        manifest = msgspec.json.decode((backup / MANIFEST_FILE).read_bytes(), type=BackupManifest)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupMissingError(
            f"{backup} is no backup folder: it holds no {MANIFEST_FILE} / 不是备份目录", path=str(backup)
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise BackupInvalidError(
            f"this folder holds no readable backup manifest: {error}", path=str(backup)
        ) from error
    if manifest.typ != "chemtrace/backup/1":
        raise BackupInvalidError(
            "a backup of another form", found=manifest.typ, expected="chemtrace/backup/1"
        )
    return manifest


def verify_backup(backup: Path) -> BackupManifest:
    """Check a backup folder against its manifest.

    Raises:
        BackupMissingError: the folder is no backup.  BackupInvalidError: it differs; carries both sides.
    """
    manifest = load_manifest(backup)
    found = _describe(backup / DATABASE_FILE, now_us=0, with_keys=manifest.with_keys)
    for name in ("sha256", "bytes", "entries", "chain", "checkpoint"):
        if getattr(found, name) != getattr(manifest, name):
            raise BackupInvalidError(
                f"the backup is not what its manifest says: {name} differs",
                field=name,
                found=getattr(found, name),
                expected=getattr(manifest, name),
            )
    return manifest


def restore_backup(
    *, backup: Path, database: Path, data_dir: Path, published_size: int = 0, progress: Progress | None = None
) -> BackupManifest:
    """Put a backup back as `database`, which must not exist; verified before and after the copy.

    Args:
        published_size: size of the newest checkpoint anybody has seen; a backup that ends before it is
            refused,
            because a ledger that writes on from there is a second history under the same name.

    Raises:
        BackupInvalidError, BackupTargetError, BackupStaleError, StorageFullError: as their names say.
    """
    manifest = verify_backup(backup)
    if manifest.entries < published_size:
        raise BackupStaleError(
            f"the backup holds {manifest.entries} entries, a published checkpoint covers "
            f"{published_size}: take a later backup, or start a new ledger with a new origin; "
            "see the runbook on restoring",
            entries=manifest.entries,
            published=published_size,
        )
    for path in (database, *(Path(f"{database}{suffix}") for suffix in ("-wal", "-shm", "-journal"))):
        _refuse_existing(path)
    if manifest.with_keys:
        _refuse_existing(data_dir / KEYS_FOLDER)
        _refuse_existing(data_dir / MASTER_KEY_FILE)
    partial = Path(f"{database}.partial")
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        _copy_database(backup / DATABASE_FILE, partial, progress)
        if manifest.with_keys:
            _copy_secrets(backup, data_dir)
        partial.rename(database)
        _sync_folder(database.parent)
    except OSError as error:
        raise StorageFullError(f"the restore could not be written: {error}", path=str(database)) from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _copy_database(source: Path, target: Path, progress: Progress | None) -> None:
    """Copy all pages from one read snapshot; the source may be written by others meanwhile."""
    if not source.is_file():
        raise BackupInvalidError("there is no database file", path=str(source))
    try:
        with (
            closing(sqlite3.connect(read_only_address(source), uri=True, isolation_level=None)) as reader,
            closing(sqlite3.connect(target, isolation_level=None)) as writer,
        ):
            # An open read transaction pins the snapshot, so a busy writer cannot make the copy start over.
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reader.backup(writer, pages=PAGES_A_STEP, progress=_steps(progress))
            # One plain file: what stands in the copy's own log would otherwise not be under its digest.
            writer.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if isinstance(named := named_error(error), StorageAccessError):
            raise named from error
        if "full" in str(error):
            raise StorageFullError(f"no room for the copy: {error}", path=str(target)) from error
        raise BackupInvalidError(f"the database cannot be copied: {error}", path=str(source)) from error
    target.chmod(0o600)
    _sync_file(target)


def _steps(progress: Progress | None) -> Callable[[int, int, int], None] | None:
    if progress is None:
        return None
    return lambda _status, remaining, total: progress(total - remaining, total)


def _describe(database: Path, *, now_us: int, with_keys: bool) -> BackupManifest:
    """Read a copy: integrity check, last entry against the head row, digest of the file."""
    if not database.is_file():
        raise BackupInvalidError("there is no database file", path=str(database))
    try:
        with closing(sqlite3.connect(read_only_uri(database, immutable=True), uri=True)) as reader:
            check = [str(row[0]) for row in reader.execute("PRAGMA integrity_check(5)")]
            head = reader.execute("SELECT size, chain FROM log_head").fetchone()
            last = reader.execute("SELECT idx, chain FROM entry ORDER BY idx DESC LIMIT 1").fetchone()
            note = reader.execute("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    except sqlite3.DatabaseError as error:
        raise BackupInvalidError(f"the database cannot be read: {error}", path=str(database)) from error
    if check != ["ok"]:
        raise BackupInvalidError(f"SQLite finds damage: {'; '.join(check)}", found=check, expected=["ok"])
    end = (0, bytes(32)) if last is None else (last[0] + 1, last[1])
    if head is None or (head[0], head[1]) != end:
        raise BackupInvalidError("the head row does not name the last entry", head=head, last=last)
    with database.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return BackupManifest(
        taken=format_utc(now_us),
        bytes=database.stat().st_size,
        sha256=digest,
        entries=head[0],
        chain=bytes(head[1]).hex(),
        checkpoint=None if note is None else _text(note[0]),
        with_keys=with_keys,
    )


def _text(note: object) -> str:
    return note.decode("utf-8") if isinstance(note, bytes) else str(note)


def _copy_secrets(source: Path, target: Path) -> None:
    """Copy key files and the master key, readable by their owner alone."""
    keys = source / KEYS_FOLDER
    pairs = [(path, target / KEYS_FOLDER / path.name) for path in sorted(keys.glob("*.pem"))]
    if (source / MASTER_KEY_FILE).is_file():
        pairs.append((source / MASTER_KEY_FILE, target / MASTER_KEY_FILE))
    if not pairs:
        raise BackupInvalidError("there are no keys to copy", path=str(source))
    (target / KEYS_FOLDER).mkdir(mode=0o700, exist_ok=True)
    for origin, copy in pairs:
        _write_synced(copy, origin.read_bytes())
    _sync_folder(target / KEYS_FOLDER)


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise BackupTargetError(
            f"{path} exists already: choose another place or move it away", path=str(path)
        )


def _sync_file(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
