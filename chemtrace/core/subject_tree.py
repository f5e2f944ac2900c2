"""The tree of one subject: every entry that names it, in the order of the log, under one root.

An RFC 6962 tree whose leaf for the entry at `index` with log leaf hash `leaf` is SHA-256(0x00 ‖ u64be index ‖ leaf).
The map (`core.sparse_map`) commits its count, root and last index, so that a history shown is the whole history.
Byte-exact form: contracts/specs/subject-tree.md.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from chemtrace.core.errors import EventOrderError
from chemtrace.core.merkle import CompactRange, parse_compact_range
from chemtrace.core.sparse_map import encode_map_value
from chemtrace.core.types import HASH_SIZE, LeafHash, RootHash

_INDEX_LIMIT: Final = 1 << 64


def hash_subject_leaf(index: int, leaf: bytes) -> LeafHash:
    """Return SHA-256(0x00 || u64be index || leaf), where `leaf` is the leaf hash in the log.

    Raises:
        EventOrderError: an index outside 64 bits, or a leaf hash that has not 32 bytes.
    """
    if not 0 <= index < _INDEX_LIMIT or len(leaf) != HASH_SIZE:
        raise EventOrderError(
            "an entry has an index of the log and a hash of 32 bytes", index=index, leaf=leaf
        )
    return LeafHash(sha256(b"\x00" + index.to_bytes(8, "big") + leaf).digest())


class SubjectTree:
    """A subject's tree as it grows: what appending needs, at most 64 hashes however long the history."""

    __slots__ = ("last_index", "range")

    def __init__(self, count: int = 0, last_index: int = -1, nodes: Iterable[bytes] = ()) -> None:
        """Take up a stored tree, or start an empty one (last index -1).

        Raises:
            ProofShapeError: the number of nodes does not fit the count.
            EventOrderError: `count` entries cannot end at this index.
        """
        self.range = CompactRange(count, nodes)
        self.last_index = last_index
        if last_index < count - 1 or (count == 0) != (last_index == -1):
            raise EventOrderError(
                "so many entries cannot end at this index", count=count, last_index=last_index
            )

    @property
    def count(self) -> int:
        """Number of entries that name the subject."""
        return self.range.size

    def append(self, index: int, leaf: bytes) -> None:
        """Add the next entry of the log that names the subject.

        Raises:
            EventOrderError: the index does not lie after the last one; carries both.
        """
        if index <= self.last_index:
            raise EventOrderError(
                "the entries of a subject stand in the order of the log",
                index=index,
                last_index=self.last_index,
            )
        self.range.append(hash_subject_leaf(index, leaf))
        self.last_index = index

    def root(self) -> RootHash:
        """Return the root over all entries so far."""
        return self.range.root()

    def value(self) -> bytes:
        """Return the 48 bytes that the map holds for this subject; raises `MapProofError` for an empty tree."""
        return encode_map_value(self.count, self.range.root(), self.last_index)

    def encode(self) -> bytes:
        """Return the nodes one after another, 32 bytes each; count and last index are stored beside them."""
        return self.range.encode()


def parse_subject_tree(count: int, last_index: int, nodes: bytes) -> SubjectTree:
    """Return the tree that `SubjectTree.encode` wrote; raises `ProofShapeError`, `EventOrderError`."""
    return SubjectTree(count, last_index, parse_compact_range(count, nodes).nodes)


def subject_root(leaves: Iterable[tuple[int, bytes]]) -> RootHash:
    """Return the root over (index, log leaf hash) pairs; raises `EventOrderError` unless indexes rise."""
    tree = SubjectTree()
    for index, leaf in leaves:
        tree.append(index, leaf)
    return tree.root()
