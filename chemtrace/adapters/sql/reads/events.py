"""Events and entries as readers see them: header, payload, receipt, findings and place in the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from chemtrace.adapters.sql.reads.pages import (
    Page,
    cut_page,
    load_json,
    moment,
    page_size,
    parse_index_cursor,
)
from chemtrace.adapters.sql.tables import entry, epoch, finding, payload
from chemtrace.core.base64url import encode_base64url
from chemtrace.core.entry import parse_entry
from chemtrace.core.errors import EntryUnknownError, EventNotFoundError


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One broken rule on one event, in both languages; `resolved_by` is the index that explained it away."""

    index: int
    code: str
    rule: str
    severity: str
    text_zh: str
    text_en: str
    sides: dict[str, Any]
    resolved_by: int | None


@dataclass(frozen=True, slots=True)
class EventView:
    """One entry of the log, ready for JSON: digests in hex, times RFC 3339, payload None once erased.

    `log_time` is the time of the next epoch (None until it is written); `receipt` and `entry` are base64url.
    """

    index: int
    event_id: str
    kind: str
    phase: str
    actor: str
    counterparty: str | None
    late: bool
    received: str
    effective: str
    log_time: str | None
    leaf: str
    header: dict[str, Any]
    signatures: tuple[dict[str, str], ...]
    payload: dict[str, Any] | None
    findings: tuple[FindingLine, ...]
    receipt: str | None
    receipt_signature: str | None
    entry: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """One row of a list of events."""

    index: int
    event_id: str
    kind: str
    phase: str
    actor: str
    counterparty: str | None
    late: bool
    at: str | None
    received: str
    effective: str
    payload: dict[str, Any] | None


_LINE = (
    entry.c.idx,
    entry.c.event_id,
    entry.c.kind,
    entry.c.phase,
    entry.c.actor,
    entry.c.counterparty,
    entry.c.late,
    entry.c.received_us,
    entry.c.effective_us,
    payload.c.body.label("payload"),
)


def load_event(connection: Connection, event_id: bytes) -> EventView:
    """Return the event with this id (32 bytes); raises `EventNotFoundError`."""
    view = _view(connection, _full().where(entry.c.event_id == event_id))
    if view is None:
        raise EventNotFoundError("no event of this ledger has this id", event=event_id.hex())
    return view


def load_entry(connection: Connection, index: int) -> EventView:
    """Return the entry at this index; raises `EntryUnknownError`."""
    view = _view(connection, _full().where(entry.c.idx == index))
    if view is None:
        raise EntryUnknownError(f"the log has no entry {index} yet", index=index)
    return view


def load_entries(connection: Connection, *, first: int, limit: int) -> tuple[EventView, ...]:
    """Return at most `limit` entries from an index on, in the order of the log; three queries."""
    query = _full().where(entry.c.idx >= first).order_by(entry.c.idx).limit(page_size(limit))
    return tuple(_views(connection, connection.execute(query).all()))


def load_events(
    connection: Connection,
    *,
    actor: str | None,
    counterparty: str | None,
    kind: str | None,
    cursor: str | None,
    limit: int,
) -> Page[EventLine]:
    """Return events, newest first, optionally of one actor, counterparty or kind; the cursor is an index."""
    limit, before = page_size(limit), parse_index_cursor(cursor)
    query = select(*_LINE).select_from(entry.outerjoin(payload, payload.c.idx == entry.c.idx))
    wanted = ((entry.c.actor, actor), (entry.c.counterparty, counterparty), (entry.c.kind, kind))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(entry.c.idx < before)
    rows = connection.execute(query.order_by(entry.c.idx.desc()).limit(limit + 1)).all()
    return cut_page(rows, limit, event_line, lambda row: row.idx)


def event_line(row: Any) -> EventLine:
    """Make a list row out of the columns of an entry and its payload."""
    document = None if row.payload is None else load_json(row.payload, "payload", row.idx)
    return EventLine(
        index=row.idx,
        event_id=row.event_id.hex(),
        kind=row.kind,
        phase=row.phase,
        actor=row.actor,
        counterparty=row.counterparty,
        late=bool(row.late),
        at=None if document is None else document.get("at"),
        received=str(moment(row.received_us)),
        effective=str(moment(row.effective_us)),
        payload=document,
    )


def load_findings(
    connection: Connection, indices: Iterable[int], code: str | None = None
) -> tuple[FindingLine, ...]:
    """Return the findings on the entries named, of all items or of one, in one query."""
    query = select(finding).where(finding.c.idx.in_(sorted(set(indices))))
    if code is not None:
        query = query.where(finding.c.code == code)
    rows = connection.execute(query.order_by(finding.c.idx, finding.c.n)).all()
    return tuple(finding_line(row) for row in rows)


def finding_line(row: Any) -> FindingLine:
    """Make a finding out of its row."""
    document = load_json(row.doc, "finding", row.idx)
    sides = document.get("sides") or {}
    return FindingLine(
        index=row.idx,
        code=row.code,
        rule=row.rule,
        severity=row.severity,
        text_zh=str(document.get("text_zh", "")),
        text_en=str(document.get("text_en", "")),
        sides=dict(sides),
        resolved_by=row.resolved_by,
    )


def _full() -> Select[Any]:
    columns = (*_LINE, entry.c.leaf, entry.c.body, entry.c.receipt, entry.c.receipt_signature)
    return select(*columns).select_from(entry.outerjoin(payload, payload.c.idx == entry.c.idx))


def _view(connection: Connection, query: Select[Any]) -> EventView | None:
    row = connection.execute(query).first()
    return None if row is None else _views(connection, [row])[0]


def _views(connection: Connection, rows: Sequence[Any]) -> list[EventView]:
    """Make views of rows in the order of the log: one query for their findings, one for their epochs."""
    if not rows:
        return []
    findings: dict[int, tuple[FindingLine, ...]] = {}
    for found in load_findings(connection, [row.idx for row in rows]):
        findings[found.index] = (*findings.get(found.index, ()), found)
    first, last = rows[0].idx, rows[-1].idx
    closing = select(epoch.c.idx).where(epoch.c.idx >= last).order_by(epoch.c.idx).limit(1).scalar_subquery()
    ticks = select(epoch.c.idx, epoch.c.log_time_us).where(
        epoch.c.idx >= first, epoch.c.idx <= func.coalesce(closing, last)
    )
    epochs = connection.execute(ticks.order_by(epoch.c.idx)).all()
    views: list[EventView] = []
    at = 0
    for row in rows:
        while at < len(epochs) and epochs[at].idx < row.idx:
            at += 1
        log_time = moment(epochs[at].log_time_us) if at < len(epochs) else None
        views.append(_make(row, findings.get(row.idx, ()), log_time))
    return views


def _make(row: Any, findings: tuple[FindingLine, ...], log_time: str | None) -> EventView:
    line = event_line(row)
    stored = parse_entry(row.body)
    signatures = tuple(
        {"kid": kid.hex(), "signature": encode_base64url(value)} for kid, value in stored.signatures
    )
    return EventView(
        index=line.index,
        event_id=line.event_id,
        kind=line.kind,
        phase=line.phase,
        actor=line.actor,
        counterparty=line.counterparty,
        late=line.late,
        received=line.received,
        effective=line.effective,
        log_time=log_time,
        leaf=row.leaf.hex(),
        header=load_json(stored.header_bytes, "entry", row.idx),
        signatures=signatures,
        payload=line.payload,
        findings=findings,
        receipt=None if row.receipt is None else encode_base64url(row.receipt),
        receipt_signature=None if row.receipt_signature is None else encode_base64url(row.receipt_signature),
        entry=encode_base64url(row.body),
    )
