"""What the detectors are shown: admitted events with both states, kept refusals, handled alerts, broken records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from chemtrace.trace.event import ItemEvent, Position
    from chemtrace.trace.finding import Finding
    from chemtrace.trace.state import ItemState
    from chemtrace.trace.waybill import WaybillState


class Observation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One admitted event, as it was judged.

    `before` and `after` hold the states of every code the event names, by arrival; `resolved` are older findings
    `(index, code, rule)` that this event explained away; `waybills` the notes it touches, after it. `issued` says
    of codes found unknown whether they were issued at all (`issued`, `not-issued`); absent means unchecked.
    A late event or a correction can bring up findings on events before it (`finding.index` is theirs): `older`
    holds those events by index, and findings on events that are not given are left aside. `kid` is the first
    signer and `leaf` the log leaf, both hex. `log_time_us` is the log time of the epoch before it, or the time of
    receipt; deadlines are counted from `event.received_us`.
    """

    event: ItemEvent
    before: Mapping[str, ItemState]
    after: Mapping[str, ItemState]
    findings: tuple[Finding, ...] = ()
    resolved: tuple[tuple[int, str, str], ...] = ()
    waybills: Mapping[str, WaybillState] = {}
    issued: Mapping[str, str] = {}
    older: Mapping[int, ItemEvent] = {}
    log_time_us: int = 0
    kid: str = ""
    leaf: str = ""

    @property
    def index(self) -> int:
        """The event's place in the log."""
        return self.event.index


class RefusalSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A validly signed statement that was refused and kept; it changed nothing, but it was said.

    `code` is the rule id (`item.double-sale`) or the problem code (`prev.unknown`); `sides` both sides of the
    mismatch as text, and for `prev.unknown` its `subject` and `prev`; `item` the code that the rule names (empty
    where none). `at_size` is the size of the log at the refusal: it comes before the entry of that index.
    """

    id: int
    at_size: int
    received_us: int
    event_id: bytes
    enterprise: str
    code: str
    kind: str
    phase: str
    at_us: int
    item: str = ""
    codes: tuple[str, ...] = ()
    sides: Mapping[str, str] = {}
    kid: str = ""
    counterparty: str | None = None
    waybill: str | None = None
    vehicle: str | None = None
    site: str | None = None
    position: Position | None = None
    late: bool = False


class Handling(msgspec.Struct, frozen=True, kw_only=True):
    """A person did something about an alert: `phase` of the event `alert/...`, by `actor`, at `index` of the log."""

    alert: str
    phase: str
    actor: str
    index: int
    event_id: str
    at_us: int
    remark: str | None = None
    assignee: str | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Our own records contradict themselves: an `EvidenceError` of the audit or of the start-up check.

    `code` is the error's stable code (`evidence.chain`), `index` the first wrong entry, or -1 where none is named.
    """

    code: str
    index: int
    detail: str
    found_us: int
