"""The tree over the leaves, computed again: every tile level by level, every checkpoint's root and signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chemtrace.core.checkpoint import verify_checkpoint
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.merkle import CompactRange, tree_root
from chemtrace.core.note import NoteVerifier
from chemtrace.core.tiles import WIDTH, tile_path, tile_width
from chemtrace.core.types import HASH_SIZE
from chemtrace.ledger.audit.port import AuditStore
from chemtrace.ledger.audit.report import FaultLog

_STEP: Final = WIDTH * HASH_SIZE
_RESTORE: Final = "docs/runbooks/restore.md"
TILE_HEIGHT: Final = 8
"""Levels of the tree in a tile."""


class TreeAudit:
    """Takes the leaf hashes in order; compares full tiles as they fill up, and the edge at the end."""

    def __init__(self, store: AuditStore, faults: FaultLog, signed: tuple[int, bytes] | None = None) -> None:
        """Compare with what `store` holds and with the tree `signed` last; note differences in `faults`."""
        self._size = 0
        self._store = store
        self.faults = faults
        self._levels: list[bytearray] = [bytearray()]
        self._numbers: list[int] = [0]
        self._expected: dict[tuple[int, int], int] = {}
        self._checkpoints = store.checkpoints()
        self._next: tuple[int, bytes] | None = next(self._checkpoints, None)
        self._short: list[tuple[int, int, int]] = []
        self._due: list[tuple[int, bytes, bytes]] = []
        self._last_size = 0
        self._signed = signed
        self.newest: tuple[str, int, bytes] | None = None

    def add(self, leaf: bytes) -> None:
        """Take the next leaf hash."""
        self._size = size = self._size + 1
        buffer = self._levels[0]
        buffer += leaf
        if len(buffer) == _STEP:
            self._close_tile(0)
        if self._signed is not None and self._signed[0] == size:
            self._compare_signed(self._signed[1], self.root())
        while self._next is not None and self._next[0] <= size:
            self._due.append((*self._next, self.root()))
            self._next = next(self._checkpoints, None)

    def root(self) -> bytes:
        """The root of the leaves so far, from the open tiles of all levels: what is full is in the level above."""
        range_ = CompactRange()
        for level in range(len(self._levels) - 1, -1, -1):
            below = range_.size << TILE_HEIGHT
            tail = CompactRange()
            tail.extend(_hashes(bytes(self._levels[level])))
            range_ = CompactRange(below + tail.size, [*range_.nodes, *tail.nodes])
        return range_.root()

    def finish(self, origin: str | None, verifiers: tuple[NoteVerifier, ...]) -> None:
        """Compare the right edge, look for tiles that should not be, and check every checkpoint."""
        if self._signed is not None and self._signed[0] > self._size:
            detail = (
                f"the vault signed a tree of {self._signed[0]} entries, the log holds only {self._size}: an old backup"
                f" was restored, or entries were cut off ({_RESTORE})"
                " / 签名库签过更长的账本：可能恢复了旧备份，或账目被截去"
            )
            self.faults.add(self._size, "evidence.checkpoint", detail)
        if self._next is not None:
            rest = [self._next, *self._checkpoints]
            size = self._size
            self.faults.add(
                size,
                "evidence.checkpoint",
                f"a signed checkpoint covers {rest[-1][0]} entries, the log holds only {size} ({_RESTORE})",
            )
        for size, note, root in self._due:
            self._check_note(size, note, root, origin, verifiers)
        for level, data in enumerate(self._levels):
            if data:
                self._compare(level, self._numbers[level], bytes(data))
        self._check_short()
        for level, number, length in self._store.tiles():
            if (level, number) not in self._expected:
                index = min(number * WIDTH << 8 * level, self._size)
                detail = f"{tile_path(level, number, max(1, length // HASH_SIZE))} lies beyond the log's end"
                self.faults.add(index, "evidence.tree", detail)

    def _compare_signed(self, signed: bytes, root: bytes) -> None:
        """The vault's memory against the root of the entries; a difference is blamed on the last of them."""
        if signed != root:
            detail = f"the vault signed the root {signed.hex()}, the entries give {root.hex()}"
            self.faults.add(self._size - 1, "evidence.checkpoint", detail)

    def _close_tile(self, level: int) -> None:
        """A tile is full: compare it, and put its root into the level above."""
        data = bytes(self._levels[level])
        self._compare(level, self._numbers[level], data)
        self._numbers[level] += 1
        self._levels[level].clear()
        if level + 1 == len(self._levels):
            self._levels.append(bytearray())
            self._numbers.append(0)
        above = self._levels[level + 1]
        above += tree_root(_hashes(data))
        if len(above) == _STEP:
            self._close_tile(level + 1)

    def _compare(self, level: int, number: int, data: bytes) -> None:
        """Compare a stored tile with its hashes; one at the edge may be behind the log, but not its checkpoint."""
        self._expected[level, number] = len(data)
        stored = self._store.tile(level, number) or b""
        if stored == data:
            return
        if not stored:
            self._short.append((level, number, 0))
            return
        at = next(
            (i for i in range(0, len(stored), HASH_SIZE) if stored[i : i + 32] != data[i : i + 32]), None
        )
        if at is None:
            # A prefix: the fold into tiles may lag behind the log, but not behind what was published.
            self._short.append((level, number, len(stored)))
            return
        index = number * WIDTH + at // HASH_SIZE << 8 * level
        self.faults.add(
            min(index, self._size),
            "evidence.tree",
            f"{tile_path(level, number, len(data) // HASH_SIZE)}: hash {at // HASH_SIZE} is not that of the leaves",
        )

    def _check_short(self) -> None:
        """Tiles that end early: wrong when a checkpoint needs more of them."""
        published = max((size for size, _, _ in self._due), default=0)
        for level, number, length in self._short:
            needed = tile_width(level, number, published)
            if length < needed * HASH_SIZE:
                index = number * WIDTH + length // HASH_SIZE << 8 * level
                detail = f"{tile_path(level, number, needed)} is missing or too short: {length} bytes"
                self.faults.add(min(index, self._size), "evidence.tree", detail)

    def _check_note(
        self, size: int, note: bytes, root: bytes, origin: str | None, verifiers: tuple[NoteVerifier, ...]
    ) -> None:
        """Check one checkpoint; a wrong one is blamed on its last entry, the epoch record that it publishes."""
        try:
            checkpoint, _ = verify_checkpoint(note, origin or "", verifiers)
        except ChemtraceError as error:
            self.faults.add_error(size - 1, error)
            return
        if (checkpoint.size, checkpoint.root) != (size, root):
            self.faults.add(
                size - 1,
                "evidence.checkpoint",
                f"the checkpoint signs size {checkpoint.size} and root {checkpoint.root.hex()}, "
                f"the first {size} entries have root {root.hex()}",
            )
            return
        if size > self._last_size:
            self._last_size, self.newest = size, (checkpoint.origin, size, root)


def _hashes(data: bytes) -> Iterator[bytes]:
    return (data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))
