"""What the ledger needs from outside: storage, time, keys, followers. Adapters implement these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.registry.records import AnyRecord, Change
from chemtrace.trace.finding import Finding
from chemtrace.trace.state import ItemState


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The one row that orders all writers. Times are microseconds UTC; -1 is "none yet"."""

    size: int
    chain: bytes
    epoch_number: int
    epoch_index: int
    log_time_us: int
    registry_index: int
    subjects: int


class SubjectHead(msgspec.Struct, frozen=True, gc=False):
    """The newest event of a subject, and how many it has."""

    index: int
    event_id: bytes
    effective_us: int
    count: int


class KnownEvent(msgspec.Struct, frozen=True, gc=False):
    """What an event that is in the log already got as its answer."""

    index: int
    receipt: bytes
    signature: bytes


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as stored; `effect` is that on the subject asked for; `payload` None once erased."""

    index: int
    event_id: bytes
    body: bytes
    payload: bytes | None
    received_us: int
    effective_us: int
    late: bool
    effect: bool
    receipt: bytes | None = None


class NewEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry to be appended, with its payload; receipt None for the operator's own records."""

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
    payload: bytes | None
    openings: tuple[tuple[bytes, bytes, str], ...]
    receipt: bytes | None


class NewRefusal(msgspec.Struct, frozen=True, gc=False):
    """A validly signed statement that was refused, to be kept as evidence."""

    at_size: int
    received_us: int
    event_id: bytes
    enterprise: str
    code: str
    doc: bytes
    statement: bytes


class WaybillRow(msgspec.Struct, frozen=True, gc=False):
    """A waybill's columns, and its state as a document."""

    number: str
    state: str
    carrier: str
    vehicle: str
    consignor: str
    consignee: str
    last_index: int
    doc: bytes


class Group(msgspec.Struct, kw_only=True):
    """All rows of one group commit, collected while its statements are judged; written in one go."""

    entries: list[NewEntry] = msgspec.field(default_factory=list)
    subject_entries: list[tuple[str, int, bool]] = msgspec.field(default_factory=list)
    heads: dict[str, SubjectHead] = msgspec.field(default_factory=dict)
    items: dict[str, ItemState] = msgspec.field(default_factory=dict)
    waybills: dict[str, WaybillRow] = msgspec.field(default_factory=dict)
    findings: list[tuple[int, int, Finding]] = msgspec.field(default_factory=list)
    resolved: list[tuple[int, int, str, str]] = msgspec.field(default_factory=list)
    changes: list[Change] = msgspec.field(default_factory=list)
    erased: list[int] = msgspec.field(default_factory=list)
    refusals: list[NewRefusal] = msgspec.field(default_factory=list)


class EpochRow(msgspec.Struct, frozen=True):
    """An epoch as stored; `first` and `last` None when nothing lies between it and the one before."""

    number: int
    index: int
    log_time_us: int
    first: int | None
    last: int | None


class SubjectTreeRow(msgspec.Struct, frozen=True, gc=False):
    """A subject's tree: number of its entries, index of the last one, and the nodes (32 bytes each, joined)."""

    count: int
    last_index: int
    nodes: bytes


class CosignatureRow(msgspec.Struct, frozen=True, gc=False):
    """A line that a witness added to the checkpoint of `size`; `key_hash` 4 bytes, `line` without line end."""

    size: int
    name: str
    key_hash: bytes
    line: str
    added_us: int


class ForkRow(msgspec.Struct, frozen=True, gc=False):
    """Two signed checkpoints that contradict each other; `code` of the error that says how."""

    found_us: int
    code: str
    first_note: bytes
    second_note: bytes


class ReadTransaction(Protocol):
    """Questions to one snapshot."""

    def head(self) -> Head:
        """The head row; raises `LedgerMissingError` where no ledger was founded."""
        ...

    def fact(self, name: str) -> str | None:
        """What never changes, by name: `origin`, `label_host`."""
        ...

    def known_events(self, event_ids: Sequence[bytes]) -> dict[bytes, KnownEvent]:
        """Which of these events are in the log, with their first answers."""
        ...

    def subject_heads(self, subjects: Sequence[str]) -> dict[str, SubjectHead]:
        """Heads of those subjects that have a history."""
        ...

    def item_states(self, codes: Sequence[str]) -> dict[str, bytes]:
        """Stored states of those items that have one."""
        ...

    def waybills(self, numbers: Sequence[str]) -> dict[str, bytes]:
        """Stored states of those waybills that are registered."""
        ...

    def vehicle_waybills(self, vehicle: str) -> dict[str, str]:
        """Number and state of a vehicle's waybills that are not at their end."""
        ...

    def effective_in(self, subject: str, event_id: bytes) -> int | None:
        """Effective time of an event if it is one of the subject's."""
        ...

    def event(self, event_id: bytes) -> StoredEvent | None:
        """An event by its id."""
        ...

    def history(self, subject: str) -> tuple[StoredEvent, ...]:
        """All events of a subject in the order of the log."""
        ...

    def events_between(self, first: int, last: int) -> tuple[StoredEvent, ...]:
        """Entries `first` to `last`, both counted."""
        ...

    def findings_on(self, first: int, last: int) -> tuple[tuple[int, bytes], ...]:
        """Findings of entries `first` to `last` as (index, document), in order."""
        ...

    def leaves(self, first: int, last: int) -> list[bytes]:
        """Leaf hashes of entries `first` to `last`, both counted."""
        ...

    def last_entry(self) -> tuple[int, bytes] | None:
        """Index and chain value of the newest entry."""
        ...

    def epochs_from(self, index: int) -> tuple[EpochRow, ...]:
        """Epochs whose record stands at `index` or behind, in order."""
        ...

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile as far as it is filled."""
        ...

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """The signed note of a size, or the newest one."""
        ...

    def entry_heads(self, first: int, last: int) -> Iterable[tuple[int, bytes, bytes]]:
        """Index, leaf hash and body of entries `first` to `last`, both counted, in order; streamed."""
        ...

    def subject_trees(self, subjects: Sequence[str]) -> dict[str, SubjectTreeRow]:
        """Trees of those of the subjects that have one."""
        ...

    def map_page(self, path: str, max_version: int) -> bytes | None:
        """The newest content of a page of the map that is not newer than `max_version` (index of an epoch record)."""
        ...

    def checkpoint_size(self) -> int | None:
        """Size of the newest checkpoint."""
        ...

    def epoch_indexes(self, numbers: Sequence[int]) -> list[int]:
        """Indexes of the records of those of these epochs that there are, rising."""
        ...

    def newest_cosignatures(self, limit: int) -> Iterable[tuple[int, str, bytes]]:
        """(size, witness name, key hash) of the newest cosignatures, the largest size first."""
        ...

    def cosignatures(self, size: int) -> tuple[CosignatureRow, ...]:
        """What witnesses added to the checkpoint of a size, by name."""
        ...

    def forks(self) -> tuple[ForkRow, ...]:
        """The evidence of forks, oldest first."""
        ...

    def records(self) -> Iterable[tuple[str, str, AnyRecord]]:
        """All records of the registry, as (table, id, record)."""
        ...

    def alert_enterprise(self, alert_id: str) -> tuple[str | None] | None:
        """The enterprise an alert concerns, in a tuple; None: no such alert."""
        ...

    def refused_before(self, event_id: bytes, code: str) -> bool:
        """Whether this statement was refused for this reason before."""
        ...


class FoldTransaction(ReadTransaction, Protocol):
    """Questions, and the rows of the map of subjects."""

    def store_subject_trees(self, rows: Iterable[tuple[str, SubjectTreeRow]]) -> None:
        """Write trees of subjects, replacing older ones."""
        ...

    def store_map_pages(self, version: int, pages: Mapping[str, bytes]) -> None:
        """Write pages of the map as of the epoch record at `version`; older versions stay."""
        ...

    def prune_map_pages(self, paths: Iterable[str], keep: Sequence[int]) -> int:
        """Remove versions of these pages that nobody can ask for any more; returns how many.

        `keep`: indexes of the epoch records whose maps must stay readable. The newest version always stays.
        """
        ...


class WriteTransaction(FoldTransaction, Protocol):
    """The same, and the rows to be written; nothing is durable before the transaction ends."""

    def lock_head(self) -> Head:
        """The head row, locked until the transaction ends."""
        ...

    def set_head(self, head: Head) -> None:
        """Move the head row, or make it."""
        ...

    def set_fact(self, name: str, value: str) -> None:
        """Write down what will never change."""
        ...

    def append(self, group: Group, signatures: Sequence[bytes]) -> None:
        """Write all rows of a group; `signatures` are those of its entries' receipts, in order."""
        ...

    def append_epoch(self, entry: NewEntry, epoch: EpochRow) -> None:
        """Write an epoch record: its entry and its row."""
        ...

    def store_tiles(self, tiles: Iterable[tuple[int, int, bytes]]) -> None:
        """Write tiles (level, number, hashes), replacing partial ones."""
        ...

    def drop_folds(self) -> None:
        """Remove all tiles, subject trees and pages of the map: what `ledger.rebuild` makes again."""
        ...

    def store_checkpoint(self, size: int, note: bytes) -> None:
        """Write a signed checkpoint."""
        ...

    def store_cosignature(self, row: CosignatureRow) -> bool:
        """Write a cosignature; False when this witness key has cosigned this size already: the first one stays."""
        ...

    def store_fork(self, row: ForkRow) -> None:
        """Keep evidence of a fork."""
        ...


class Store(Protocol):
    """The tables of one ledger."""

    def read(self) -> AbstractContextManager[ReadTransaction]:
        """One snapshot."""
        ...

    def write(self) -> AbstractContextManager[WriteTransaction]:
        """One transaction: durable when the block has ended."""
        ...


class Clock(Protocol):
    """Time, never going back within one process."""

    def now_us(self) -> int:
        """Microseconds since 1970, UTC."""
        ...


class ReceiptSigner(Protocol):
    """The receipt key in force."""

    @property
    def kid(self) -> bytes:
        """The key id, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The raw signature over a message."""
        ...


class CheckpointSigner(Protocol):
    """The vault: signs a larger tree only when it is proved to contain the last one signed."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies the checkpoints."""
        ...

    def last_signed(self) -> tuple[int, bytes] | None:
        """Size and root of the last tree signed, or None."""
        ...

    def sign(self, *, origin: str, size: int, root: bytes, path: Sequence[bytes]) -> bytes:
        """The signed note; raises `CheckpointForkError` unless `path` proves the last tree to be a prefix."""
        ...
