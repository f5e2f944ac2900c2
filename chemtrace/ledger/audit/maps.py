"""The tree of each subject and the map over them, folded again: every epoch's map root, every stored tree and page.

Stored rows are those of the newest epoch; what came after it waits. A page row of an older epoch is compared with what
the fold gives at that epoch; rows that no epoch wrote are told.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from chemtrace.core.map_pages import SparseMap
from chemtrace.core.sparse_map import map_key
from chemtrace.core.subject_tree import SubjectTree
from chemtrace.ledger.audit.port import AuditStore, StoredTree
from chemtrace.ledger.audit.report import FaultLog

_WHAT: Final = "evidence.map"


class MapAudit:
    """Takes the entries in order, and at each epoch says what its map root should be."""

    def __init__(self, store: AuditStore, faults: FaultLog) -> None:
        """Compare with the trees and pages of `store`; note differences in `faults`."""
        self._store = store
        self._faults = faults
        self._trees: dict[str, SubjectTree] = {}
        self._pending: dict[str, list[tuple[int, bytes]]] = {}
        # All pages stay in memory: nothing is read from the store that is to be checked.
        self._map = SparseMap(lambda _: None, cache_pages=sys.maxsize)
        self._older = _older_versions(store.map_versions())
        self._older_digests: dict[tuple[str, int], bytes] = {}
        self._versions: dict[str, int] = {}
        self._differs = False
        self._begun = False

    def add(self, index: int, leaf: bytes, subjects: Iterable[str]) -> None:
        """Take an entry that names these subjects."""
        for name in subjects:
            self._pending.setdefault(name, []).append((index, leaf))

    def close_epoch(self, index: int, recorded: str | None) -> None:
        """Fold what came before the epoch record at `index`, and compare with the map root `recorded` in it.

        Null is right in a ledger as long as no epoch before had a root: such records were made before there was a map.
        """
        root = self._fold().hex()
        if recorded is not None:
            self._begun = True
            self._note_pages(index)
        differs = root != recorded and self._begun
        # From a wrong root on the ones behind it differ too: the first is told.
        if differs and not self._differs:
            self._faults.add(index, _WHAT, f"map_root: computed {root}, found {recorded}")
        self._differs = differs

    def pass_epoch(self, index: int) -> None:
        """Fold what came before an epoch record at `index` that cannot be read: what is stored is as of it."""
        self._fold()
        if self._begun:
            self._note_pages(index)

    def finish(self, size: int) -> None:
        """Compare all stored trees and pages; `size` entries stand in the log."""
        if self._begun:
            self._compare_trees()
            self._compare_pages(size)
            return
        for row in self._store.subject_trees():
            self._faults.add(
                row.last_index, _WHAT, f"the tree of {row.subject} is stored, no epoch commits it"
            )

    def _fold(self) -> bytes:
        changed = {}
        for name, leaves in self._pending.items():
            tree = self._trees.get(name)
            if tree is None:
                tree = self._trees[name] = SubjectTree()
            for index, leaf in leaves:
                tree.append(index, leaf)
            changed[map_key(name)] = sha256(tree.value()).digest()
        self._pending.clear()
        return self._map.update(changed)

    def _note_pages(self, version: int) -> None:
        """Note which pages this epoch wrote, and what those of them hold that a newer version stands beside."""
        for path in self._map.take_dirty_paths():
            self._versions[path] = version
            if version in self._older.get(path, ()):
                self._older_digests[path, version] = sha256(self._map.page_bytes(path)).digest()

    def _compare_trees(self) -> None:
        known = set(self._trees)
        for row in self._store.subject_trees():
            tree = self._trees.get(row.subject)
            if tree is None:
                detail = (
                    f"the tree of {row.subject} is stored, the log does not name it before the last epoch"
                )
                self._faults.add(row.last_index, _WHAT, detail)
                continue
            known.discard(row.subject)
            wanted = StoredTree(row.subject, tree.count, tree.last_index, tree.encode())
            if row != wanted:
                detail = (
                    f"the tree of {row.subject} has {row.count} entries up to {row.last_index} and nodes "
                    f"{row.nodes.hex()[:64]}, the log gives {wanted.count} up to {wanted.last_index} and nodes "
                    f"{wanted.nodes.hex()[:64]}"
                )
                self._faults.add(max(row.last_index, wanted.last_index), _WHAT, detail)
        for name in known:
            self._faults.add(self._trees[name].last_index, _WHAT, f"the tree of {name} is missing")

    def _compare_pages(self, size: int) -> None:
        known = dict(self._versions)
        for path, version, data in self._store.map_pages():
            if known.get(path) == version:
                del known[path]
                same = data == self._map.page_bytes(path)
            else:
                digest = self._older_digests.get((path, version))
                if digest is None:
                    self._blame_version(path, version, known, size)
                    continue
                same = sha256(data).digest() == digest
            if not same:
                detail = f"page {path!r} of the map as of {version} is not what the log gives"
                self._faults.add(version, _WHAT, detail)
        for path, version in known.items():
            self._faults.add(version, _WHAT, f"page {path!r} of the map as of {version} is missing")

    def _blame_version(self, path: str, version: int, known: dict[str, int], size: int) -> None:
        """A page of a version that should not be stored: wrong is the epoch that should have replaced it."""
        newest = known.get(path)
        if newest is not None and version < newest:
            detail = (
                f"page {path!r} of the map is stored as of {version}, the log wrote it again as of {newest}"
            )
            self._faults.add(newest, _WHAT, detail)
            return
        if newest is not None:
            del known[path]  # the page was written again by an epoch that the log does not hold
        detail = f"page {path!r} of the map is stored as of {version}, when none was"
        self._faults.add(min(version, size), _WHAT, detail)


def _older_versions(rows: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    """The versions of each page but the newest one; pages of one version are left out."""
    newest: dict[str, int] = {}
    older: dict[str, tuple[int, ...]] = {}
    for path, version in rows:
        last = newest.setdefault(path, version)
        if last != version:
            newest[path] = max(last, version)
            older[path] = (*older.get(path, ()), min(last, version))
    return older
