"""What the detectors were, or should have been, shown of a stretch of the log: read back from what is stored.

States before and after each event are folds over the item's own history as of that index, and what it explained is what
the second no longer finds: the rows say by whom a finding was explained last, not each time. Findings are the stored
ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from chemtrace.core.entry import is_epoch_header, leaf_hash, parse_entry
from chemtrace.core.events import parse_payload
from chemtrace.core.events.authority import Alert
from chemtrace.core.header import Header, parse_header
from chemtrace.core.times import parse_rfc3339
from chemtrace.ledger.followers import AlertHandled, Observed, Seen
from chemtrace.ledger.ports import ReadTransaction, StoredEvent
from chemtrace.ledger.stored import TRACED_KINDS, load_past, stored_item_event
from chemtrace.registry.state import Registry
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding
from chemtrace.trace.fold import Folded, fold, resolved_between
from chemtrace.trace.view import Past
from chemtrace.trace.waybill import WaybillState, decode_waybill

PAGE: int = 500
"""Entries read at a time."""


def replay(
    transaction: ReadTransaction, registry: Registry, first: int, last: int, *, log_time_us: int
) -> Iterator[Seen]:
    """Yield what entries `first` to `last` show to the detectors, in order."""
    reader = _Reader(transaction, registry, log_time_us)
    for start in range(first, last + 1, PAGE):
        yield from reader.page(start, min(start + PAGE - 1, last))


class _Reader:
    """Reads pages of entries; histories are kept while neighbouring entries ask for the same items."""

    def __init__(self, transaction: ReadTransaction, registry: Registry, log_time_us: int) -> None:
        self._transaction = transaction
        self._registry = registry
        self._log_time_us = log_time_us
        self._pasts: dict[str, tuple[Past, ...]] = {}
        self._read: dict[int, ItemEvent | None] = {}

    def page(self, first: int, last: int) -> Iterator[Seen]:
        findings: dict[int, list[Finding]] = {}
        for index, doc in self._transaction.findings_on(first, last):
            findings.setdefault(index, []).append(msgspec.json.decode(doc, type=Finding))
        for stored in self._transaction.events_between(first, last):
            entry = parse_entry(stored.body)
            if is_epoch_header(entry.header_bytes):
                continue
            header = parse_header(entry.header_bytes)
            if header.kind == "alert":
                yield _handled(stored, header)
            elif header.kind in TRACED_KINDS:
                yield self._observed(stored, header, tuple(findings.get(stored.index, ())))
        self._pasts.clear()
        self._read.clear()

    def _observed(
        self,
        stored: StoredEvent,
        header: Header,
        findings: tuple[Finding, ...],
    ) -> Observed:
        event = stored_item_event(stored, self._registry)
        if event is None:
            raise LookupError(stored.index)
        before = {code: self._folded(code, event.index) for code in event.codes}
        after = {code: self._folded(code, event.index + 1) for code in event.codes}
        return Observed(
            event,
            header.signers[0],
            leaf_hash(stored.body),
            self._log_time_us,
            {code: folded.state for code, folded in before.items()},
            {code: folded.state for code, folded in after.items()},
            self._waybills(event),
            findings,
            tuple([one for code in event.codes for one in resolved_between(code, before[code], after[code])]),
        )

    def _folded(self, code: str, before_index: int) -> Folded:
        past = self._pasts.get(code)
        if past is None:
            past = self._pasts[code] = load_past(self._transaction, self._registry, code, self._read)
        known = [each for each in past if each.event.index < before_index]
        events = [each.event for each in known if each.effect]
        folded = fold(code, events, waybill=self._waybill, is_authority=self._is_authority)
        if not known:
            return folded
        # An event without effect is the item's head all the same, and evidence names it.
        head = max([each.event for each in known], key=lambda event: event.index)
        state = msgspec.structs.replace(folded.state, last_index=head.index, last_event_id=head.event_id)
        return msgspec.structs.replace(folded, state=state)

    def _waybill(self, number: str) -> WaybillState | None:
        doc = self._transaction.waybills([number]).get(number)
        return None if doc is None else decode_waybill(doc)

    def _waybills(self, event: ItemEvent) -> dict[str, WaybillState]:
        waybill = self._waybill(event.waybill) if event.waybill is not None else None
        return {} if waybill is None else {waybill.number: waybill}

    def _is_authority(self, party: str) -> bool:
        authority = self._registry.authority
        return authority is not None and authority.party == party


def _handled(stored: StoredEvent, header: Header) -> AlertHandled:
    payload = parse_payload(header.kind, header.phase, stored.payload or b"")
    if not isinstance(payload, Alert):
        raise TypeError(stored.index)
    return AlertHandled(
        stored.index, stored.event_id, header.phase, header.enterprise, parse_rfc3339(payload.at), payload
    )
