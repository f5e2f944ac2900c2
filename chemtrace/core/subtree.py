"""Proofs about part of a log: subtrees of draft-ietf-plants-merkle-tree-certs, section 4.

A subtree [start, end) covers the leaves start … end - 1, where start is a multiple of the smallest power of two that
is not below end - start. Its root is the RFC 6962 root over these leaves alone. Inclusion says that a leaf stands in a
subtree; consistency says that the subtree is part of the tree of a given size. Mirrors and monitors use them to check
a stretch of the log without all that lies before it.
"""

from collections.abc import Sequence

from chemtrace.core.errors import ProofShapeError, RootMismatchError
from chemtrace.core.merkle import (
    EMPTY_ROOT,
    ReadNode,
    hash_node,
    inclusion_path,
    verify_inclusion,
)
from chemtrace.core.types import HASH_SIZE, RootHash


def is_subtree(start: int, end: int) -> bool:
    """Whether [start, end) is a subtree: 0 <= start < end, and start a multiple of the power of two that covers it."""
    return 0 <= start < end and start & (1 << (end - start - 1).bit_length()) - 1 == 0


def subtree_root(start: int, end: int, read_node: ReadNode) -> RootHash:
    """Return the root over the leaves of a subtree, from perfect nodes; raises `ProofShapeError`."""
    _require_subtree(start, end)
    return _hash_range(start, end, read_node)


def subtree_inclusion_path(index: int, start: int, end: int, read_node: ReadNode) -> tuple[bytes, ...]:
    """Return the path of leaf `index` of the log in the subtree, lowest sibling first (section 4.3).

    Raises:
        ProofShapeError: [start, end) is no subtree, or the leaf stands outside it.
    """
    _require_subtree(start, end)
    return inclusion_path(
        index - start, end - start, lambda level, at: read_node(level, at + (start >> level))
    )


def verify_subtree_inclusion(
    *, leaf_hash: bytes, index: int, start: int, end: int, path: Sequence[bytes], root: bytes
) -> None:
    """Verify that `leaf_hash` stands at `index` of the log, within the subtree under `root` (section 4.3.2).

    Raises:
        ProofShapeError: [start, end) is no subtree, the index lies outside it, or the path is malformed.
        RootMismatchError: the path leads to another root; carries both.
    """
    _require_subtree(start, end)
    verify_inclusion(leaf_hash=leaf_hash, index=index - start, size=end - start, path=path, root=root)


def subtree_consistency_path(start: int, end: int, size: int, read_node: ReadNode) -> tuple[bytes, ...]:
    """Return the proof that the subtree is part of the tree of `size` leaves (section 4.4.1).

    Raises:
        ProofShapeError: [start, end) is no subtree, or reaches beyond the tree.
    """
    _require_subtree(start, end)
    if end > size:
        raise ProofShapeError("the subtree reaches beyond the tree", end=end, size=size)
    low, high, ranges = 0, size, []
    while (low, high) != (start, end):
        if low >= start and high == end:
            # Only the right edge of the subtree is left, and the verifier does not have it on its own.
            ranges.append((low, high))
            break
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        if end <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return tuple([_hash_range(first, last, read_node) for first, last in reversed(ranges)])


def verify_subtree_consistency(
    *, start: int, end: int, size: int, subtree: bytes, root: bytes, path: Sequence[bytes]
) -> None:
    """Verify that the subtree with root `subtree` is part of the tree of `size` leaves under `root` (section 4.4.3).

    The empty subtree (start = end) is part of every tree that reaches so far: its root is that of no leaves and its
    proof is empty.

    Raises:
        ProofShapeError: no subtree, one that reaches beyond the tree, or a malformed proof.
        RootMismatchError: the proof leads to another root of the subtree or of the tree; carries both.
    """
    if 0 <= start == end <= size:
        _require_length(0, path)
        _require_root(EMPTY_ROOT, subtree)
        return
    _require_subtree(start, end)
    if end > size:
        raise ProofShapeError("the subtree reaches beyond the tree", end=end, size=size)
    for node in (subtree, root, *path):
        if len(node) != HASH_SIZE:
            raise ProofShapeError("every hash has 32 bytes", expected=HASH_SIZE, found=len(node))
    part, whole = _roots_from_path((start, end, size), subtree, path)
    _require_root(subtree, part)
    _require_root(root, whole)


def _roots_from_path(
    stretch: tuple[int, int, int], subtree: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Return the roots of subtree and tree that a proof leads to; `stretch` is start, end and the tree's size."""
    start, end, size = stretch
    first, last, tail = start, end - 1, size - 1
    while first != last and (last == tail or last & 1):
        first, last, tail = first >> 1, last >> 1, tail >> 1
    rest = list(path)
    if first == last:
        part = whole = subtree
    elif rest:
        part = whole = rest.pop(0)
    else:
        raise ProofShapeError("the proof of consistency is too short", found=0)
    for sibling in rest:
        if not tail:
            raise ProofShapeError("the proof of consistency is too long", found=len(path))
        if last & 1 or last == tail:
            if first < last:
                part = hash_node(sibling, part)
            whole = hash_node(sibling, whole)
            while not last & 1:
                first, last, tail = first >> 1, last >> 1, tail >> 1
        else:
            whole = hash_node(whole, sibling)
        first, last, tail = first >> 1, last >> 1, tail >> 1
    if tail:
        raise ProofShapeError("the proof of consistency is too short", found=len(path))
    return part, whole


def _hash_range(start: int, end: int, read_node: ReadNode) -> RootHash:
    """Hash of the leaves start … end - 1, where start is a multiple of every power of two that fits in."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(read_node(level, start >> level))
        start += 1 << level
    root = nodes.pop()
    while nodes:
        root = hash_node(nodes.pop(), root)
    return RootHash(root)


def _require_subtree(start: int, end: int) -> None:
    if not is_subtree(start, end):
        raise ProofShapeError(
            "a subtree starts at a multiple of the power of two that covers it", start=start, end=end
        )


def _require_length(expected: int, path: Sequence[bytes]) -> None:
    if len(path) != expected:
        raise ProofShapeError("the proof has a wrong length", expected=expected, found=len(path))


def _require_root(expected: bytes, computed: bytes) -> None:
    if expected != computed:
        raise RootMismatchError("the proof leads to another root", expected=expected, computed=computed)
