"""The history of one item in one look: its own events, and those of its containers while it was inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from chemtrace.adapters.sql.reads.events import FindingLine, event_line, finding_line
from chemtrace.adapters.sql.tables import entry, finding, payload, subject_entry
from chemtrace.core.base64url import encode_base64url

MAX_LINES: Final = 10_000
"""Longest history given at once: far beyond any real item, a bound for a hostile one."""
MAX_NESTING: Final = 8
"""Containers within containers that are followed (drum, pallet, container, vehicle, and room to spare)."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event of an item. Times RFC 3339, ids hex, receipt base64url; payload None once erased.

    `effect` says whether it changes this item's state (a superseded late event does not). `via` is the container
    through which it reached the item, or None for an event of the item itself.
    """

    index: int
    event_id: str
    kind: str
    phase: str
    actor: str
    counterparty: str | None
    at: str | None
    received: str
    effective: str
    late: bool
    effect: bool
    via: str | None
    findings: tuple[FindingLine, ...]
    payload: dict[str, Any] | None
    receipt: str | None
    receipt_signature: str | None


def load_history(
    connection: Connection, subject: str, *, after: int | None = None, follow_containers: bool = True
) -> tuple[HistoryLine, ...]:
    """Return the events of `subject` in the order of the log, from the index behind `after` on; () when unknown.

    Two queries for an item that was never packed, two more for every stay in a container.
    """
    lines = _own_lines(connection, subject, subject, -1, None, via=None)
    if follow_containers:
        lines += _container_lines(connection, subject, lines, MAX_NESTING)
    seen: dict[int, HistoryLine] = {}
    for line in lines:
        seen.setdefault(line.index, line)
    first = -1 if after is None else after
    return tuple(seen[index] for index in sorted(seen) if index > first)


def _own_lines(
    connection: Connection, subject: str, code: str, after: int, before: int | None, *, via: str | None
) -> list[HistoryLine]:
    """Read the events of one subject strictly between two indices; findings are those on `code` or `subject`."""
    mine = (subject_entry.c.subject == subject) & (subject_entry.c.idx > after)
    where = mine if before is None else mine & (subject_entry.c.idx < before)
    columns = (
        entry.c.idx, entry.c.event_id, entry.c.kind, entry.c.phase, entry.c.actor, entry.c.counterparty,
        entry.c.late, entry.c.received_us, entry.c.effective_us, entry.c.receipt, entry.c.receipt_signature,
        subject_entry.c.effect, payload.c.body.label("payload"),
    )  # fmt: skip
    source = subject_entry.join(entry, entry.c.idx == subject_entry.c.idx).outerjoin(
        payload, payload.c.idx == subject_entry.c.idx
    )
    query = select(*columns).select_from(source).where(where).order_by(subject_entry.c.idx).limit(MAX_LINES)
    rows = connection.execute(query).all()
    findings = _findings(connection, {subject, code}, after, before) if rows else {}
    return [_line(row, findings.get(row.idx, ()), via) for row in rows]


def _findings(
    connection: Connection, codes: set[str], after: int, before: int | None
) -> dict[int, tuple[FindingLine, ...]]:
    query = select(finding).where(finding.c.code.in_(sorted(codes)), finding.c.idx > after)
    if before is not None:
        query = query.where(finding.c.idx < before)
    by_index: dict[int, tuple[FindingLine, ...]] = {}
    for row in connection.execute(query.order_by(finding.c.idx, finding.c.n)):
        by_index[row.idx] = (*by_index.get(row.idx, ()), finding_line(row))
    return by_index


def _container_lines(
    connection: Connection, code: str, lines: Sequence[HistoryLine], depth: int
) -> list[HistoryLine]:
    """Follow an item into each container for the interval between pack and unpack, and on from there."""
    if depth == 0:
        return []
    found: list[HistoryLine] = []
    for container, packed, unpacked in _stays(code, lines):
        inside = _own_lines(connection, container, code, packed, unpacked, via=container)
        found += inside
        found += _container_lines(connection, container, inside, depth - 1)
    return found


def _stays(code: str, lines: Sequence[HistoryLine]) -> list[tuple[str, int, int | None]]:
    """The (container, pack index, unpack index or None) of an item, from its own pack and unpack events."""
    stays: list[tuple[str, int, int | None]] = []
    for line in lines:
        container = (line.payload or {}).get("container")
        if line.kind not in ("pack", "unpack") or container in (None, code) or not line.effect:
            continue
        if stays and stays[-1][2] is None:
            stays[-1] = (stays[-1][0], stays[-1][1], line.index)
        if line.kind == "pack":
            stays.append((str(container), line.index, None))
    return stays


def _line(row: Any, findings: tuple[FindingLine, ...], via: str | None) -> HistoryLine:
    event = event_line(row)
    return HistoryLine(
        index=event.index,
        event_id=event.event_id,
        kind=event.kind,
        phase=event.phase,
        actor=event.actor,
        counterparty=event.counterparty,
        at=event.at,
        received=event.received,
        effective=event.effective,
        late=event.late,
        effect=bool(row.effect),
        via=via,
        findings=findings,
        payload=event.payload,
        receipt=None if row.receipt is None else encode_base64url(row.receipt),
        receipt_signature=None if row.receipt_signature is None else encode_base64url(row.receipt_signature),
    )
