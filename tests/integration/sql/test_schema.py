"""The schema as migrated: what the program expects, with guards that bite, on both databases."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.guards import APPEND_ONLY, missing_guards, verify_guards
from chemtrace.adapters.sql.migrate import current_revision, newest_revision, upgrade, verify_schema
from chemtrace.adapters.sql.tables import metadata
from chemtrace.core.errors import GuardMissingError, StorageAccessError

ROWS = {
    "checkpoint": "INSERT INTO checkpoint (size, note) VALUES (1, {blob})",
    "cosignature": "INSERT INTO cosignature (size, name, key_hash, line, added_us) VALUES (1, 'w', {blob}, 'x', 1)",
    "entry": (
        "INSERT INTO entry (idx, event_id, leaf, chain, received_us, effective_us, late, kind, phase, actor, body)"
        " VALUES (0, {blob}, {blob}, {blob}, 1, 1, {no}, 'key', 'register', 'X', {blob})"
    ),
    "epoch": "INSERT INTO epoch (number, idx, log_time_us) VALUES (0, 5, 1)",
    "fork_evidence": (
        "INSERT INTO fork_evidence (found_us, code, first_note, second_note) VALUES (1, 'c', {blob}, {blob})"
    ),
    "ledger": "INSERT INTO ledger (name, value) VALUES ('origin', 'a')",
    "payload": "INSERT INTO payload (idx, body) VALUES (0, {blob})",
    "refusal": (
        "INSERT INTO refusal (at_size, received_us, event_id, enterprise, code, doc, statement)"
        " VALUES (0, 1, {blob}, 'X', 'c', {blob}, {blob})"
    ),
    "opening": "INSERT INTO opening (idx, n, digest, salt, value) VALUES (0, 0, {blob}, {blob}, 'v')",
}
CHANGES = {
    "checkpoint": "size = 2",
    "cosignature": "added_us = 2",
    "entry": "received_us = 2",
    "epoch": "log_time_us = 2",
    "fork_evidence": "found_us = 2",
    "ledger": "value = 'b'",
    "payload": "idx = 1",
    "refusal": "at_size = 2",
    "opening": "value = 'w'",
}


@pytest.fixture
def database(database_url):
    """A migrated database with one row in each guarded table."""
    database = Database(database_url)
    blob = "X'00'" if database.dialect == "sqlite" else "'\\x00'::bytea"
    with database.write() as connection:
        for row in ROWS.values():
            connection.exec_driver_sql(row.format(blob=blob, no="false"))
    yield database
    database.close()


def test_migrations_make_exactly_the_tables_of_the_program(database):
    """Nothing to generate is left between the tables declared and the tables migrated."""
    with database.read() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), metadata)
        assert newest_revision() == current_revision(connection)
    verify_schema(database)


def test_upgrading_again_changes_nothing(database_url):
    upgrade(database_url)
    upgrade(database_url)


@pytest.mark.parametrize("table", sorted(CHANGES))
def test_refuses_to_change_a_fact(database, table):
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {CHANGES[table]}")


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_refuses_to_delete_a_fact(database, table):
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM {table}")


def test_personal_values_can_be_deleted(database):
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM opening")
    with database.read() as connection:
        assert 0 == connection.exec_driver_sql("SELECT count(*) FROM opening").scalar()


@pytest.mark.parametrize("table", sorted(set(ROWS) - {"refusal", "fork_evidence"}))
def test_refuses_to_replace_a_fact_by_insert(sqlite_url, table):
    database = Database(sqlite_url)
    row = ROWS[table].format(blob="X'00'", no="false")
    with database.write() as connection:
        connection.exec_driver_sql(row)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(row.replace("INSERT", "INSERT OR REPLACE"))
    database.close()


def test_refuses_to_replace_an_entry_by_its_event_id(sqlite_url):
    """A second unique key is a second way to replace a row."""
    database = Database(sqlite_url)
    row = ROWS["entry"].format(blob="X'00'", no="false")
    with database.write() as connection:
        connection.exec_driver_sql(row)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(row.replace("INSERT", "INSERT OR REPLACE").replace("(0,", "(1,"))
    database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_refuses_to_truncate_a_fact(postgresql_url, table):
    database = Database(postgresql_url)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(f"TRUNCATE {table}")
    database.close()


def test_names_a_guard_that_is_gone(database):
    """Dropping a trigger is noticed by name."""
    on = " ON entry" if database.dialect == "postgresql" else ""
    name = "guard_entry" if database.dialect == "postgresql" else "guard_entry_update"
    with database.write() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")
    with database.read() as connection:
        assert (name,) == missing_guards(connection)
        with pytest.raises(GuardMissingError):
            verify_guards(connection)


@pytest.mark.postgres
def test_notices_a_guard_that_is_switched_off(postgresql_url):
    database = Database(postgresql_url)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE entry DISABLE TRIGGER guard_entry")
    with database.read() as connection:
        assert ("guard_entry",) == missing_guards(connection)
    database.close()


def test_readers_cannot_write(database):
    with pytest.raises((DBAPIError, StorageAccessError)), database.read() as connection:
        connection.exec_driver_sql("DELETE FROM opening")
