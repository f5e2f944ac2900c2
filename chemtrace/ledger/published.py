"""The published tree that proofs are made of: one size, its signed note, its last leaf and the map under it.

All questions go to one snapshot, and every proof made from it is of this one size: whatever is written meanwhile
stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import msgspec

from chemtrace.core.entry import parse_entry
from chemtrace.core.epoch import EpochRecord, parse_epoch
from chemtrace.core.errors import (
    CheckpointMissingError,
    EntryUnknownError,
    MapMissingError,
)
from chemtrace.core.map_pages import SparseMap
from chemtrace.core.note import Note, NoteSignature, parse_note, parse_signature_lines
from chemtrace.core.policy import Policy
from chemtrace.core.tiles import inclusion_from_tiles
from chemtrace.ledger.ports import CosignatureRow, SubjectTreeRow

SIZES_LOOKED_AT: Final = 64
"""Newest checkpoints among which one that satisfies the policy is looked for: about a minute of them."""


EDGES_KEPT: Final = 4
"""Trees whose last leaf is remembered: proofs go to the newest one, or the newest one that is cosigned."""


class HistoryRow(msgspec.Struct, frozen=True, gc=False):
    """One entry of a subject: index, entry bytes, and payload or None where it is gone."""

    index: int
    body: bytes
    payload: bytes | None


class ProofSource(Protocol):
    """What bundles and status proofs are made from, all of one snapshot."""

    def checkpoint_sizes(self, limit: int) -> Sequence[int]:
        """Sizes of the newest checkpoints, newest first."""
        ...

    def checkpoint(self, size: int) -> bytes | None:
        """The log's signed note of a size."""
        ...

    def cosignatures(self, size: int) -> Iterable[CosignatureRow]:
        """What witnesses added to the checkpoint of a size."""
        ...

    def entry_body(self, index: int) -> bytes | None:
        """The bytes of an entry, None when there is none."""
        ...

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile as far as it is filled."""
        ...

    def map_page(self, path: str, max_version: int) -> bytes | None:
        """A page of the map as of an epoch record."""
        ...

    def subject_tree(self, subject: str) -> SubjectTreeRow | None:
        """The newest tree of a subject."""
        ...

    def subject_rows(self, subject: str, after: int, before: int, limit: int) -> Sequence[HistoryRow]:
        """The first `limit` entries that name a subject between two indexes, in the order of the log."""
        ...

    def closing_epoch(self, index: int) -> int | None:
        """Index of the first epoch record behind an entry."""
        ...


class Edge(msgspec.Struct, frozen=True):
    """The last leaf of a published tree: header bytes of the epoch record, and its audit path, lowest sibling first."""

    record: bytes
    path: tuple[bytes, ...]


class Edges:
    """The last leaves of the trees that proofs were made in lately, by size; they never change. For many threads."""

    def __init__(self) -> None:
        """Know none."""
        self._known: tuple[tuple[int, Edge], ...] = ()

    def get(self, size: int) -> Edge | None:
        """The edge of a tree, None where it is not known."""
        return next((edge for known, edge in self._known if known == size), None)

    def keep(self, size: int, edge: Edge) -> None:
        """Remember an edge, and forget the one kept longest."""
        self._known = ((size, edge), *self._known[: EDGES_KEPT - 1])


class Published:
    """One published tree; `note` holds the log's line and those cosignatures that the policy knows."""

    def __init__(self, source: ProofSource, size: int, note: Note, edges: Edges | None = None) -> None:
        """Read the epoch record that is the last leaf, and its path; `edges` may know them.

        Raises:
            EntryUnknownError: the last entry is missing. EpochFormatError: it is no epoch record.
            MapMissingError: the record was written before logs had a map.
        """
        self.source = source
        self.size = size
        self.note = note
        self._tiles: dict[tuple[int, int], bytes] = {}
        edge = None if edges is None else edges.get(size)
        if edge is None:
            edge = Edge(self.epoch_record(size - 1), self.path(size - 1))
            if edges is not None:
                edges.keep(size, edge)
        self.record_bytes = edge.record
        self.record_path = edge.path
        self.record: EpochRecord = parse_epoch(self.record_bytes)
        if self.record.map_root is None:
            raise MapMissingError(
                "the newest checkpoint is older than the map of subjects: publish once more", size=size
            )
        self.map = SparseMap(lambda page: source.map_page(page, size - 1))

    def epoch_record(self, index: int) -> bytes:
        """The header bytes of the epoch record at an index."""
        body = self.source.entry_body(index)
        if body is None:
            raise EntryUnknownError("an epoch record is missing; verify the log", index=index)
        return parse_entry(body).header_bytes

    def path(self, index: int) -> tuple[bytes, ...]:
        """The audit path of an entry in this tree, lowest sibling first."""
        return inclusion_from_tiles(index, self.size, self._tile)

    def _tile(self, level: int, number: int, _width: int) -> bytes:
        place = level, number
        if place not in self._tiles:
            self._tiles[place] = self.source.tile(level, number) or b""
        return self._tiles[place]


def open_published(
    source: ProofSource,
    *,
    policy: Policy | None = None,
    size: int | None = None,
    edges: Edges | None = None,
) -> Published:
    """Return the newest published tree that satisfies the policy, else the newest; or the one of `size`.

    Raises:
        CheckpointMissingError: nothing is published yet, or nothing of this size.
        MapMissingError: as `Published`.
    """
    sizes = [size] if size is not None else source.checkpoint_sizes(SIZES_LOOKED_AT if policy else 1)
    chosen: tuple[int, tuple[NoteSignature, ...]] | None = None
    for candidate in sizes:
        lines, satisfied = _cosigned(source, candidate, policy)
        if chosen is None or satisfied:
            chosen = candidate, lines
        if satisfied:
            break
    if chosen is None:
        raise CheckpointMissingError("no checkpoint is published yet; one follows the first event")
    stored = source.checkpoint(chosen[0])
    if stored is None:
        raise CheckpointMissingError("no checkpoint of this size was published", size=chosen[0])
    note = parse_note(stored)
    return Published(source, chosen[0], Note(note.text, (*note.signatures, *chosen[1])), edges)


def _cosigned(
    source: ProofSource, size: int, policy: Policy | None
) -> tuple[tuple[NoteSignature, ...], bool]:
    """The lines of the policy's witnesses under a checkpoint, and whether they are enough."""
    if policy is None:
        return (), True
    lines: list[NoteSignature] = []
    names: set[str] = set()
    for row in source.cosignatures(size):
        witness = policy.find(row.name, row.key_hash)
        if witness is not None:
            lines += parse_signature_lines(row.line.encode() + b"\n")
            names.add(witness.name)
    return tuple(lines), policy.satisfied(names)
