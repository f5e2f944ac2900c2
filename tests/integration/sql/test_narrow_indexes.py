"""Indexes that hold only the rows with a value are still the ones that answer the questions about a value."""

import pytest

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.rows import fetch

QUESTIONS = {
    "ix_entry_counterparty_idx": "SELECT idx FROM entry WHERE counterparty = ? AND idx < 9 ORDER BY idx DESC",
    "ix_item_site_code": "SELECT code FROM item WHERE site = ? AND code > '1' ORDER BY code",
    "ix_item_parent": "SELECT code FROM item WHERE parent = ? ORDER BY code",
    "ix_item_waybill": "SELECT code FROM item WHERE waybill = ? AND status = 'in_transit'",
}
INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%IS NOT NULL'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%%IS NOT NULL)'",
}


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


def test_a_migrated_database_leaves_rows_without_a_value_out_of_these_indexes(database):
    with database.read() as connection:
        assert {name for (name,) in fetch(connection, INDEXES[database.dialect])} == set(QUESTIONS)


@pytest.mark.parametrize("index", QUESTIONS)
def test_a_question_about_a_value_is_answered_by_its_index(database, index):
    with database.write() as connection:
        if database.dialect == "sqlite":
            plan = fetch(connection, f"EXPLAIN QUERY PLAN {QUESTIONS[index]}", ("x",))
        else:
            # Of an empty table PostgreSQL would read all: whether it could use the index is what is asked.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = fetch(connection, f"EXPLAIN {QUESTIONS[index]}", ("x",))
    assert index in str(plan)
