"""Stored rows of the read models against the folded ones; each difference is blamed on the entry that made the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chemtrace.ledger.audit.models import ModelAudit, finding_row
from chemtrace.ledger.audit.people import UNCHECKED_RULES
from chemtrace.ledger.audit.port import AuditStore, StoredItem, StoredSubject, StoredWaybill
from chemtrace.ledger.audit.report import FaultLog
from chemtrace.trace.exact import plain
from chemtrace.trace.state import ItemState, encode_state
from chemtrace.trace.waybill import WaybillState, encode_waybill


def compare_models(store: AuditStore, models: ModelAudit, faults: FaultLog, *, has_master: bool) -> None:
    """Compare items, waybills, findings, subject heads and the steps of histories."""
    _compare_items(store, models.memory.items, faults)
    _compare_waybills(store, models.memory.waybills, faults)
    _compare_findings(store, models, faults, has_master=has_master)
    _compare_subjects(store, models, faults)
    wrong = models.first_wrong_step(store)
    if wrong is not None:
        faults.add(
            wrong, "evidence.history", f"the histories do not say of entry {wrong} what it says of itself"
        )


def item_row(state: ItemState) -> StoredItem:
    """The row that a folded item should have."""
    return StoredItem(
        code=state.code,
        slot=state.slot,
        status=state.status,
        holder=state.holder,
        site=state.site,
        quantity=format(plain(state.quantity), "f"),
        unit=state.unit,
        parent=state.parent,
        offered_to=None if state.offer is None else state.offer[1],
        waybill=state.waybill,
        last_index=state.last_index,
        state=encode_state(state),
    )


def _compare_items(store: AuditStore, items: Mapping[str, ItemState], faults: FaultLog) -> None:
    known = {code for code, state in items.items() if state.last_index >= 0}
    for row in store.items():
        state = items.get(row.code)
        if state is None or row.code not in known:
            faults.add(
                row.last_index, "evidence.item", f"item {row.code} is stored, the log has no such item"
            )
            continue
        known.discard(row.code)
        wanted = item_row(state)
        if row != wanted:
            index = max(row.last_index, state.last_index)
            _blame(faults, index, "item", row.code, stored=row, wanted=wanted)
    for code in known:
        faults.add(items[code].last_index, "evidence.item", f"the row of item {code} is missing")


def _compare_waybills(
    store: AuditStore, waybills: Mapping[str, WaybillState | None], faults: FaultLog
) -> None:
    known = {number for number, state in waybills.items() if state is not None}
    for row in store.waybills():
        state = waybills.get(row.number)
        if state is None:
            detail = f"waybill {row.number} is stored, the log has no such waybill"
            faults.add(row.last_index, "evidence.waybill", detail)
            continue
        known.discard(row.number)
        wanted = StoredWaybill(
            number=state.number,
            state=state.state,
            carrier=state.carrier,
            vehicle=state.vehicle,
            consignor=state.consignor,
            consignee=state.consignee,
            last_index=state.last_index,
            doc=encode_waybill(state),
        )
        if row != wanted:
            index = max(row.last_index, state.last_index)
            _blame(faults, index, "waybill", row.number, stored=row, wanted=wanted)
    for number in known:
        state = waybills[number]
        index = 0 if state is None else state.last_index
        faults.add(index, "evidence.waybill", f"the row of waybill {number} is missing")


def _compare_findings(store: AuditStore, models: ModelAudit, faults: FaultLog, *, has_master: bool) -> None:
    known = dict(models.findings)
    for row in store.findings():
        folded = known.pop((row.index, row.number), None)
        if folded is None:
            if has_master or row.rule not in UNCHECKED_RULES:
                detail = f"finding {row.rule} on {row.code} is stored, the rules find no such thing"
                faults.add(row.index, "evidence.finding", detail)
            continue
        wanted = finding_row((row.index, row.number), *folded)
        same_doc = msgspec.json.decode(row.doc) == msgspec.json.decode(wanted.doc)
        if msgspec.structs.replace(row, doc=b"") != msgspec.structs.replace(wanted, doc=b"") or not same_doc:
            index = max(row.index, row.resolved_by or 0, wanted.resolved_by or 0)
            _blame(faults, index, "finding", row.rule, stored=row, wanted=wanted)
    for (index, _), (finding, _) in known.items():
        faults.add(index, "evidence.finding", f"finding {finding.rule} on {finding.code} is missing")


def _compare_subjects(store: AuditStore, models: ModelAudit, faults: FaultLog) -> None:
    known = {subject for subject, head in models.memory.heads.items() if head is not None}
    for row in store.subjects():
        head = models.memory.heads.get(row.subject)
        if head is None:
            detail = f"{row.subject} has a stored head, the log does not name it"
            faults.add(row.index, "evidence.head", detail)
            continue
        known.discard(row.subject)
        wanted = StoredSubject(row.subject, head.index, head.event_id, head.effective_us, head.count)
        if row != wanted:
            index = max(row.index, head.index)
            _blame(faults, index, "head", row.subject, stored=row, wanted=wanted)
    for subject in known:
        head = models.memory.heads[subject]
        faults.add(0 if head is None else head.index, "evidence.head", f"the head of {subject} is missing")


def _blame(
    faults: FaultLog, index: int, what: str, name: str, *, stored: msgspec.Struct, wanted: msgspec.Struct
) -> None:
    """Note a row that differs, at the later of the two events that stored and folded row name as the last one.

    A row that is ahead of the fold misses an entry, and the entries before that one are not to blame.
    """
    faults.add(index, f"evidence.{what}", f"{what} {name}: {_difference(stored, wanted)}")


def _difference(stored: msgspec.Struct, wanted: msgspec.Struct) -> str:
    """What differs, field by field, stored against folded."""
    told: list[str] = []
    for name in stored.__struct_fields__:
        found, expected = getattr(stored, name), getattr(wanted, name)
        if found != expected:
            told.append(f"{name} is {_shown(found)}, the log gives {_shown(expected)}")
    return "; ".join(told)[:1000]


def _shown(value: Any) -> str:
    return (
        value.decode("utf-8", "replace")
        if isinstance(value, bytes) and not _is_digest(value)
        else str(value.hex() if isinstance(value, bytes) else value)
    )


def _is_digest(value: bytes) -> bool:
    return len(value) == 32
