"""SQL text of the write path, one spelling for SQLite and PostgreSQL, and questions about many keys at once.

The write path uses the driver's own statements: building them through an expression language costs more than
the database does. Parameters are marked `?` here and become `%s` for psycopg; no text here holds a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection

Row = tuple[Any, ...]

KEYS_A_QUESTION: Final = 1000
"""Keys asked for in one statement on SQLite, well below its limit of 32,766 variables."""

ROWS_A_STATEMENT: Final = (1000, 500, 250, 125, 60, 30, 15)
"""Rows in one INSERT on SQLite, as many as there are: 1,000 of the widest table, 14 columns, stay below the limit of
variables. A few sizes only, so that the driver keeps the statements prepared."""


@cache
def spelled(sql: str, dialect: str) -> str:
    """The statement in the parameter style of the dialect's driver."""
    return sql if dialect == "sqlite" else sql.replace("?", "%s")


def fetch(connection: Connection, sql: str, parameters: Row = ()) -> list[Row]:
    """Run a question and return all its rows."""
    result = connection.exec_driver_sql(spelled(sql, connection.dialect.name), parameters)
    # The driver's own tuples: the fold of an epoch reads every entry this way.
    rows: list[Row] = list(result.cursor.fetchall())
    result.close()
    return rows


def fetch_one(connection: Connection, sql: str, parameters: Row = ()) -> Row | None:
    """Run a question and return its first row, or None."""
    row = connection.exec_driver_sql(spelled(sql, connection.dialect.name), parameters).first()
    return None if row is None else tuple(row)


def fetch_many_keys(connection: Connection, sql: str, keys: Sequence[str] | Sequence[bytes]) -> Iterator[Row]:
    """Run `sql`, which ends in `IN`, for all keys; the order of the rows is not given."""
    if connection.dialect.name != "sqlite":
        if keys:
            array = connection.exec_driver_sql(sql.removesuffix("IN") + "= ANY(%s)", (list(keys),))
            yield from (tuple(row) for row in array)
        return
    for at in range(0, len(keys), KEYS_A_QUESTION):
        part = tuple(_as_bound(bytes, keys[at : at + KEYS_A_QUESTION]))
        yield from fetch(connection, f"{sql} ({_marks(len(part))})", part)


def run_many(connection: Connection, sql: str, rows: Sequence[Row]) -> None:
    """Run a statement once for each row; nothing for none."""
    if rows:
        connection.exec_driver_sql(spelled(sql, connection.dialect.name), list(rows))


def insert_many(connection: Connection, sql: str, rows: Sequence[Row]) -> None:
    """Run an INSERT of `insert_sql` or `upsert_sql` for all rows.

    On SQLite many rows go into one statement: its driver gives up the interpreter's lock once for each statement, and
    computes without it meanwhile; row by row, other threads would take the lock from the writer once for each row.
    """
    at = 0
    if connection.dialect.name == "sqlite":
        for size in ROWS_A_STATEMENT:
            while len(rows) - at >= size:
                values = _flattened(rows[at : at + size])
                connection.exec_driver_sql(_repeated(sql, len(rows[at]), size), values)
                at += size
    run_many(connection, sql, rows[at:])


def _flattened(rows: Sequence[Row]) -> Row:
    """All values of rows that have the same types in the same columns, one row behind the other, ready to be bound.

    Of bytes and of truth values SQLite's driver asks each time, twice and in vain, whether they want to be something
    else: 0.3 µs a value, several times the binding, with the interpreter's lock in hand. Of byte arrays and integers
    it does not, and the database is given the same.
    """
    values, width = list(chain.from_iterable(rows)), len(rows[0])
    for column, value in enumerate(rows[0]):
        if isinstance(value, bytes | bool):
            values[column::width] = _as_bound(type(value), values[column::width])
    return tuple(values)


def _as_bound(kind: type, values: Sequence[Any]) -> list[Any]:
    """The values with those of this type, bytes or truth values, replaced by what the driver binds as it is."""
    bound: Callable[[Any], Any] = bytearray if kind is bytes else int
    return [bound(value) if type(value) is kind else value for value in values]


@cache
def _repeated(sql: str, columns: int, rows: int) -> str:
    one = f"({_marks(columns)})"
    return sql.replace(one, ", ".join([one] * rows), 1)


@cache
def insert_sql(table: str, columns: str) -> str:
    """INSERT of the columns (separated by commas) of a table."""
    return f'INSERT INTO "{table}" ({columns}) VALUES ({_marks(columns.count(",") + 1)})'  # noqa: S608  # constants


@cache
def upsert_sql(table: str, key: str, columns: str) -> str:
    """INSERT of key and columns, or UPDATE of the columns where the key is there."""
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns.split(", "))
    return f"{insert_sql(table, f'{key}, {columns}')} ON CONFLICT ({key}) DO UPDATE SET {changes}"


@cache
def _marks(count: int) -> str:
    return ", ".join("?" * count)
