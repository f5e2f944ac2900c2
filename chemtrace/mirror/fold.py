"""What follows from the entries: chain, tree of each subject, map, epochs; recomputed and compared with the log's word.

An epoch record is only believed when everything it says is what the entries before it give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from chemtrace.core.chain import link
from chemtrace.core.entry import parse_entry
from chemtrace.core.epoch import EpochRecord, check_epoch_order, parse_epoch
from chemtrace.core.errors import (
    AdmissionBrokenError,
    ChainBrokenError,
    EpochBrokenError,
    MapBrokenError,
    RefusedError,
)
from chemtrace.core.map_pages import SparseMap
from chemtrace.core.sparse_map import map_key
from chemtrace.core.subject_tree import SubjectTree
from chemtrace.core.types import HASH_SIZE
from chemtrace.ledger.ports import SubjectHead
from chemtrace.mirror.ports import MirrorStore, Position, SubjectRow

KEPT_SUBJECTS: int = 50_000
"""Subjects kept in memory between runs, about a kilobyte each."""


class Fold:
    """The fold of all entries so far. After a failure it must be dropped: it may be ahead of the store."""

    def __init__(self, store: MirrorStore, position: Position) -> None:
        """Take up the fold as the store has it."""
        self._store = store
        self._map = SparseMap(store.page)
        self._trees: dict[str, SubjectTree] = {}
        self._heads: dict[str, bytes] = {}
        self._unmapped: set[str] = set()
        self._changed: set[str] = set()
        self.chain: bytes = position.chain
        self.subjects = position.subjects
        self.epoch_index = position.epoch_index
        self.epoch: EpochRecord | None = parse_epoch(position.epoch) if position.epoch else None

    @property
    def log_time_us(self) -> int:
        """Time of the newest epoch; -1 before the first."""
        return -1 if self.epoch is None else self.epoch.log_time_us

    def load(self, names: Iterable[str]) -> None:
        """Make the subjects of a run known; those of the run before are forgotten when they are many."""
        if len(self._trees) > KEPT_SUBJECTS and not self._changed:
            self._trees.clear()
            self._heads.clear()
        missing = [name for name in dict.fromkeys(names) if name not in self._trees]
        for name, row in self._store.subjects(missing).items():
            nodes = [row.nodes[at : at + HASH_SIZE] for at in range(0, len(row.nodes), HASH_SIZE)]
            self._trees[name] = SubjectTree(row.count, row.last_index, nodes)
            self._heads[name] = row.head

    def heads(self, names: Iterable[str]) -> dict[str, SubjectHead | None]:
        """The heads of subjects as of the entry before."""
        found: dict[str, SubjectHead | None] = {}
        for name in names:
            tree = self._trees.get(name)
            found[name] = None
            if tree is not None:
                found[name] = SubjectHead(tree.last_index, self._heads[name], 0, tree.count)
        return found

    def add(self, index: int, leaf: bytes, event_id: bytes, names: Iterable[str]) -> None:
        """Take an event that names these subjects."""
        self.chain = link(self.chain, leaf)
        for name in names:
            tree = self._trees.get(name)
            if tree is None:
                tree = self._trees[name] = SubjectTree()
                self.subjects += 1
            tree.append(index, leaf)
            self._heads[name] = event_id
            self._unmapped.add(name)
            self._changed.add(name)

    def add_epoch(self, index: int, leaf: bytes, body: bytes) -> bytes:
        """Take an epoch record when all it says is true of the entries before it; return its id.

        Raises:
            AdmissionBrokenError: it is no such record. EpochBrokenError: number, range, link, time, count of subjects.
            ChainBrokenError: the chain. MapBrokenError: the map, or none where there was one before. Both sides each.
        """
        try:
            entry = parse_entry(body)
            record = parse_epoch(entry.header_bytes)
        except RefusedError as error:
            raise AdmissionBrokenError(
                f"entry {index} is no epoch record: {error.message}", index=index, reason=error.code
            ) from error
        check_epoch_order(record, index, self.epoch, None if self.epoch is None else self.epoch_index)
        if record.chain != self.chain.hex():
            raise ChainBrokenError(
                "the chain in the epoch record is not that of the entries",
                index=index,
                expected=self.chain,
                found=record.chain,
            )
        if record.subjects != self.subjects:
            raise EpochBrokenError(
                "the epoch record counts other subjects than the entries name",
                index=index,
                field="subjects",
                expected=self.subjects,
                found=record.subjects,
            )
        self._check_map(index, record)
        self.chain = link(self.chain, leaf)
        self.epoch, self.epoch_index = record, index
        return entry.event_id

    def _check_map(self, index: int, record: EpochRecord) -> None:
        had_map = self.epoch is not None and self.epoch.map_root is not None
        if record.map_root is None and not had_map:
            return
        found = self.map_root()
        if record.map_root != found.hex():
            raise MapBrokenError(
                "the map in the epoch record is not the fold of the entries: a history in it is not whole",
                index=index,
                expected=found,
                found=record.map_root,
            )

    def map_root(self) -> bytes:
        """The root of the map over everything so far."""
        changes = {map_key(name): sha256(self._trees[name].value()).digest() for name in self._unmapped}
        self._unmapped.clear()
        return self._map.update(changes)

    def take(self) -> tuple[Mapping[str, SubjectRow], Mapping[str, bytes]]:
        """Return the subjects and pages changed since last taken; they count as written from now on."""
        self.map_root()
        rows = {}
        for name in self._changed:
            tree = self._trees[name]
            rows[name] = SubjectRow(tree.count, tree.last_index, tree.encode(), self._heads[name])
        self._changed.clear()
        return rows, self._map.take_dirty()
