"""Paging by key over growing tables: a page names the key it ended at, never a number of rows to skip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson
from sqlalchemy import Connection

from chemtrace.core.errors import CursorError, EntryCorruptError
from chemtrace.core.times import format_utc

MAX_PAGE: Final = 1_000
"""Most rows of one page; a larger wish is cut to it."""
DEFAULT_PAGE: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows in order, and the cursor to ask for what follows (None: this was all)."""

    rows: tuple[T, ...]
    next: str | None


def page_size(limit: int) -> int:
    """Return the wish for a page size within 1 to `MAX_PAGE`."""
    return max(1, min(limit, MAX_PAGE))


def cut_page(
    rows: Sequence[Any], limit: int, make: Callable[[Any], T], key: Callable[[Any], object]
) -> Page[T]:
    """Make a page of at most `limit` rows out of rows read with one more than that."""
    kept = rows[:limit]
    more = len(rows) > limit
    return Page(tuple(make(row) for row in kept), str(key(kept[-1])) if more else None)


def parse_index_cursor(cursor: str | None) -> int | None:
    """Return the number inside a cursor; raises `CursorError` for one that was not given out here."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise CursorError(
            "this cursor was not given out here: take `next` of the page before", found=cursor[:80]
        )
    return int(cursor)


def parse_text_cursor(cursor: str | None, longest: int = 128) -> str | None:
    """Return a cursor that is a key itself; raises `CursorError` when no key can look like it."""
    if cursor is not None and not 0 < len(cursor) <= longest:
        raise CursorError(
            "this cursor was not given out here: take `next` of the page before", found=cursor[:80]
        )
    return cursor


def load_json(data: bytes, table: str, key: object) -> Any:
    """Return the document of a row; raises `EntryCorruptError` when the stored bytes are no JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise EntryCorruptError(
            f"a stored document of table {table} is not JSON: run `chemtrace verify log`",
            table=table,
            key=str(key),
        ) from error


def moment(us: int | None) -> str | None:
    """Microseconds UTC as RFC 3339, None as None."""
    return None if us is None else format_utc(us)


def one_row(connection: Connection, query: Any) -> Any:
    """The first row of a query, if any."""
    return connection.execute(query).first()
