"""Kept refusals as the detectors see them: what was said, by whom, and what the ledger held against it."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection

from chemtrace.adapters.sql.rows import Row, fetch
from chemtrace.core.errors import FormError
from chemtrace.core.events import moved_subjects, parse_payload
from chemtrace.core.statement import parse_wire
from chemtrace.core.subjects import is_item
from chemtrace.core.times import parse_rfc3339
from chemtrace.flow.observation import RefusalSeen


def load_refusals(connection: Connection, *, after: int, below_size: int) -> list[RefusalSeen]:
    """The refusals with ids behind `after` that happened while the log had at most `below_size` entries, in order."""
    sql = (
        "SELECT id, at_size, received_us, event_id, enterprise, code, doc, statement FROM refusal"
        " WHERE id > ? AND at_size <= ? ORDER BY id"
    )
    seen = [_refusal(row) for row in fetch(connection, sql, (after, below_size))]
    return [refusal for refusal in seen if refusal is not None]


def _refusal(row: Row) -> RefusalSeen | None:
    id_, at_size, received_us, event_id, enterprise, code, doc, wire = row
    try:
        statement = parse_wire(bytes(wire))
        header = statement.header
        payload: Any = parse_payload(header.kind, header.phase, statement.payload_bytes)
        at_us = parse_rfc3339(payload.at)
    except FormError:
        return None
    fields = orjson.loads(bytes(doc)).get("fields", {})
    place = payload.position
    return RefusalSeen(
        id=id_,
        at_size=at_size,
        received_us=received_us,
        event_id=bytes(event_id),
        enterprise=enterprise,
        code=code,
        kind=header.kind,
        phase=header.phase,
        at_us=at_us,
        codes=tuple([subject for subject in moved_subjects(payload) if is_item(subject)]),
        item=str(fields.get("item", "")),
        sides=_sides(fields),
        kid=header.signers[0],
        counterparty=getattr(payload, "counterparty", None),
        waybill=getattr(payload, "waybill", None),
        vehicle=getattr(payload, "vehicle", None) if header.kind == "transport" else None,
        site=payload.site,
        position=None if place is None else (place.lat_e6, place.lon_e6),
    )


def _sides(fields: dict[str, Any]) -> dict[str, str]:
    """Both sides of a rule's refusal; of a `prev` that does not fit, the subject and what was named."""
    sides = fields.get("sides")
    if not isinstance(sides, dict):
        sides = {name: fields[name] for name in ("subject", "prev") if fields.get(name) is not None}
    return {str(name): str(value) for name, value in sides.items()}
