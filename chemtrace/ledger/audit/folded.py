"""The log behind the entry being audited, as the rules may ask about it: from the folds and the entries themselves."""

from __future__ import annotations

from collections.abc import Sequence

from chemtrace.core.entry import parse_entry
from chemtrace.core.header import parse_header
from chemtrace.ledger.audit.port import AuditEntry, AuditStore
from chemtrace.ledger.ports import StoredEvent, SubjectHead
from chemtrace.trace.waybill import WaybillState


class FoldedLog:
    """Answers the questions of `ledger.view.GroupView` for a replay; never looks at or beyond `now`.

    Indexes of events and histories are found through the stored tables, which the audit compares on its own; what is
    then read are entries already checked. Flags of effect are those of the fold.
    """

    def __init__(self, store: AuditStore) -> None:
        """Read entries from `store`."""
        self.now = 0
        self.without_effect: set[tuple[str, int]] = set()
        self.vehicles: dict[str, dict[str, str]] = {}
        self._store = store

    def note_waybill(self, waybill: WaybillState) -> None:
        """Keep in mind on which waybills a vehicle is."""
        self.vehicles.setdefault(waybill.vehicle, {})[waybill.number] = waybill.state

    def subject_heads(self, subjects: Sequence[str]) -> dict[str, SubjectHead]:
        """Nothing: what is not in memory has not happened yet."""
        del subjects
        return {}

    def item_states(self, codes: Sequence[str]) -> dict[str, bytes]:
        """Nothing: what is not in memory has not happened yet."""
        del codes
        return {}

    def waybills(self, numbers: Sequence[str]) -> dict[str, bytes]:
        """Nothing: what is not in memory has not happened yet."""
        del numbers
        return {}

    def vehicle_waybills(self, vehicle: str) -> dict[str, str]:
        """Number and state of the waybills of a vehicle."""
        return dict(self.vehicles.get(vehicle, {}))

    def effective_in(self, subject: str, event_id: bytes) -> int | None:
        """The effective time of an event of a subject, None when the subject does not have it."""
        row = self._row(event_id)
        if row is None:
            return None
        header = parse_header(parse_entry(row.body).header_bytes)
        return row.effective_us if any(named.id == subject for named in header.subjects) else None

    def event(self, event_id: bytes) -> StoredEvent | None:
        """An event of the past by its id."""
        row = self._row(event_id)
        return None if row is None else self._stored(row, effect=True)

    def history(self, subject: str) -> tuple[StoredEvent, ...]:
        """The past events of a subject, with their effect as folded so far."""
        rows = self._store.history(subject, self.now)
        return tuple(
            self._stored(row, effect=(subject, row.index) not in self.without_effect) for row in rows
        )

    def _row(self, event_id: bytes) -> AuditEntry | None:
        row = self._store.entry_by_id(event_id)
        return None if row is None or row.index >= self.now else row

    def _stored(self, row: AuditEntry, *, effect: bool) -> StoredEvent:
        return StoredEvent(
            index=row.index,
            event_id=row.event_id,
            body=row.body,
            payload=row.payload,
            received_us=row.received_us,
            effective_us=row.effective_us,
            late=bool(row.late),
            effect=effect,
        )
