"""What an audit reads: everything that is stored, from one snapshot, in order, nothing interpreted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec


class AuditEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One row of the log with its payload (None when there is none), exactly as stored."""

    index: int
    event_id: bytes
    leaf: bytes
    chain: bytes
    received_us: int
    effective_us: int
    late: bool
    kind: str
    phase: str
    actor: str
    counterparty: str | None
    body: bytes
    receipt: bytes | None
    receipt_signature: bytes | None
    payload: bytes | None


class StoredEpoch(msgspec.Struct, frozen=True):
    """One row of the epochs."""

    number: int
    index: int
    log_time_us: int
    first: int | None
    last: int | None


class StoredHead(msgspec.Struct, frozen=True):
    """The head row: size, chain and where the newest epoch stands."""

    size: int
    chain: bytes
    epoch_number: int
    epoch_index: int
    log_time_us: int
    subjects: int


class StoredSubject(msgspec.Struct, frozen=True):
    """One row of the subjects' heads."""

    subject: str
    index: int
    event_id: bytes
    effective_us: int
    count: int


class StoredItem(msgspec.Struct, frozen=True):
    """One row of the items: what lists show, and the whole state."""

    code: str
    slot: str
    status: str
    holder: str | None
    site: str | None
    quantity: str
    unit: str
    parent: str | None
    offered_to: str | None
    waybill: str | None
    last_index: int
    state: bytes


class StoredWaybill(msgspec.Struct, frozen=True):
    """One row of the waybills."""

    number: str
    state: str
    carrier: str
    vehicle: str
    consignor: str
    consignee: str
    last_index: int
    doc: bytes


class StoredFinding(msgspec.Struct, frozen=True):
    """One row of the findings."""

    index: int
    number: int
    code: str
    rule: str
    severity: str
    doc: bytes
    resolved_by: int | None


class StoredOpening(msgspec.Struct, frozen=True):
    """One opening with the event it stands beside: id and payload, None where no such entry or payload is stored."""

    index: int
    event_id: bytes | None
    digest: bytes
    salt: bytes
    value: str
    payload: bytes | None


class StoredTree(msgspec.Struct, frozen=True):
    """One row of the subjects' trees."""

    subject: str
    count: int
    last_index: int
    nodes: bytes


class StoredCosignature(msgspec.Struct, frozen=True):
    """One row of the cosignatures."""

    size: int
    name: str
    key_hash: bytes
    line: str


class AuditStore(Protocol):
    """One snapshot of a ledger's tables."""

    def fact(self, name: str) -> str | None:
        """A fixed fact, such as `origin`."""
        ...

    def head(self) -> StoredHead | None:
        """The head row."""
        ...

    def count(self) -> int:
        """Number of entries stored."""
        ...

    def entries(self, chunk: int) -> Iterator[Sequence[AuditEntry]]:
        """All entries by index, in runs of at most `chunk`."""
        ...

    def entries_between(self, first: int, last: int) -> Sequence[AuditEntry]:
        """The entries from one index to another, both included."""
        ...

    def last_index(self) -> int:
        """The largest index of an entry, -1 where there is none."""
        ...

    def entry_by_id(self, event_id: bytes) -> AuditEntry | None:
        """The entry that is recorded under an event id."""
        ...

    def history(self, subject: str, before: int) -> Sequence[AuditEntry]:
        """The entries recorded for a subject below an index, in order."""
        ...

    def tile(self, level: int, number: int) -> bytes | None:
        """The stored hashes of a tile."""
        ...

    def tiles(self) -> Iterator[tuple[int, int, int]]:
        """(level, number, bytes) of every tile stored."""
        ...

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """(size, note) of every checkpoint by size."""
        ...

    def epochs(self) -> Iterator[StoredEpoch]:
        """Every epoch by number."""
        ...

    def subjects(self) -> Iterator[StoredSubject]:
        """Every subject head."""
        ...

    def subject_entries(self) -> Iterator[tuple[str, int, bool]]:
        """(subject, index, effect) of every step of every history."""
        ...

    def items(self) -> Iterator[StoredItem]:
        """Every item."""
        ...

    def waybills(self) -> Iterator[StoredWaybill]:
        """Every waybill."""
        ...

    def findings(self) -> Iterator[StoredFinding]:
        """Every finding by index and number."""
        ...

    def openings(self) -> Iterator[StoredOpening]:
        """Every opening by index and number."""
        ...

    def records(self) -> Iterator[tuple[str, str, int, bytes]]:
        """(table, id, last index, document) of every record of the registry."""
        ...

    def subject_trees(self) -> Iterator[StoredTree]:
        """Every subject's tree."""
        ...

    def map_versions(self) -> Iterator[tuple[str, int]]:
        """(path, version) of every page of the map."""
        ...

    def map_pages(self) -> Iterator[tuple[str, int, bytes]]:
        """(path, version, content) of every page of the map."""
        ...

    def cosignatures(self) -> Iterator[StoredCosignature]:
        """Every cosignature by size."""
        ...

    def forks(self) -> Iterator[tuple[str, bytes, bytes]]:
        """(code, first note, second note) of the evidence of forks."""
        ...

    def missing_guards(self) -> Sequence[str]:
        """Append-only guards that should stand and do not."""
        ...
