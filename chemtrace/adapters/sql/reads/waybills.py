"""Waybills: what was planned, loaded and received, and every statement about one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, or_, select

from chemtrace.adapters.sql.reads.history import load_history
from chemtrace.adapters.sql.reads.pages import (
    MAX_PAGE,
    Page,
    cut_page,
    load_json,
    page_size,
    parse_text_cursor,
)
from chemtrace.adapters.sql.tables import item, waybill
from chemtrace.core.errors import WaybillUnknownError


def load_waybill(connection: Connection, number: str) -> dict[str, Any]:
    """Return one waybill with its events and the items that travel under it now.

    Raises:
        WaybillUnknownError: no such number.
    """
    row = connection.execute(select(waybill).where(waybill.c.number == number)).first()
    if row is None:
        raise WaybillUnknownError("there is no waybill with this number", waybill=number[:40])
    aboard = select(item.c.code).where(item.c.waybill == number).order_by(item.c.code).limit(MAX_PAGE)
    return {
        **_line(row),
        "aboard": list(connection.execute(aboard).scalars()),
        "events": load_history(connection, f"waybill:{number}", follow_containers=False),
    }


def load_waybills(
    connection: Connection,
    *,
    state: str | None,
    carrier: str | None,
    vehicle: str | None,
    party: str | None,
    cursor: str | None,
    limit: int,
) -> Page[dict[str, Any]]:
    """Return waybills in the order of their numbers; `party` is consignor, carrier or consignee."""
    limit, after = page_size(limit), parse_text_cursor(cursor, 32)
    query = select(waybill)
    for column, value in (
        (waybill.c.state, state),
        (waybill.c.carrier, carrier),
        (waybill.c.vehicle, vehicle),
    ):
        if value is not None:
            query = query.where(column == value)
    if party is not None:
        hands = (waybill.c.carrier, waybill.c.consignor, waybill.c.consignee)
        query = query.where(or_(*(hand == party for hand in hands)))
    if after is not None:
        query = query.where(waybill.c.number > after)
    rows = connection.execute(query.order_by(waybill.c.number).limit(limit + 1)).all()
    return cut_page(rows, limit, _line, lambda row: row.number)


def _line(row: Any) -> dict[str, Any]:
    return {
        **load_json(row.doc, "waybill", row.number),
        "number": row.number,
        "state": row.state,
        "carrier": row.carrier,
        "vehicle": row.vehicle,
        "consignor": row.consignor,
        "consignee": row.consignee,
        "last_index": row.last_idx,
    }
