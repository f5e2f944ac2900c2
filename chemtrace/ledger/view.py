"""What the rules see of the ledger while a group is judged: memory first, the transaction where memory is silent.

Memory is moved along statement by statement. Before a rule looks into a subject's past, the rows collected so far are
written (`flush`), so that the past is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chemtrace.core.catalogue import Catalogue
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.ports import Group, ReadTransaction, StoredEvent
from chemtrace.ledger.stored import load_past, stored_item_event
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Issue
from chemtrace.trace.view import Past
from chemtrace.trace.waybill import OPEN_STATES, WaybillState


class GroupView:
    """The items, waybills and registry as they stand behind the last statement that was admitted."""

    def __init__(self, memory: Memory, catalogue: Catalogue, flush: Callable[[], None]) -> None:
        """Look through `memory`, which the group moves along, and `transaction`, which the group sets."""
        self.transaction: ReadTransaction
        self._memory = memory
        self._flush = flush
        self.catalogue = catalogue
        self.groups: Sequence[Group] = ()
        """Rows of the group that is judged, and `groups_before` those of one that is not durable yet."""
        self.groups_before: Sequence[Group] = ()
        self.speaker = ""
        """Enterprise of the header that is being judged: whose codes it may use."""
        self._read: dict[int, ItemEvent | None] = {}

    def begin(self, speaker: str) -> None:
        """Judge the next statement, of this enterprise."""
        self.speaker = speaker
        self._read.clear()

    def state(self, code: str) -> ItemState:
        """The item as it stands now."""
        state = self._memory.items.get(code)
        if state is None:
            self._memory.load(self.transaction, {code})
            state = self._memory.items[code]
        return state

    def waybill(self, number: str) -> WaybillState | None:
        """The waybill as it stands now, or None where none is registered."""
        if number not in self._memory.waybills:
            self._memory.load(self.transaction, {f"waybill:{number}"})
        return self._memory.waybills[number]

    def open_waybills_of(self, vehicle: str) -> tuple[str, ...]:
        """The waybills on which a vehicle is under way: one, unless several carriers claim its plate."""
        states = self.transaction.vehicle_waybills(vehicle)
        for group in (*self.groups_before, *self.groups):
            rows = group.waybills.values()
            states.update({row.number: row.state for row in rows if row.vehicle == vehicle})
        return tuple([number for number, state in sorted(states.items()) if state in OPEN_STATES])

    def issue_status(self, code: str, actor: str) -> Issue:
        """Whether the code was issued to `actor`; an importer uses codes of its own issuer number."""
        found = self._memory.registry.issue_status(code)
        if found.enterprise not in (None, actor, self.speaker):
            return "foreign-issuer"
        return found.status

    def is_issuer(self, code: str, actor: str) -> bool:
        """Tell whether the code carries the issuer number of `actor`, or of the importer that speaks for it."""
        return self._memory.registry.issuer_of(code) in (actor, self.speaker)

    def site_owner(self, site: str) -> str | None:
        """The enterprise of a registered, open site, or None."""
        record = self._memory.registry.site(site)
        return None if record is None or record.closed_index is not None else record.enterprise

    def is_authority(self, party: str) -> bool:
        """Tell whether the party is the authority of this ledger."""
        authority = self._memory.registry.authority
        return authority is not None and authority.party == party

    def may_inspect(self, party: str) -> bool:
        """Tell whether the party is the authority or registered as a regulator."""
        record = self._memory.registry.enterprise(party)
        return self.is_authority(party) or (record is not None and "regulator" in record.roles)

    def history(self, code: str) -> tuple[Past, ...]:
        """All admitted item events that name the code, by index."""
        self._flush()
        return load_past(self.transaction, self._memory.registry, code, self._read)

    def event(self, event_id: bytes) -> ItemEvent | None:
        """An admitted event of items or a waybill by its id."""
        stored = self.stored_event(event_id)
        return None if stored is None else stored_item_event(stored, self._memory.registry)

    def stored_event(self, event_id: bytes) -> StoredEvent | None:
        """Any admitted event by its id, as stored."""
        self._flush()
        return self.transaction.event(event_id)

    def effective_in(self, subject: str, event_id: bytes) -> int | None:
        """The effective time of an event of a subject, or None when the subject never had it."""
        self._flush()
        return self.transaction.effective_in(subject, event_id)

    def alert_enterprise(self, alert_id: str) -> tuple[str | None] | None:
        """The enterprise that an alert concerns, in a tuple of its own; None when there is no such alert."""
        return self.transaction.alert_enterprise(alert_id)
