"""The databases that tests are given: migrated, and each test's own."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.databases import PostgreSQLDatabases, SQLiteDatabases


def test_a_test_is_given_a_migrated_database(database_url: str) -> None:
    """The tables are there, and they were made by the migrations."""
    engine = create_engine(database_url)
    try:
        assert {"alembic_version", "entry", "log_head"} <= set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def _is_seen_by_the_next(databases: SQLiteDatabases | PostgreSQLDatabases) -> bool:
    first, second = create_engine(databases.create()), create_engine(databases.create())
    try:
        with first.begin() as connection:
            connection.execute(text("CREATE TABLE trace_of_a_test (n INTEGER)"))
        return inspect(second).has_table("trace_of_a_test")
    finally:
        first.dispose()
        second.dispose()


def test_what_a_test_writes_to_sqlite_is_not_seen_by_the_next(sqlite_databases: SQLiteDatabases) -> None:
    assert not _is_seen_by_the_next(sqlite_databases)


@pytest.mark.postgres
def test_what_a_test_writes_to_postgresql_is_not_seen_by_the_next(
    postgresql_databases: PostgreSQLDatabases,
) -> None:
    assert not _is_seen_by_the_next(postgresql_databases)
