"""What the rules of its kind say about one statement at its place: refuse it, or what it changes.

Three families: the authority's records (registry), items and waybills (trace), what people do about alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from chemtrace.core.errors import (
    AlertUnknownError,
    EventNotFoundError,
    KeyRoleError,
    RuleError,
    SubjectError,
)
from chemtrace.core.events import AUTHORITY_KINDS
from chemtrace.core.events.authority import Alert, Erase
from chemtrace.core.events.items import Correct
from chemtrace.core.header import Header
from chemtrace.core.times import format_utc
from chemtrace.ledger.admit import FUTURE_US, Checked
from chemtrace.ledger.followers import AlertHandled, Observed, Seen
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.ports import Group, StoredEvent, WaybillRow
from chemtrace.ledger.stored import TRACED_KINDS, site_position, stored_header
from chemtrace.ledger.view import GroupView
from chemtrace.registry.records import Change
from chemtrace.registry.state import Registry
from chemtrace.trace.event import ItemEvent, item_event
from chemtrace.trace.judge import Judgement, judge
from chemtrace.trace.waybill import WaybillState, encode_waybill

_NO_EFFECT: Final[Mapping[str, bool]] = {}


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a statement would stand; times in microseconds UTC, `log_time_us` that of the epoch before it."""

    index: int
    late: bool
    effective_us: int
    now_us: int
    log_time_us: int


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What an admitted statement changes, by family; `rules` are the ids of what was found."""

    rules: tuple[str, ...] = ()
    counterparty: str | None = None
    change: Change | None = None
    erased: int | None = None
    event: ItemEvent | None = None
    judgement: Judgement | None = None

    @property
    def effect(self) -> Mapping[str, bool]:
        """Subjects on whose state the event has no effect, or some, as judged."""
        return _NO_EFFECT if self.judgement is None else self.judgement.effect

    def record(self, group: Group, memory: Memory, index: int) -> None:
        """Put the changes into the group's rows and into memory."""
        if self.change is not None:
            group.changes.append(self.change)
        if self.erased is not None:
            group.erased.append(self.erased)
        if self.judgement is not None:
            _record_judgement(self.judgement, group, memory, index)

    def seen(self, checked: Checked, leaf: bytes, index: int, log_time_us: int) -> Seen | None:
        """What the detectors are shown of it, if anything."""
        event, judged = self.event, self.judgement
        if event is not None and judged is not None:
            return Observed(
                event,
                checked.statement.header.signers[0],
                leaf,
                log_time_us,
                judged.before,
                judged.after,
                judged.waybills,
                judged.findings,
                judged.resolved,
            )
        if isinstance(checked.payload, Alert):
            header = checked.statement.header
            return AlertHandled(
                index,
                checked.statement.event_id,
                header.phase,
                header.enterprise,
                checked.at_us,
                checked.payload,
            )
        return None


def check_times(checked: Checked, now_us: int) -> None:
    """Refuse claimed times more than 24 h ahead of the time received (rule `time.future`)."""
    if checked.iat_us <= now_us + FUTURE_US and checked.at_us <= now_us + FUTURE_US:
        return
    for name, claimed_us in (("iat", checked.iat_us), ("at", checked.at_us)):
        if claimed_us > now_us + FUTURE_US:
            raise RuleError(
                f"{name} lies more than 24 h ahead of the ledger's time: set the clock of the device",
                rule_id="time.future",
                sides={"claimed": format_utc(claimed_us), "received": format_utc(now_us)},
            )


def decide(checked: Checked, place: Place, registry: Registry, view: GroupView) -> Decision:
    """Return what the statement changes at its place; raises what refuses it, and then nothing has changed."""
    header, payload = checked.statement.header, checked.payload
    if header.kind in TRACED_KINDS:
        return _decide_traced(checked, place, registry, view)
    if isinstance(payload, Alert):
        _check_alert(header, payload, registry, view)
        return Decision()
    if header.kind in AUTHORITY_KINDS:
        erased = _named_event(header, payload.event, view) if isinstance(payload, Erase) else None
        change = registry.apply(place.index, place.log_time_us, header, payload)
        return Decision(change=change, erased=erased.index if erased is not None else None)
    raise SubjectError("this kind of event has no subject here", found=header.kind)


def _decide_traced(checked: Checked, place: Place, registry: Registry, view: GroupView) -> Decision:
    statement, payload = checked.statement, checked.payload
    if isinstance(payload, Correct):
        _named_event(statement.header, payload.event, view)
    event = item_event(
        index=place.index,
        event_id=statement.event_id,
        header=statement.header,
        payload=payload,
        effective_us=place.effective_us,
        received_us=place.now_us,
        late=place.late,
        site_position=site_position(registry, payload.site),
        at_us=checked.at_us,
    )
    view.begin(statement.header.enterprise)
    judgement = judge(event, view)
    rules = tuple(sorted({finding.rule for finding in judgement.findings})) if judgement.findings else ()
    return Decision(rules=rules, counterparty=event.counterparty, event=event, judgement=judgement)


def _named_event(header: Header, event_id: str, view: GroupView) -> StoredEvent:
    """The event that a correction or erasure names; its subjects must be the subjects of this one."""
    stored = view.stored_event(bytes.fromhex(event_id))
    if stored is None:
        raise EventNotFoundError("there is no event with this id", event=event_id)
    expected = {subject.id for subject in stored_header(stored).subjects}
    found = {subject.id for subject in header.subjects}
    if expected != found:
        raise SubjectError(
            "it names exactly the subjects of the event that it is about",
            expected=sorted(expected),
            found=sorted(found),
        )
    return stored


def _check_alert(header: Header, payload: Alert, registry: Registry, view: GroupView) -> None:
    """Only the authority and regulators decide on an alert; the enterprise concerned may explain it."""
    concerned = view.alert_enterprise(payload.alert)
    if concerned is None:
        raise AlertUnknownError("there is no alert with this id", alert=payload.alert)
    record, authority = registry.enterprise(header.enterprise), registry.authority
    is_office = (authority is not None and authority.party == header.enterprise) or (
        record is not None and "regulator" in record.roles
    )
    if not is_office and (header.phase != "explain" or concerned[0] != header.enterprise):
        raise KeyRoleError(
            "alerts are handled by the authority and by regulators; the enterprise concerned may explain",
            claimed=header.enterprise,
            phase=header.phase,
        )


def _record_judgement(judged: Judgement, group: Group, memory: Memory, index: int) -> None:
    for code, state in judged.after.items():
        memory.items[code] = group.items[code] = state
    for number, waybill in judged.waybills.items():
        memory.waybills[number] = waybill
        group.waybills[number] = _waybill_row(waybill)
    for n, finding in enumerate(judged.findings):
        group.findings.append((index, n, finding))
    for found_index, code, rule in judged.resolved:
        group.resolved.append((index, found_index, code, rule))


def _waybill_row(waybill: WaybillState) -> WaybillRow:
    return WaybillRow(
        number=waybill.number,
        state=waybill.state,
        carrier=waybill.carrier,
        vehicle=waybill.vehicle,
        consignor=waybill.consignor,
        consignee=waybill.consignee,
        last_index=waybill.last_index,
        doc=encode_waybill(waybill),
    )
