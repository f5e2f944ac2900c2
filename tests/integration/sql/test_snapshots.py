"""Questions for proofs see one moment, write nothing, and end in errors with names, without the layer above SQLite."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chemtrace.adapters.sql.engine import Database
from chemtrace.core.errors import DatabaseDamagedError, StorageAccessError

FACTS = "SELECT value FROM ledger WHERE name = ?"


def note(database: Database, value: str) -> None:
    with database.write() as connection:
        mark = "?" if database.dialect == "sqlite" else "%s"
        connection.exec_driver_sql(
            f"INSERT INTO ledger (name, value) VALUES ({mark}, {mark})", (value, value)
        )


@pytest.fixture
def database(database_url):
    database = Database(database_url, readers=2)
    yield database
    database.close()


def test_a_snapshot_stays_at_its_moment_while_others_write(database):
    note(database, "first")
    with database.ask() as ask:
        assert [("first",)] == [tuple(row) for row in ask(FACTS, ("first",))]
        note(database, "second")
        assert [] == list(ask(FACTS, ("second",)))
    with database.ask() as ask:
        assert [("second",)] == [tuple(row) for row in ask(FACTS, ("second",))]


def test_nothing_can_be_written_through_it(sqlite_url):
    database = Database(sqlite_url)
    with pytest.raises(StorageAccessError), database.ask() as ask:
        ask("INSERT INTO ledger (name, value) VALUES (?, ?)", ("name", "value"))
    with database.ask() as ask:
        assert [] == list(ask(FACTS, ("name",)))
    database.close()


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 1000)
    database = Database(f"sqlite:///{tmp_path}/ledger.db", read_only=True)
    with pytest.raises(DatabaseDamagedError), database.ask() as ask:
        ask(FACTS, ("name",))
    database.close()


def test_who_asks_for_what_is_not_there_costs_no_connection(sqlite_url):
    database = Database(sqlite_url)
    for _ in range(3):
        with pytest.raises(LookupError), database.ask() as ask:
            raise LookupError(ask(FACTS, ("name",)))
    assert 1 == len(database._snapshots._idle)
    note(database, "fact")
    with database.ask() as ask:
        assert [("fact",)] == list(ask(FACTS, ("fact",))), "another moment than theirs"
    database.close()


def test_many_ask_at_once_and_few_connections_are_kept(sqlite_url):
    database = Database(sqlite_url, readers=2)
    note(database, "fact")
    together = threading.Barrier(12)

    def look(_number: int) -> list[str]:
        with database.ask() as ask:
            together.wait(30)
            return [value for (value,) in ask(FACTS, ("fact",))]

    with ThreadPoolExecutor(12) as pool:
        assert [["fact"]] * 12 == list(pool.map(look, range(12)))
    assert 2 == len(database._snapshots._idle)
    database.close()
    assert [] == database._snapshots._idle
    assert not Path(f"{sqlite_url.removeprefix('sqlite:///')}-wal").exists(), (
        "the last one has folded the log"
    )
