"""Other ways to change a fact than a plain UPDATE or DELETE: refused on both databases, and nothing is changed."""

import pytest
from sqlalchemy.exc import DBAPIError

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.guards import APPEND_ONLY
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.bootstrap import open_application
from chemtrace.core.statement import encode_wire
from chemtrace.ledger.ports import CosignatureRow, ForkRow
from tests.api.bad_world import picture
from tests.seeded_ledger import MAKER, seed_ledger

KEYS = {
    "checkpoint": ("size", "note"),
    "cosignature": ("size", "line"),
    "entry": ("idx", "body"),
    "epoch": ("number", "log_time_us"),
    "fork_evidence": ("id", "code"),
    "ledger": ("name", "value"),
    "payload": ("idx", "body"),
    "refusal": ("id", "statement"),
}

UNIQUE = {"cosignature": "size, name, key_hash"}

STATEMENTS = {
    "update": "UPDATE {table} SET {column} = {column}",
    "update of one row": "UPDATE {table} SET {column} = {column} WHERE {key} = (SELECT min({key}) FROM {table})",
    "delete": "DELETE FROM {table}",
    "delete by subquery": "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table})",
    "upsert": (
        "INSERT INTO {table} SELECT * FROM {table} WHERE true"
        " ON CONFLICT ({unique}) DO UPDATE SET {column} = excluded.{column}"
    ),
}
SQLITE = {
    "update or replace": "UPDATE OR REPLACE {table} SET {column} = {column}",
    "insert or replace": "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    "replace": "REPLACE INTO {table} SELECT * FROM {table}",
}
POSTGRESQL = {
    "truncate": "TRUNCATE {table}",
    "truncate cascade": "TRUNCATE {table} RESTART IDENTITY CASCADE",
    "merge": "MERGE INTO {table} t USING {table} s ON t.{key} = s.{key} WHEN MATCHED THEN DELETE",
    "delete in a query": "WITH gone AS (DELETE FROM {table} RETURNING *) SELECT count(*) FROM gone",
}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request, tmp_path_factory):
    """The database of a real ledger, with a refusal in it; tests leave it as it is."""
    url = request.getfixturevalue(f"{request.param}_databases").create()
    seeded = seed_ledger(tmp_path_factory.mktemp("guards") / "ledger", codes=1, database_url=url)
    application = open_application(seeded.settings)
    nowhere = seeded.hands.items(MAKER, "produce", "make", (seeded.take_codes(1)[0], "25"), site="S-NOWHERE")
    application.ledger.submit(encode_wire(nowhere))
    application.close()
    database = Database(url)
    with SQLStore(database).write() as transaction:
        transaction.store_cosignature(CosignatureRow(1, "witness.example", b"abcd", "a line", 1))
        transaction.store_fork(ForkRow(1, "evidence.split-view", b"one", b"other"))
    yield database
    database.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_no_way_of_changing_a_fact_is_open(database, table):
    ways = STATEMENTS | (SQLITE if database.dialect == "sqlite" else POSTGRESQL)
    key, column = KEYS[table]
    before = picture(database)
    for way, sql in ways.items():
        with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
            connection.exec_driver_sql(
                sql.format(table=table, key=key, unique=UNIQUE.get(table, key), column=column)
            )
        assert before == picture(database), way
