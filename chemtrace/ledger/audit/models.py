"""Everything that is derived from the events, derived again: order, registry, items, waybills, findings, heads.

The same pure functions that admission uses judge each entry again at its place; what they refuse should not be there,
and what they give is compared with what is stored, row by row.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, cast

import msgspec

from chemtrace.core.catalogue import Catalogue
from chemtrace.core.entry import is_epoch_header, parse_entry
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.events.fields import Payload
from chemtrace.core.header import Header, parse_header
from chemtrace.core.statement import Statement
from chemtrace.core.times import parse_rfc3339
from chemtrace.core.types import EventId
from chemtrace.ledger.admit import Checked
from chemtrace.ledger.audit.entries import ReadEntry
from chemtrace.ledger.audit.folded import FoldedLog
from chemtrace.ledger.audit.port import AuditEntry, AuditStore, StoredFinding
from chemtrace.ledger.audit.report import FaultLog
from chemtrace.ledger.audit.steps import BUCKET_BITS, StepSums
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.order import resolve_order
from chemtrace.ledger.ports import Group, ReadTransaction, SubjectHead
from chemtrace.ledger.rules import Decision, Place, check_times, decide
from chemtrace.ledger.view import GroupView
from chemtrace.trace.finding import Finding

_COLUMNS: Final = ("kind", "phase", "actor", "counterparty", "late", "effective_us")


class ModelAudit:
    """Replays the entries; compares at the end."""

    def __init__(self, store: AuditStore, memory: Memory, catalogue: Catalogue, faults: FaultLog) -> None:
        """Replay into `memory`, whose registry is the one of the whole audit."""
        self.memory = memory
        self.subjects = 0
        self.registry_index = -1
        self.findings: dict[tuple[int, int], tuple[Finding, int | None]] = {}
        self.log = FoldedLog(store)
        self._places: dict[tuple[int, str, str], list[tuple[int, int]]] = {}
        self._steps = StepSums()
        self._faults = faults
        self._transaction = cast("ReadTransaction", self.log)
        self._view = GroupView(memory, catalogue, lambda: None)
        self._view.transaction = self._transaction
        self._begin_group()

    def add(self, read: ReadEntry, log_time_us: int) -> tuple[str, ...] | None:
        """Judge one event again at its place and take over what it changes; the rules found, None if unknown."""
        header, payload = read.header, read.payload
        if header is None:
            return None
        index = self.log.now = read.row.index
        heads, items = self.memory.heads, self.memory.items
        for subject in header.subjects:
            if subject.id not in heads or subject.id not in items:
                self.memory.load(self._transaction, {subject.id for subject in header.subjects})
                break
        if payload is None:
            self._move_heads(read, header, read.row.effective_us, Decision())
            return None
        group = self._group
        try:
            checked = _checked(read, header, payload)
            late, effective_us = resolve_order(header, checked.at_us, heads, self._view.effective_in)
            check_times(checked, read.row.received_us)
            decision = Decision()
            if header.kind != "alert":
                place = Place(index, late, effective_us, read.row.received_us, log_time_us)
                decision = decide(checked, place, self.memory.registry, self._view)
                decision.record(group, self.memory, index)
        except ChemtraceError as error:
            self._faults.add_error(index, error)
            self._move_heads(read, header, read.row.effective_us, Decision())
            self._begin_group()
            return None
        self._compare_columns(read, header, payload, decision, late=late, effective_us=effective_us)
        if group.changes or group.findings or group.resolved or group.waybills or group.erased:
            self._take(group, index, decision)
            self._begin_group()
        else:
            group.items.clear()
        self._move_heads(read, header, effective_us, decision)
        return decision.rules

    def _begin_group(self) -> None:
        """A group for the rows of the next event; one that holds items only is emptied and used again."""
        self._group = Group()
        self._view.groups = (self._group,)

    def first_wrong_step(self, store: AuditStore) -> int | None:
        """Compare the steps of all histories with the stored ones; the lowest index whose steps differ, or None."""
        for subject, index, effect in store.subject_entries():
            self._steps.take_stored(subject, index, effect=effect)
        wrong = self._steps.first_wrong()
        return None if wrong is None else self._locate(store, wrong)

    def _locate(self, store: AuditStore, bucket: int) -> int:
        """Look at one bucket again, index by index."""
        first = bucket << BUCKET_BITS
        last = first + (1 << BUCKET_BITS) - 1
        sums: dict[int, int] = {}
        for subject, index, effect in store.subject_entries():
            if first <= index <= last:
                sums[index] = sums.get(index, 0) - _step(subject, index, effect=effect)
        for row in store.entries_between(first, last):
            for subject in _subjects(row):
                effect = (subject, row.index) not in self.log.without_effect
                sums[row.index] = sums.get(row.index, 0) + _step(subject, row.index, effect=effect)
        return min((index for index, total in sums.items() if total), default=first)

    def _compare_columns(
        self,
        read: ReadEntry,
        header: Header,
        payload: Payload,
        decision: Decision,
        *,
        late: bool,
        effective_us: int,
    ) -> None:
        row = read.row
        actor = payload.on_behalf_of or header.enterprise
        computed = (header.kind, header.phase, actor, decision.counterparty, late, effective_us)
        stored = (row.kind, row.phase, row.actor, row.counterparty, bool(row.late), row.effective_us)
        if computed != stored:
            pairs = zip(_COLUMNS, computed, stored, strict=True)
            detail = "; ".join(f"{name}: computed {a}, stored {b}" for name, a, b in pairs if a != b)
            self._faults.add(row.index, "evidence.column", detail)

    def _take(self, group: Group, index: int, decision: Decision) -> None:
        if group.changes:
            self.registry_index = index
        for found_at, number, finding in group.findings:
            self.findings[found_at, number] = (finding, None)
            self._places.setdefault((found_at, finding.code, finding.rule), []).append((found_at, number))
        for resolver, found_at, code, rule in group.resolved:
            for place in self._places.get((found_at, code, rule), ()):
                self.findings[place] = (self.findings[place][0], resolver)
        if decision.judgement is not None:
            for waybill in decision.judgement.waybills.values():
                self.log.note_waybill(waybill)

    def _move_heads(self, read: ReadEntry, header: Header, effective_us: int, decision: Decision) -> None:
        index, heads = read.row.index, self.memory.heads
        for subject in header.subjects:
            before = heads.get(subject.id)
            self.subjects += before is None
            count = 1 if before is None else before.count + 1
            heads[subject.id] = SubjectHead(index, read.event_id, effective_us, count)
            effect = decision.effect.get(subject.id, True)
            if not effect:
                self.log.without_effect.add((subject.id, index))
            self._steps.compute(subject.id, index, effect=effect)


def finding_row(place: tuple[int, int], finding: Finding, resolved_by: int | None) -> StoredFinding:
    """The row that a folded finding should have; its document is compared by value, not by bytes."""
    index, number = place
    doc = msgspec.json.encode(finding)
    return StoredFinding(index, number, finding.code, finding.rule, finding.severity, doc, resolved_by)


def _checked(read: ReadEntry, header: Header, payload: Payload) -> Checked:
    """The statement as admission had it before its rules; signatures are verified elsewhere in the audit."""
    statement = Statement(
        header_bytes=read.entry.header_bytes,
        payload_bytes=read.row.payload or b"",
        openings=(),
        signatures=tuple([signature for _, signature in read.entry.signatures]),
        header=header,
        event_id=EventId(read.event_id),
    )
    at_us = read.iat_us if payload.at == header.iat else parse_rfc3339(payload.at)
    return Checked(statement, payload, at_us, read.iat_us, wire=b"", verified=True)


def _subjects(row: AuditEntry) -> tuple[str, ...]:
    """The subjects that an entry names; none where its bytes are unsound."""
    try:
        header_bytes = parse_entry(row.body).header_bytes
        return (
            () if is_epoch_header(header_bytes) else tuple(s.id for s in parse_header(header_bytes).subjects)
        )
    except ChemtraceError:
        return ()


def _step(subject: str, index: int, *, effect: bool) -> int:
    """One step of a history as a number; sums of them are equal for equal sets, in any order."""
    text = f"{subject}\n{index}\n{int(effect)}".encode()
    return int.from_bytes(blake2b(text, digest_size=16).digest(), "big")
