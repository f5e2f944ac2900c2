"""A backup is whole, is what its manifest says, and never becomes a second history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chemtrace.adapters.backup import (
    load_manifest,
    restore_backup,
    sqlite_path,
    store_backup,
    verify_backup,
)
from chemtrace.adapters.sql.reads.audit import open_snapshot
from chemtrace.core.errors import (
    BackupInvalidError,
    BackupMissingError,
    BackupStaleError,
    BackupTargetError,
    BackupUnsupportedError,
    StorageFullError,
)
from chemtrace.ledger.audit import verify_log
from tests.databases import SQLiteDatabases
from tests.integration.audit.conftest import Played
from tests.integration.audit.town import CATALOGUE, MAKER, MASTER, START_US, Town


def back_up(played: Played, target: Path, *, with_keys: bool = False):
    return store_backup(
        database=played.path, data_dir=played.path.parent, target=target, now_us=START_US, with_keys=with_keys
    )


def test_a_restored_backup_verifies_and_holds_every_entry(played: Played, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    manifest = back_up(played, tmp_path / "backup")
    new = tmp_path / "new" / "ledger.db"
    restored = restore_backup(
        backup=tmp_path / "backup", database=new, data_dir=new.parent, progress=lambda *at: steps.append(at)
    )
    with open_snapshot(f"sqlite:///{new}") as store:
        report = verify_log(store, catalogue=CATALOGUE, master=MASTER)
    assert (report.verified, report.entries) == (True, manifest.entries)
    assert restored == manifest
    assert steps[-1][0] == steps[-1][1]


def test_a_backup_beside_a_writer_is_one_consistent_state(
    sqlite_databases: SQLiteDatabases, tmp_path: Path
) -> None:
    town = Town(sqlite_databases.create())
    try:
        codes = town.issue(3)
        town.do_items(MAKER, "produce", "make", [(codes[0], "25")], site="S-MAKER")
        path = sqlite_path(town.url)
        before = store_backup(
            database=path, data_dir=path.parent, target=tmp_path / "one", now_us=START_US, with_keys=False
        )
        town.do_items(MAKER, "produce", "make", [(codes[1], "25")], site="S-MAKER")
        after = store_backup(
            database=path, data_dir=path.parent, target=tmp_path / "two", now_us=START_US, with_keys=False
        )
    finally:
        town.close()
    assert after.entries == before.entries + 1
    assert verify_backup(tmp_path / "one") == before
    assert verify_backup(tmp_path / "two") == after


def test_refuses_a_target_that_exists(played: Played, tmp_path: Path) -> None:
    back_up(played, tmp_path / "backup")
    with pytest.raises(BackupTargetError):
        back_up(played, tmp_path / "backup")
    with pytest.raises(BackupTargetError):
        restore_backup(backup=tmp_path / "backup", database=played.path, data_dir=played.path.parent)


def test_refuses_a_backup_with_one_changed_byte(played: Played, tmp_path: Path) -> None:
    back_up(played, tmp_path / "backup")
    database = tmp_path / "backup" / "ledger.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE item SET quantity = '1'")
        connection.commit()
    with pytest.raises(BackupInvalidError) as caught:
        restore_backup(backup=tmp_path / "backup", database=tmp_path / "new.db", data_dir=tmp_path)
    assert caught.value.fields["field"] == "sha256"
    assert not (tmp_path / "new.db").exists()


def test_refuses_a_backup_that_ends_before_a_published_checkpoint(played: Played, tmp_path: Path) -> None:
    manifest = back_up(played, tmp_path / "backup")
    with pytest.raises(BackupStaleError) as caught:
        restore_backup(
            backup=tmp_path / "backup",
            database=tmp_path / "new.db",
            data_dir=tmp_path,
            published_size=manifest.entries + 1,
        )
    assert caught.value.fields == {"entries": manifest.entries, "published": manifest.entries + 1}


def test_keys_travel_only_when_asked_for(played: Played, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "keys").mkdir(parents=True)
    (data / "keys" / "log.pem").write_bytes(b"secret")
    (data / "master.key").write_bytes(MASTER)
    for name, with_keys in (("plain", False), ("full", True)):
        store_backup(
            database=played.path, data_dir=data, target=tmp_path / name, now_us=START_US, with_keys=with_keys
        )
    assert not (tmp_path / "plain" / "keys").exists()
    restore_backup(
        backup=tmp_path / "full", database=tmp_path / "new" / "ledger.db", data_dir=tmp_path / "new"
    )
    for path in (tmp_path / "new" / "keys" / "log.pem", tmp_path / "new" / "master.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / "master.key").read_bytes() == MASTER


def test_refuses_what_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupMissingError):
        load_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"typ": "chemtrace/backup/1"}')
    with pytest.raises(BackupInvalidError):
        verify_backup(tmp_path)


def test_a_damaged_database_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"SQLite format 3\x00" + bytes(4096))
    with pytest.raises(BackupInvalidError):
        store_backup(
            database=tmp_path / "ledger.db",
            data_dir=tmp_path,
            target=tmp_path / "backup",
            now_us=START_US,
            with_keys=False,
        )
    assert not (tmp_path / "backup").exists()


def test_a_target_that_cannot_be_written_is_named(played: Played, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFullError):
        back_up(played, tmp_path / "file" / "backup")


def test_postgresql_is_told_its_own_tools() -> None:
    with pytest.raises(BackupUnsupportedError) as caught:
        sqlite_path("postgresql+psycopg://host/db")
    assert "pg_dump" in caught.value.message
