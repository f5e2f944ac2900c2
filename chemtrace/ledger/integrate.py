"""Integration: the entries since the last epoch into the tree of each subject they name, and the trees into the map.

The map root in an epoch record is the fold of every entry before the record. What is folded here can be dropped and
made again from the entries: `chemtrace db rebuild`. Trees and pages used lately are kept between epochs; they are a
copy of committed rows and are dropped when another writer has cut an epoch or a transaction failed.

A subject's history grows under an epoch only. The stored trees, the pages of the map and the newest epoch record must
tell the same before anything is added: a tree that the map does not commit ends the writing instead of being published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Final, Protocol

import msgspec

from chemtrace.core.entry import header_of, is_epoch_header
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.errors import ChemtraceError, MapBrokenError
from chemtrace.core.map_pages import SparseMap
from chemtrace.core.policy import Policy
from chemtrace.core.sparse_map import EMPTY, map_key
from chemtrace.core.subject_tree import SubjectTree, parse_subject_tree
from chemtrace.core.types import RootHash
from chemtrace.ledger.kept_maps import prune_maps
from chemtrace.ledger.ports import FoldTransaction, Head, ReadTransaction, SubjectTreeRow
from chemtrace.ledger.witnessed import Witnessed

CHUNK: Final = 20_000
"""Entries folded at once: bounds memory where all entries of a ledger are folded in one go."""

MAX_TREES: Final = 100_000
"""Trees of subjects kept between epochs, about 700 bytes each."""


class _Named(msgspec.Struct, gc=False):
    id: str


class _Subjects(msgspec.Struct, gc=False):
    subjects: list[_Named]


_DECODER: Final = msgspec.json.Decoder(_Subjects)


class Fold(Protocol):
    """What publishing needs of the fold, wherever it runs; `Integration` is the fold itself. One thread at a time."""

    @property
    def folded(self) -> int:
        """Entries folded so far, stored or not."""
        ...

    def prepare(self, transaction: ReadTransaction, head: Head) -> None:
        """Fold what is in the log so far, without a lock; `fold_epoch` then has the rest of it to do."""
        ...

    def fold_epoch(self, transaction: FoldTransaction, head: Head) -> RootHash:
        """Fold every entry before the epoch record that will stand at `head.size`, write all rows, return the root."""
        ...

    def forget(self) -> None:
        """Drop what is kept: the next fold starts from the stored rows."""
        ...

    def close(self) -> None:
        """End what was started; nothing may be folded any more."""
        ...


class Integration:
    """The fold of one writer, with what it keeps between epochs. One thread at a time."""

    def __init__(self, policy: Policy | None = None, *, max_trees: int = MAX_TREES) -> None:
        """Start with nothing kept; maps of checkpoints that satisfy `policy` stay readable."""
        self._witnessed = Witnessed(policy)
        self._limit = max_trees
        self._transaction: ReadTransaction | None = None
        self.forget()

    def forget(self) -> None:
        """Drop what is kept: the next fold starts from the stored rows."""
        self._at, self._next, self._readable = -1, 0, -1
        self._trees: dict[str, SubjectTree] = {}
        self._changed: dict[str, SubjectTree] = {}
        self._map = SparseMap(self._read_page)

    def close(self) -> None:
        """Let go of what is kept."""
        self.forget()

    @property
    def folded(self) -> int:
        """Entries folded so far, stored or not."""
        return self._next

    def prepare(self, transaction: ReadTransaction, head: Head) -> None:
        """Fold what is in the log so far, without a lock; `fold_epoch` then has the rest of it to do.

        Raises:
            MapBrokenError: the stored rows contradict each other.
        """
        self._begin(transaction, head)
        try:
            for _ in self._fold(transaction, head.size - 1):
                pass
        except BaseException:
            self.forget()
            raise
        finally:
            self._transaction = None

    def fold_epoch(self, transaction: FoldTransaction, head: Head) -> RootHash:
        """Fold every entry before the epoch record that will stand at `head.size`, write all rows, return the root.

        Raises:
            MapBrokenError: the stored trees, the stored map and the last epoch record contradict each other.
        """
        self._begin(transaction, head)
        try:
            touched: set[str] = set()
            for _ in self._fold(transaction, head.size - 1):
                self._write(transaction, head.size, touched)
            self._write(transaction, head.size, touched)
            prune_maps(transaction, head, self._witnessed, touched)
            self._at = self._readable = head.size
            self._next = head.size + 1
            self._trim()
            return self._map.root()
        except BaseException:
            self.forget()
            raise
        finally:
            self._transaction = None

    def _begin(self, transaction: ReadTransaction, head: Head) -> None:
        """Take up what is kept, or what is stored, as of the newest epoch record."""
        if self._at == head.epoch_index and self._next <= head.size and self._readable <= head.size:
            self._transaction = transaction
            return
        self.forget()
        self._transaction = transaction
        self._at = self._readable = head.epoch_index
        if head.epoch_index >= 0 and map_root_of(transaction, head.epoch_index) is not None:
            verify_map_root(transaction, head.epoch_index)
            self._next = head.epoch_index + 1
        else:
            # A ledger that was made before there was a map: this fold begins with its first entry.
            self._readable = -1

    def _fold(self, transaction: ReadTransaction, last: int) -> Iterator[None]:
        """Fold the entries up to `last`, chunk by chunk; gives the caller a turn between two chunks."""
        while self._next <= last:
            end = min(self._next + CHUNK - 1, last)
            grown = self._grow(transaction.entry_heads(self._next, end), transaction)
            self._map.update({map_key(name): sha256(tree.value()).digest() for name, tree in grown.items()})
            self._changed.update(grown)
            self._next = end + 1
            if end < last:
                yield

    def _grow(
        self, entries: Iterable[tuple[int, bytes, bytes]], transaction: ReadTransaction
    ) -> dict[str, SubjectTree]:
        """Append entries to the trees of their subjects; returns the trees that grew."""
        steps: dict[str, list[tuple[int, bytes]]] = {}
        for index, leaf, body in entries:
            for name in subjects_of(body):
                steps.setdefault(name, []).append((index, leaf))
        trees = self._take_trees(transaction, list(steps))
        for name, leaves in steps.items():
            tree = trees[name]
            for index, leaf in leaves:
                tree.append(index, leaf)
        return trees

    def _take_trees(self, transaction: ReadTransaction, names: Sequence[str]) -> dict[str, SubjectTree]:
        """The trees of subjects: those kept, those stored, and new ones; the map must know the ones it should."""
        trees, missing = {}, []
        for name in names:
            tree = self._trees.pop(name, None) or self._changed.get(name)
            if tree is None:
                missing.append(name)
            else:
                trees[name] = tree
        stored = transaction.subject_trees(missing) if missing and self._readable >= 0 else {}
        for name in missing:
            row = stored.get(name)
            trees[name] = SubjectTree() if row is None else _read_tree(name, row)
            self._check_tree(name, trees[name])
        return trees

    def _check_tree(self, name: str, tree: SubjectTree) -> None:
        key = map_key(name)
        leaf = self._map.find(key)
        committed = leaf.value_hash if leaf is not None and leaf.key == key else None
        found = sha256(tree.value()).digest() if tree.count else None
        if committed != found:
            raise MapBrokenError(
                "the stored tree of a subject is not the one that the map commits: run a full audit,"
                " then `chemtrace db rebuild`",
                subject=name,
                expected=committed,
                found=found,
                count=tree.count,
            )

    def _write(self, transaction: FoldTransaction, version: int, touched: set[str]) -> None:
        """Write the trees and pages changed so far as of the epoch record at `version`."""
        transaction.store_subject_trees(
            (name, SubjectTreeRow(tree.count, tree.last_index, tree.encode()))
            for name, tree in self._changed.items()
        )
        pages = self._map.take_dirty()
        transaction.store_map_pages(version, pages)
        touched.update(pages)
        self._trees.update(self._changed)
        self._changed = {}
        self._readable = version
        self._trim()

    def _trim(self) -> None:
        """Forget the trees used longest ago."""
        surplus = len(self._trees) - self._limit
        if surplus > 0:
            for name in list(islice(self._trees, surplus + self._limit // 2)):
                del self._trees[name]

    def _read_page(self, path: str) -> bytes | None:
        transaction = self._transaction
        return None if transaction is None else transaction.map_page(path, self._readable)


def _read_tree(name: str, row: SubjectTreeRow) -> SubjectTree:
    try:
        return parse_subject_tree(row.count, row.last_index, row.nodes)
    except ChemtraceError as error:
        raise MapBrokenError(
            "the stored tree of a subject is none: run a full audit, then `chemtrace db rebuild`",
            subject=name,
            count=row.count,
            last_index=row.last_index,
            size=len(row.nodes),
        ) from error


def subjects_of(body: bytes) -> tuple[str, ...]:
    """The subjects that an entry of the log names in its header, in its order; none for an epoch record.

    Only what the door has checked before is read here: the bytes are those of our own log.

    Raises:
        MapBrokenError: the bytes are no entry.
    """
    header = header_of(body)
    if is_epoch_header(header):
        return ()
    try:
        named = _DECODER.decode(header).subjects
    except msgspec.DecodeError as error:
        raise MapBrokenError("an entry of the log names no subjects", size=len(body)) from error
    return tuple([subject.id for subject in named])


def map_root_of(transaction: ReadTransaction, epoch_index: int) -> bytes | None:
    """The map root in the epoch record at `epoch_index`; None: made before there was a map.

    Raises:
        MapBrokenError: no epoch record stands there.
    """
    for _, _, body in transaction.entry_heads(epoch_index, epoch_index):
        header = header_of(body)
        if is_epoch_header(header):
            root = parse_epoch(header).map_root
            return None if root is None else bytes.fromhex(root)
    raise MapBrokenError("no epoch record stands where the newest one should", index=epoch_index)


def verify_map_root(transaction: ReadTransaction, epoch_index: int) -> None:
    """Check that the stored pages have the root that the epoch record at `epoch_index` commits, if it commits one.

    Raises:
        MapBrokenError: they have another root; carries both.
    """
    expected = map_root_of(transaction, epoch_index)
    if expected is None:
        return
    found = SparseMap(lambda path: transaction.map_page(path, epoch_index)).root()
    if found != expected:
        raise MapBrokenError(
            "the stored pages of the map do not give the root of the newest epoch: run a full audit,"
            " then `chemtrace db rebuild`",
            index=epoch_index,
            expected=expected,
            found=found if found != EMPTY else None,
        )
