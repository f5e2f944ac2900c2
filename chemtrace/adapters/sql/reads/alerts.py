"""Alerts and kept refusals, newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, or_, select

from chemtrace.adapters.sql.reads.pages import (
    Page,
    cut_page,
    load_json,
    moment,
    page_size,
    parse_index_cursor,
)
from chemtrace.adapters.sql.tables import alert, refusal
from chemtrace.core.base64url import encode_base64url
from chemtrace.core.errors import AlertUnknownError, CursorError


def load_alerts(
    connection: Connection,
    *,
    detector: str | None,
    status: str | None,
    severity: int | None,
    enterprise: str | None,
    chemical: str | None,
    cursor: str | None,
    limit: int,
) -> Page[dict[str, Any]]:
    """Return alerts, newest first; the cursor is the time raised and the id of the last one."""
    limit = page_size(limit)
    query = select(alert)
    wanted = (
        (alert.c.detector, detector),
        (alert.c.status, status),
        (alert.c.severity, severity),
        (alert.c.enterprise, enterprise),
        (alert.c.chemical, chemical),
    )
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    if cursor is not None:
        raised_us, alert_id = _parse_cursor(cursor)
        same = and_(alert.c.raised_us == raised_us, alert.c.id > alert_id)
        query = query.where(or_(alert.c.raised_us < raised_us, same))
    rows = connection.execute(query.order_by(alert.c.raised_us.desc(), alert.c.id).limit(limit + 1)).all()
    return cut_page(rows, limit, _alert, lambda row: f"{row.raised_us}:{row.id}")


def load_alert(connection: Connection, alert_id: str) -> dict[str, Any]:
    """Return one alert; raises `AlertUnknownError`."""
    row = connection.execute(select(alert).where(alert.c.id == alert_id)).first()
    if row is None:
        raise AlertUnknownError("there is no alert with this id", alert=alert_id[:80])
    return _alert(row)


def load_refusals(
    connection: Connection, *, enterprise: str | None, code: str | None, cursor: str | None, limit: int
) -> Page[dict[str, Any]]:
    """Return validly signed statements that were refused, newest first; the cursor is a refusal's number."""
    limit, before = page_size(limit), parse_index_cursor(cursor)
    query = select(refusal)
    if enterprise is not None:
        query = query.where(refusal.c.enterprise == enterprise)
    if code is not None:
        query = query.where(refusal.c.code == code)
    if before is not None:
        query = query.where(refusal.c.id < before)
    rows = connection.execute(query.order_by(refusal.c.id.desc()).limit(limit + 1)).all()
    return cut_page(rows, limit, _refusal, lambda row: row.id)


def _parse_cursor(cursor: str) -> tuple[int, str]:
    raised, colon, alert_id = cursor.partition(":")
    if not colon or not alert_id:
        raise CursorError(
            "this cursor was not given out here: take `next` of the page before", found=cursor[:80]
        )
    return parse_index_cursor(raised) or 0, alert_id


def _alert(row: Any) -> dict[str, Any]:
    """The stored document, and over it the columns that a person's handling may have moved on."""
    return {
        **load_json(row.doc, "alert", row.id),
        "id": row.id,
        "detector": row.detector,
        "status": row.status,
        "severity": row.severity,
        "raised": moment(row.raised_us),
    }


def _refusal(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "at_size": row.at_size,
        "received": moment(row.received_us),
        "event_id": row.event_id.hex(),
        "enterprise": row.enterprise,
        "code": row.code,
        "problem": load_json(row.doc, "refusal", row.id),
        "statement": encode_base64url(row.statement),
    }
