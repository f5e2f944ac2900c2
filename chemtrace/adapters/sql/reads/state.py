"""The log as a whole: heads to sign upon, epochs, the newest checkpoint, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from chemtrace.adapters.sql.reads.pages import Page, cut_page, moment, page_size, parse_index_cursor
from chemtrace.adapters.sql.tables import (
    alert,
    checkpoint,
    enterprise,
    epoch,
    finding,
    item,
    log_head,
    refusal,
    site,
    subject_head,
    waybill,
)
from chemtrace.adapters.sql.tables import ledger as ledger_table

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class EpochLine:
    """One epoch: its record's index, its time, and the range of entries it closes (None: none)."""

    number: int
    index: int
    log_time: str
    first: int | None
    last: int | None


def load_heads(connection: Connection, subjects: Sequence[str]) -> dict[str, dict[str, object] | None]:
    """Return `{subject: {event, index, count}}`, None for a subject without events; a query for each 500."""
    heads: dict[str, dict[str, object] | None] = dict.fromkeys(subjects)
    wanted = sorted(heads)
    for at in range(0, len(wanted), BATCH):
        # Under another name: `count` of a row is a method of its own.
        columns = (
            subject_head.c.subject,
            subject_head.c.event_id,
            subject_head.c.idx,
            subject_head.c.count.label("k"),
        )
        query = select(*columns).where(subject_head.c.subject.in_(wanted[at : at + BATCH]))
        for row in connection.execute(query):
            heads[row.subject] = {"event": row.event_id.hex(), "index": row.idx, "count": row.k}
    return heads


def load_epochs(connection: Connection, *, cursor: str | None, limit: int) -> Page[EpochLine]:
    """Return epochs, newest first; the cursor is an epoch's number."""
    limit, before = page_size(limit), parse_index_cursor(cursor)
    query = select(epoch) if before is None else select(epoch).where(epoch.c.number < before)
    rows = connection.execute(query.order_by(epoch.c.number.desc()).limit(limit + 1)).all()
    return cut_page(
        rows,
        limit,
        lambda row: EpochLine(row.number, row.idx, str(moment(row.log_time_us)), row.first_idx, row.last_idx),
        lambda row: row.number,
    )


def load_checkpoint(connection: Connection) -> tuple[int, bytes] | None:
    """Return (size, note) of the newest signed checkpoint."""
    row = connection.execute(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)).first()
    return None if row is None else (row.size, row.note)


def load_stats(connection: Connection) -> dict[str, Any]:
    """Return counts of everything, and findings, refusals, alerts and items by their kind."""
    head = connection.execute(select(log_head)).first()
    names = {row.name: row.value for row in connection.execute(select(ledger_table))}
    newest = load_checkpoint(connection)
    return {
        "origin": names.get("origin"),
        "entries": 0 if head is None else head.size,
        "epochs": 0 if head is None else head.epoch_number + 1,
        "log_time": None if head is None else moment(head.log_time_us),
        "subjects": 0 if head is None else head.subjects,
        "checkpoint": None if newest is None else newest[0],
        "enterprises": _count(connection, enterprise),
        "sites": _count(connection, site),
        "waybills": _count(connection, waybill),
        "items": _counts(connection, item.c.status),
        "findings": _counts(connection, finding.c.rule),
        "refusals": _counts(connection, refusal.c.code),
        "alerts": _counts(connection, alert.c.status),
        "alerts_by_detector": _counts(connection, alert.c.detector),
    }


def _count(connection: Connection, table: Any) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _counts(connection: Connection, column: Any) -> dict[str, int]:
    query = select(column, func.count()).group_by(column).order_by(column)
    return {str(name): number for name, number in connection.execute(query)}
