"""The sparse map word for word from contracts/specs/map.md: recursive over the whole dictionary, slow, obvious."""

import hashlib

EMPTY = bytes(32)


def bit(key: bytes, i: int) -> int:
    """Bit i of a key, the most significant first."""
    return key[i // 8] >> (7 - i % 8) & 1


def node(leaves: dict[bytes, bytes], depth: int = 0) -> bytes:
    """The node over all leaves (key to value hash) that share the first `depth` bits."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        ((key, value_hash),) = leaves.items()
        return hashlib.sha256(b"\x00" + key + value_hash).digest()
    halves = [{k: v for k, v in leaves.items() if bit(k, depth) == side} for side in (0, 1)]
    return hashlib.sha256(b"\x01" + node(halves[0], depth + 1) + node(halves[1], depth + 1)).digest()


def place(leaves: dict[bytes, bytes], key: bytes) -> tuple[list[bytes], dict[bytes, bytes]]:
    """The siblings on the way down to where `key` leads, from the root; and what stands there: a leaf or nothing."""
    siblings: list[bytes] = []
    while len(leaves) > 1:
        depth = len(siblings)
        other = {k: v for k, v in leaves.items() if bit(k, depth) != bit(key, depth)}
        siblings.append(node(other, depth + 1))
        leaves = {k: v for k, v in leaves.items() if k not in other}
    return siblings, leaves
