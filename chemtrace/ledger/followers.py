"""What the detectors are shown of the log, and the port through which they are shown it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from chemtrace.core.errors import EvidenceError
from chemtrace.core.events.authority import Alert
from chemtrace.ledger.ports import EpochRow
from chemtrace.registry.state import Registry
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding
from chemtrace.trace.state import ItemState
from chemtrace.trace.waybill import WaybillState


class Observed(msgspec.Struct, frozen=True, gc=False):
    """What the detectors learn of one admitted event: the items before and after it, and what was found."""

    event: ItemEvent
    kid: str
    leaf: bytes
    log_time_us: int
    before: Mapping[str, ItemState]
    after: Mapping[str, ItemState]
    waybills: Mapping[str, WaybillState]
    findings: tuple[Finding, ...]
    resolved: tuple[tuple[int, str, str], ...]


class AlertHandled(msgspec.Struct, frozen=True, gc=False):
    """Somebody did something about an alert."""

    index: int
    event_id: bytes
    phase: str
    actor: str
    at_us: int
    payload: Alert


Seen: TypeAlias = Observed | AlertHandled
"""What a follower is shown, in the order of the log."""


class Follower(Protocol):
    """Reads the log behind the writer, epoch by epoch, with a position of its own."""

    def follow(self, epoch: EpochRow, seen: Sequence[Seen] | None, registry: Registry) -> None:
        """Take everything up to `epoch`; `seen` None: read it back from the store. May be told the same twice."""
        ...

    def record_fault(self, error: EvidenceError, found_us: int) -> None:
        """Keep that our own records contradict themselves, found at `found_us`; may be told the same twice.

        It is told when writing ends: the log takes no more entries, and no epoch follows.
        """
        ...
