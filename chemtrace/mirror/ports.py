"""What following a log needs from outside: the log's files, and a store of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from chemtrace.core.chain import CHAIN_START
from chemtrace.core.types import HASH_SIZE
from chemtrace.registry.records import AnyRecord, Change


class PublicLog(Protocol):
    """What a log shows to everybody."""

    def checkpoint(self) -> bytes:
        """The newest signed note; raises `ServerUnavailableError`."""
        ...

    def hash_tile(self, level: int, number: int, width: int) -> bytes:
        """The first `width` hashes of a tile; raises `LogTruncatedError` where the log does not give it."""
        ...

    def forget(self) -> None:
        """Forget what was kept of it: after a contradiction everything is asked for again."""
        ...


class AuditedLog(PublicLog, Protocol):
    """What a log shows to auditors besides."""

    def entry_bundle(self, number: int, width: int) -> tuple[bytes, ...]:
        """The first `width` entries of a bundle; raises `LogTruncatedError`, `ServerRefusedError`."""
        ...

    def registry_payloads(self, first: int, count: int) -> Mapping[int, bytes]:
        """Payloads of the authority's entries among `first` to `first + count - 1`, by index."""
        ...


class ProvingLog(AuditedLog, Protocol):
    """A log that gives bundles too."""

    def bundle(self, subject: str) -> bytes:
        """The bundle of a subject; raises `LogTruncatedError` where the log gives none."""
        ...


class Position(msgspec.Struct, frozen=True):
    """How far a mirror has recomputed: everything before `size` is in its store.

    `nodes`: the roots of the perfect subtrees, joined. `epoch_index` and `epoch`: place and header bytes of the newest
    epoch record (-1, empty: none yet). `note`: the newest checkpoint under which entries were taken; it is recomputed
    whole when it has `size` entries. `seen`: the newest one that the log itself has shown. Both empty before the first.
    """

    size: int = 0
    nodes: bytes = b""
    chain: bytes = CHAIN_START
    epoch_index: int = -1
    epoch: bytes = b""
    subjects: int = 0
    note: bytes = b""
    seen: bytes = b""

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """`nodes`, one by one."""
        return hashes_of(self.nodes)


def hashes_of(nodes: bytes) -> tuple[bytes, ...]:
    """Hashes that were joined, one by one."""
    return tuple([nodes[at : at + HASH_SIZE] for at in range(0, len(nodes), HASH_SIZE)])


class SubjectRow(msgspec.Struct, frozen=True, gc=False):
    """A subject as recomputed: its tree (count, last index, nodes joined) and the event id of its head."""

    count: int
    last_index: int
    nodes: bytes
    head: bytes


class Step(msgspec.Struct, frozen=True):
    """What one run of entries adds; written in one transaction, which also moves the position from `first`."""

    first: int
    entries: Sequence[tuple[int, bytes, bytes]]
    tiles: Sequence[tuple[int, int, bytes]]
    subjects: Mapping[str, SubjectRow]
    pages: Mapping[str, bytes]
    changes: Sequence[Change]
    position: Position


class MirrorStore(Protocol):
    """A mirror's own memory: durable, one writer."""

    def position(self) -> Position:
        """How far it has come."""
        ...

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of a tile as far as it is filled, b"" when there is none."""
        ...

    def entry(self, index: int) -> bytes | None:
        """The bytes of an entry."""
        ...

    def indexes(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Where those of the events stand that are known."""
        ...

    def subjects(self, names: Sequence[str]) -> dict[str, SubjectRow]:
        """Those of the subjects that have a history."""
        ...

    def page(self, path: str) -> bytes | None:
        """A page of the map."""
        ...

    def records(self) -> Iterable[tuple[str, str, AnyRecord]]:
        """All records of the registry, as (table, id, record)."""
        ...

    def commit(self, step: Step) -> None:
        """Write a step, durable on return; `seen` of its position is left alone.

        Raises:
            UnavailableError: another process has moved the position; nothing was written.
        """
        ...

    def saw(self, note: bytes) -> None:
        """Write down the newest checkpoint that the log itself has shown, durable on return."""
        ...
