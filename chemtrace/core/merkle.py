"""Merkle trees of RFC 9162 section 2.1 (RFC 6962): roots, inclusion and consistency, built and verified.

Proofs are built from *perfect nodes*: `read_node(level, index)` is the hash of the complete subtree over the
leaves `index * 2^level` to `(index + 1) * 2^level - 1`. Memory (`MemoryTree`) and tiles (`core.tiles`) both
give such nodes, so that one piece of code builds every proof.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

from chemtrace.core.errors import ProofShapeError, RootMismatchError
from chemtrace.core.types import HASH_SIZE, LeafHash, RootHash

EMPTY_ROOT: Final = RootHash(sha256(b"").digest())
"""Root of the tree without leaves."""

ReadNode = Callable[[int, int], bytes]
"""`(level, index)` to the hash of that perfect node."""


def hash_leaf(data: bytes) -> LeafHash:
    """Return SHA-256(0x00 || data)."""
    return LeafHash(sha256(b"\x00" + data).digest())


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The roots of the perfect subtrees of a tree of `size` leaves, largest first: all that appending needs."""

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        """Take up a stored range; raises `ProofShapeError` when the number of nodes does not fit the size."""
        self.size = size
        self.nodes = list(nodes)
        if (
            size < 0
            or len(self.nodes) != size.bit_count()
            or any(len(node) != HASH_SIZE for node in self.nodes)
        ):
            raise ProofShapeError("a compact range has one hash for each set bit of its size", size=size)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf hash at the end: two hashes on average over many."""
        size, nodes, node = self.size, self.nodes, leaf_hash
        self.size = size + 1
        while size & 1:
            node = sha256(b"\x01" + nodes.pop() + node).digest()
            size >>= 1
        nodes.append(node)

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add many leaf hashes in order."""
        for leaf_hash in leaf_hashes:
            self.append(leaf_hash)

    def root(self) -> RootHash:
        """Return the root of the tree of `size` leaves."""
        return _join(self.nodes)

    def encode(self) -> bytes:
        """Return the nodes one after another, 32 bytes each; `size` is stored beside them."""
        return b"".join(self.nodes)


def parse_compact_range(size: int, data: bytes) -> CompactRange:
    """Return the range that `CompactRange.encode` wrote; raises `ProofShapeError`."""
    return CompactRange(size, [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)])


class MemoryTree:
    """A whole tree in memory, one bytearray of perfect nodes a level: for batches of codes, tools and tests."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        """Start with some leaf hashes, or none."""
        self._levels: list[bytearray] = [bytearray()]
        for leaf_hash in leaf_hashes:
            self.append(leaf_hash)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0]) // HASH_SIZE

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf hash at the end."""
        node, index = leaf_hash, self.size
        for level in self._levels:
            level.extend(node)
            if not index & 1:
                return
            node = sha256(b"\x01" + level[-2 * HASH_SIZE :]).digest()
            index >>= 1
        self._levels.append(bytearray(node))

    def node(self, level: int, index: int) -> bytes:
        """Return a perfect node; raises `IndexError` outside the tree."""
        data = self._levels[level][index * HASH_SIZE : (index + 1) * HASH_SIZE]
        if len(data) != HASH_SIZE:
            raise IndexError(index)
        return bytes(data)

    def root(self, size: int | None = None) -> RootHash:
        """Return the root of the first `size` leaves, or of all."""
        return root_of(self.size if size is None else size, self.node)


def tree_root(leaf_hashes: Iterable[bytes]) -> RootHash:
    """Return the root over leaf hashes in order."""
    range_ = CompactRange()
    range_.extend(leaf_hashes)
    return range_.root()


def root_of(size: int, read_node: ReadNode) -> RootHash:
    """Return the root of the tree of `size` leaves from its perfect nodes."""
    return _hash_range(0, size, read_node) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, read_node: ReadNode) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in the tree of `size`, lowest sibling first (section 2.1.3.1).

    Raises:
        ProofShapeError: unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ProofShapeError("there is no such leaf in a tree of this size", index=index, size=size)
    low, high, ranges = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return tuple([_hash_range(start, end, read_node) for start, end in reversed(ranges)])


def consistency_path(old_size: int, new_size: int, read_node: ReadNode) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old_size` is a prefix of that of `new_size` (section 2.1.4.1).

    Raises:
        ProofShapeError: unless 0 < old_size <= new_size.
    """
    if not 0 < old_size <= new_size:
        raise ProofShapeError(
            "consistency needs 0 < old size <= new size", old_size=old_size, new_size=new_size
        )
    low, high, ranges = 0, new_size, []
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low:
        ranges.append((low, high))
    return tuple([_hash_range(start, end, read_node) for start, end in reversed(ranges)])


def verify_inclusion(*, leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Verify that `leaf_hash` stands at `index` of the tree of `size` under `root`.

    Raises:
        ProofShapeError: index outside the tree, or a wrong number or size of hashes.
        RootMismatchError: the path leads to another root; carries both.
    """
    _require_root(root, root_from_inclusion(leaf_hash=leaf_hash, index=index, size=size, path=path))


def root_from_inclusion(*, leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> RootHash:
    """Return the root that an inclusion path leads to (section 2.1.3.2); raises `ProofShapeError`."""
    if not 0 <= index < size:
        raise ProofShapeError("there is no such leaf in a tree of this size", index=index, size=size)
    _require_hashes((leaf_hash, *path))
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    if len(path) != inner + border:
        raise ProofShapeError("the path has a wrong length", expected=inner + border, found=len(path))
    node = leaf_hash
    for at, sibling in enumerate(path):
        right_child = at >= inner or index >> at & 1
        node = hash_node(sibling, node) if right_child else hash_node(node, sibling)
    return RootHash(node)


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Verify that the tree of `old_size` under `old_root` is a prefix of that under `new_root` (section 2.1.4.2).

    Equal sizes need equal roots and an empty path. From the empty tree nothing is proved: refused, unless both
    are empty.

    Raises:
        ProofShapeError: sizes that make no sense, or a wrong number or size of hashes.
        RootMismatchError: the path leads to another root; carries both and which side.
    """
    _require_hashes((old_root, new_root, *path))
    if old_size == new_size and old_size >= 0:
        if path:
            raise ProofShapeError("equal sizes have an empty proof", expected=0, found=len(path))
        _require_root(old_root, new_root)
        return
    if not 0 < old_size < new_size:
        raise ProofShapeError(
            "consistency needs 0 < old size <= new size", old_size=old_size, new_size=new_size
        )
    _check_consistency(old_size, new_size, old_root, new_root, path)


def _check_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    shift = (old_size & -old_size).bit_length() - 1
    index = old_size - 1
    inner = (index ^ (new_size - 1)).bit_length()
    border = (index >> inner).bit_count()
    # Where the old tree is one perfect node, it is the start of the proof itself and is not sent.
    start = 0 if old_size == 1 << shift else 1
    if len(path) != start + inner - shift + border:
        raise ProofShapeError(
            "the proof has a wrong length", expected=start + inner - shift + border, found=len(path)
        )
    old_node = new_node = path[0] if start else old_root
    for at, sibling in enumerate(path[start:], shift):
        if at >= inner or index >> at & 1:
            old_node = hash_node(sibling, old_node)
            new_node = hash_node(sibling, new_node)
        else:
            new_node = hash_node(new_node, sibling)
    _require_root(old_root, old_node)
    _require_root(new_root, new_node)


def _split(count: int) -> int:
    """Largest power of two below `count` (count >= 2)."""
    return 1 << (count - 1).bit_length() - 1


def _hash_range(start: int, end: int, read_node: ReadNode) -> RootHash:
    """Hash of the leaves start .. end - 1, where `start` is a multiple of every power of two that fits in."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(read_node(level, start >> level))
        start += 1 << level
    return _join(nodes)


def _join(nodes: Sequence[bytes]) -> RootHash:
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for node in nodes[-2::-1]:
        root = sha256(b"\x01" + node + root).digest()
    return RootHash(root)


def _require_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise ProofShapeError("every hash has 32 bytes", expected=HASH_SIZE, found=len(value))


def _require_root(expected: bytes, computed: bytes) -> None:
    if expected != computed:
        raise RootMismatchError("the proof leads to another root", expected=expected, computed=computed)
