"""Rows written many at once come back as they were, whatever way their values took to the driver."""

import sqlite3

import pytest

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.rows import ROWS_A_STATEMENT, fetch, fetch_many_keys, insert_many, insert_sql

COLUMNS = "idx, event_id, leaf, chain, received_us, effective_us, late, kind, phase, actor, counterparty, body, receipt"
INSERT = insert_sql("entry", COLUMNS)
READ = f"SELECT {COLUMNS} FROM entry ORDER BY idx"
MANY = ROWS_A_STATEMENT[-1]


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


def row(index, *, counterparty="x", receipt=b"r", late=False):
    key = index.to_bytes(32, "big")
    return (index, key, key, b"", 1, 2, late, "库", "in", "a", counterparty, b"\x00\xff" * index, receipt)


def written_and_read(database, rows):
    with database.write() as connection:
        insert_many(connection, INSERT, rows)
        found = fetch(connection, READ)
        if database.dialect == "sqlite":
            kinds = {found[0] for found in fetch(connection, "SELECT DISTINCT typeof(body) FROM entry")}
            assert kinds == {"blob"}
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in one) for one in found]


@pytest.mark.parametrize("count", [1, MANY, MANY + 1, 3 * MANY + 2])
def test_bytes_texts_numbers_and_truth_values_come_back(database, count):
    rows = [row(index, late=index % 3 == 0) for index in range(count)]
    assert written_and_read(database, rows) == rows


@pytest.mark.parametrize("first", [None, b"r"])
def test_a_column_may_have_values_in_some_rows_only(database, first):
    rows = [row(index, receipt=first if index % 2 == 0 else b"other") for index in range(MANY)]
    rows += [row(MANY + index, receipt=None, counterparty=None) for index in range(MANY)]
    assert written_and_read(database, rows) == rows


def test_keys_of_bytes_are_found(database):
    rows = [row(index) for index in range(MANY)]
    keys = [rows[3][1], bytes(31) + b"\xee", rows[5][1]]
    with database.write() as connection:
        insert_many(connection, INSERT, rows)
        found = fetch_many_keys(connection, "SELECT idx FROM entry WHERE event_id IN", keys)
        assert sorted(found) == [(3,), (5,)]
        assert list(fetch_many_keys(connection, "SELECT idx FROM entry WHERE event_id IN", [])) == []


def test_the_driver_is_not_asked_what_else_a_value_of_many_rows_wants_to_be(sqlite_url, monkeypatch):
    asked = []
    for type_ in (bytes, bool):
        monkeypatch.setitem(sqlite3.adapters, (type_, sqlite3.PrepareProtocol), asked.append)
    database = Database(sqlite_url)
    with database.write() as connection:
        insert_many(connection, INSERT, [row(index, late=True) for index in range(MANY)])
        list(fetch_many_keys(connection, "SELECT idx FROM entry WHERE event_id IN", [b"k"]))
    database.close()
    assert asked == []
