"""Enterprises with their sites and keys, sites with their stock, and the events that a party had a hand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select, union_all

from chemtrace.adapters.sql.reads.events import EventLine, event_line
from chemtrace.adapters.sql.reads.items import StockLine, load_stock
from chemtrace.adapters.sql.reads.pages import (
    Page,
    cut_page,
    load_json,
    page_size,
    parse_index_cursor,
    parse_text_cursor,
)
from chemtrace.adapters.sql.tables import batch, device, enterprise, entry, key, licence, payload, site
from chemtrace.core.catalogue import Catalogue
from chemtrace.core.errors import EnterpriseNotFoundError, SiteNotFoundError


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record of the registry: its id, the index of its last entry, and what it says."""

    id: str
    last_index: int
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EnterpriseView:
    """One enterprise with everything that is registered for it; `record` None for a party outside the registry."""

    id: str
    record: dict[str, Any] | None
    sites: tuple[RecordView, ...]
    keys: tuple[RecordView, ...]
    licences: tuple[RecordView, ...]
    devices: tuple[RecordView, ...]
    batches: tuple[RecordView, ...]


@dataclass(frozen=True, slots=True)
class SiteStock:
    """What is in a place now, by chemical."""

    site: RecordView
    chemicals: tuple[StockLine, ...]


def load_enterprise(connection: Connection, party: str) -> EnterpriseView:
    """Return one enterprise.

    Raises:
        EnterpriseNotFoundError: neither registered nor named by any event.
    """
    row = connection.execute(select(enterprise).where(enterprise.c.id == party)).first()
    if row is None and not _acts(connection, party):
        raise EnterpriseNotFoundError("no event of this ledger names this party", party=party)
    return EnterpriseView(
        id=party,
        record=None if row is None else load_json(row.doc, "enterprise", party),
        sites=_records_of(connection, site, "enterprise", party),
        keys=_records_of(connection, key, "party", party),
        licences=_records_of(connection, licence, "enterprise", party),
        devices=_records_of(connection, device, "enterprise", party),
        batches=_records_of(connection, batch, "enterprise", party),
    )


def load_enterprises(connection: Connection, *, cursor: str | None, limit: int) -> Page[RecordView]:
    """Return registered enterprises in the order of their credit codes."""
    return _records(connection, enterprise, cursor, limit)


def load_sites(connection: Connection, *, cursor: str | None, limit: int) -> Page[RecordView]:
    """Return registered sites in the order of their ids."""
    return _records(connection, site, cursor, limit)


def load_site(connection: Connection, site_id: str) -> RecordView:
    """Return one site; raises `SiteNotFoundError`."""
    row = connection.execute(select(site).where(site.c.id == site_id)).first()
    if row is None:
        raise SiteNotFoundError("no site is registered under this id", site=site_id)
    return RecordView(row.id, row.last_idx, load_json(row.doc, "site", site_id))


def load_site_stock(connection: Connection, site_id: str, catalogue: Catalogue | None) -> SiteStock:
    """Return what is in a place now; raises `SiteNotFoundError`."""
    return SiteStock(load_site(connection, site_id), load_stock(connection, site_id, catalogue))


def load_party_events(
    connection: Connection, party: str, *, cursor: str | None, limit: int
) -> Page[EventLine]:
    """Return the events where a party acts or is the other hand, oldest first; the cursor is an index.

    Two index ranges, each cut before they are merged: the cost does not grow with the party's past.
    """
    limit, after = page_size(limit), parse_index_cursor(cursor)
    first = -1 if after is None else after
    halves = [
        select(entry.c.idx)
        .where(column == party, entry.c.idx > first)
        .order_by(entry.c.idx)
        .limit(limit + 1)
        .subquery()
        for column in (entry.c.actor, entry.c.counterparty)
    ]
    wanted = union_all(*(select(half.c.idx) for half in halves)).subquery()
    columns = (*(column for column in entry.c if column.name != "body"), payload.c.body.label("payload"))
    source = entry.outerjoin(payload, payload.c.idx == entry.c.idx)
    query = select(*columns).select_from(source).where(entry.c.idx.in_(select(wanted.c.idx)))
    rows = connection.execute(query.order_by(entry.c.idx).limit(limit + 1)).all()
    return cut_page(rows, limit, event_line, lambda row: row.idx)


def _acts(connection: Connection, party: str) -> bool:
    return any(
        connection.execute(select(entry.c.idx).where(column == party).limit(1)).first() is not None
        for column in (entry.c.actor, entry.c.counterparty)
    )


def _records(connection: Connection, table: Table, cursor: str | None, limit: int) -> Page[RecordView]:
    limit, after = page_size(limit), parse_text_cursor(cursor)
    query = select(table) if after is None else select(table).where(table.c.id > after)
    rows = connection.execute(query.order_by(table.c.id).limit(limit + 1)).all()
    return cut_page(
        rows,
        limit,
        lambda row: RecordView(row.id, row.last_idx, load_json(row.doc, table.name, row.id)),
        lambda row: row.id,
    )


def _records_of(connection: Connection, table: Table, member: str, party: str) -> tuple[RecordView, ...]:
    """The records of a table whose document names the party; registries are small, so all rows are read."""
    found = []
    for row in connection.execute(select(table).order_by(table.c.id)):
        record = load_json(row.doc, table.name, row.id)
        if isinstance(record, dict) and record.get(member) == party:
            found.append(RecordView(row.id, row.last_idx, record))
    return tuple(found)
