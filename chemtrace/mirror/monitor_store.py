"""A monitor's memory: how far it has read, the events that are its own, and the evidence it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from chemtrace.core.errors import ChemtraceError


class Pinned(msgspec.Struct, frozen=True):
    """How far a monitor has read: newest note seen, entries read, and the nodes of the tree over those, joined."""

    seen: bytes = b""
    size: int = 0
    nodes: bytes = b""
    log_time_us: int = 0
    """Log time of the newest epoch record read, or when this monitor first looked for it; 0 before."""


class OwnEvent(msgspec.Struct, frozen=True):
    """One event in the enterprise's name, and one subject that it names."""

    subject: str
    event_id: bytes
    index: int


class MonitorStore(Protocol):
    """A monitor's memory: durable, one writer."""

    def pinned(self) -> Pinned:
        """How far it has read."""
        ...

    def commit(self, pinned: Pinned, events: Sequence[OwnEvent]) -> None:
        """Keep events and move on, both or neither, durable on return."""
        ...

    def unproved(self, limit: int) -> Sequence[str]:
        """Subjects with events that no bundle has shown yet."""
        ...

    def events_of(self, subject: str) -> Mapping[bytes, int]:
        """Event id to index of all own events that name a subject."""
        ...

    def prove(self, subject: str, size: int) -> None:
        """The own events of a subject below `size` have been shown."""
        ...

    def keep(self, error: ChemtraceError) -> bool:
        """Keep evidence as it is, durable on return; False when the same was kept before."""
        ...

    def kept_codes(self) -> frozenset[str]:
        """Codes of the evidence kept so far."""
        ...

    def standing(self) -> Sequence[str]:
        """Names of the evidence kept that nobody has acknowledged."""
        ...

    def acknowledge(self) -> Sequence[str]:
        """Take note that a person has seen what stands, durable on return; the names of it."""
        ...
