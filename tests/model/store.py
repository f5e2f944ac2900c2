"""The store port in memory, as far as admission, integration, publishing and start-up need it.

A transaction works on a copy and becomes the store in one step at its end, or not at all. Every step of a transaction
is a moment at which the machine may crash; outside of transactions another writer may also come between.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from chemtrace.core.chain import CHAIN_START
from chemtrace.core.errors import CheckpointMismatchError
from chemtrace.ledger.ports import EpochRow, Head, NewEntry, SubjectTreeRow
from chemtrace.registry.records import AnyRecord
from tests.model.moments import Moments


class Rows(msgspec.Struct):
    """All rows; containers are copied by every transaction, what is in them is never changed."""

    head: Head = Head(
        size=0,
        chain=CHAIN_START,
        epoch_number=-1,
        epoch_index=-1,
        log_time_us=0,
        registry_index=-1,
        subjects=0,
    )
    entries: tuple[NewEntry, ...] = ()
    epochs: tuple[EpochRow, ...] = ()
    tiles: dict[tuple[int, int], bytes] = msgspec.field(default_factory=dict)
    checkpoints: dict[int, bytes] = msgspec.field(default_factory=dict)
    trees: dict[str, SubjectTreeRow] = msgspec.field(default_factory=dict)
    pages: dict[str, dict[int, bytes]] = msgspec.field(default_factory=dict)


class MemoryStore:
    """The tables of one log."""

    def __init__(self, moments: Moments) -> None:
        self.rows = Rows()
        self.moments = moments

    @contextmanager
    def read(self) -> Iterator["Transaction"]:
        self.moments.pass_()
        yield Transaction(self.rows, self.moments)
        self.moments.pass_()

    @contextmanager
    def write(self) -> Iterator["Transaction"]:
        self.moments.pass_()
        rows = copy.deepcopy(self.rows, {id(entry): entry for entry in self.rows.entries})
        self.moments.held = True
        try:
            yield Transaction(rows, self.moments)
            self.moments.pass_()
        finally:
            self.moments.held = False
        self.rows = rows
        self.moments.pass_()


class Transaction:
    """Questions to some rows, and changes of them."""

    def __init__(self, rows: Rows, moments: Moments) -> None:
        self._rows = rows
        self._moments = moments

    def head(self) -> Head:
        return self._rows.head

    def lock_head(self) -> Head:
        return self._rows.head

    def records(self) -> Iterable[tuple[str, str, AnyRecord]]:
        return ()

    def leaves(self, first: int, last: int) -> list[bytes]:
        return [entry.leaf for entry in self._rows.entries[first : last + 1]]

    def entry_heads(self, first: int, last: int) -> list[tuple[int, bytes, bytes]]:
        return [(entry.index, entry.leaf, entry.body) for entry in self._rows.entries[first : last + 1]]

    def last_entry(self) -> tuple[int, bytes] | None:
        entries = self._rows.entries
        return (entries[-1].index, entries[-1].chain) if entries else None

    def epochs_from(self, index: int) -> tuple[EpochRow, ...]:
        return tuple(epoch for epoch in self._rows.epochs if epoch.index >= index)

    def epoch_indexes(self, numbers: Sequence[int]) -> list[int]:
        return [epoch.index for epoch in self._rows.epochs if epoch.number in numbers]

    def tile(self, level: int, number: int) -> bytes | None:
        return self._rows.tiles.get((level, number))

    def checkpoint(self, size: int | None = None) -> bytes | None:
        checkpoints = self._rows.checkpoints
        return checkpoints.get(max(checkpoints, default=0) if size is None else size)

    def checkpoint_size(self) -> int | None:
        return max(self._rows.checkpoints, default=None)

    def newest_cosignatures(self, limit: int) -> Iterable[tuple[int, str, bytes]]:
        del limit
        return ()

    def subject_trees(self, subjects: Sequence[str]) -> dict[str, SubjectTreeRow]:
        return {name: self._rows.trees[name] for name in subjects if name in self._rows.trees}

    def map_page(self, path: str, max_version: int) -> bytes | None:
        versions = self._rows.pages.get(path, {})
        return versions.get(max((version for version in versions if version <= max_version), default=-1))

    # ------------------------------------------------------------------ changes

    def append(self, entries: Sequence[NewEntry]) -> None:
        self._moments.pass_()
        self._rows.entries += tuple(entries)

    def set_head(self, head: Head) -> None:
        self._moments.pass_()
        self._rows.head = head

    def append_epoch(self, entry: NewEntry, epoch: EpochRow) -> None:
        self._moments.pass_()
        self._rows.entries += (entry,)
        self._rows.epochs += (epoch,)

    def store_tiles(self, tiles: Iterable[tuple[int, int, bytes]]) -> None:
        self._moments.pass_()
        self._rows.tiles.update({(level, number): data for level, number, data in tiles})

    def store_checkpoint(self, size: int, note: bytes) -> None:
        self._moments.pass_()
        if size in self._rows.checkpoints:
            raise CheckpointMismatchError("this size has a checkpoint already", size=size)
        self._rows.checkpoints[size] = note

    def store_subject_trees(self, rows: Iterable[tuple[str, SubjectTreeRow]]) -> None:
        self._moments.pass_()
        self._rows.trees.update(rows)

    def store_map_pages(self, version: int, pages: Mapping[str, bytes]) -> None:
        self._moments.pass_()
        for path, data in pages.items():
            self._rows.pages.setdefault(path, {})[version] = data

    def prune_map_pages(self, paths: Iterable[str], keep: Sequence[int]) -> int:
        """Each page keeps what a map as of `keep` reads, and its newest version."""
        self._moments.pass_()
        gone = 0
        for path in paths:
            versions = self._rows.pages[path]
            read = {max((version for version in versions if version <= at), default=-1) for at in keep}
            for version in [v for v in versions if v not in read and v != max(versions)]:
                del versions[version]
                gone += 1
        return gone
