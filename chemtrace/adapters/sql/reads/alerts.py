"""Alerts and kept refusals, newest first."""

from __future__ import annotations

import re
from typing import Any, Final

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
from chemtrace.core.errors import AlertAmbiguousError, AlertUnknownError, CursorError

MAX_CANDIDATES: Final = 10
"""Alerts listed where several begin alike."""
_PREFIX: Final = re.compile("[0-9a-f]{8,64}")


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
    """Return one alert, by its id or by the first 8 or more hex digits of it, with or without an ellipsis behind.

    Raises:
        AlertUnknownError: no alert begins like this.  AlertAmbiguousError: several do; carries their ids.
    """
    row = connection.execute(select(alert).where(alert.c.id == alert_id)).first()
    if row is not None:
        return _alert(row)
    prefix = alert_id.strip().removesuffix("…").removesuffix("...").lower()
    if _PREFIX.fullmatch(prefix) is None:
        raise AlertUnknownError(
            "there is no alert with this id: give it whole, or its first 8 or more hex digits"
            " / 没有此预警：请给出完整编号或前 8 位以上",
            alert=alert_id[:80],
        )
    rows = connection.execute(
        select(alert).where(alert.c.id.startswith(prefix)).order_by(alert.c.id).limit(MAX_CANDIDATES)
    ).all()
    if not rows:
        raise AlertUnknownError("there is no alert with this id / 没有此预警", alert=alert_id[:80])
    if len(rows) > 1:
        raise AlertAmbiguousError(
            "several alerts begin like this: give more digits / 有多个预警以此开头，请多给几位",
            candidates=[candidate.id for candidate in rows],
        )
    return _alert(rows[0])


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
