"""The map from each subject to the whole of its history: a sparse Merkle tree of depth 256, and its proofs.

key = SHA-256(subject id), value = u64be count ‖ root of the subject's tree ‖ u64be last index (48 bytes):

    leaf node  = SHA-256(0x00 ‖ key ‖ SHA-256(value))      at the shallowest depth at which it is alone
    inner node = SHA-256(0x01 ‖ left ‖ right)
    empty      = 32 zero bytes; nothing stands over two empties

Bit i of a key counts from the most significant; bit 0 chooses below the root. Hashing is that of the `SmtSpec` of
ICS23, so that its vectors hold here. A path names the sibling at every level, those that are not empty in full.
Byte-exact form: contracts/specs/map.md.
"""

from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from chemtrace.core.errors import MapProofError
from chemtrace.core.types import HASH_SIZE, RootHash

EMPTY: Final = RootHash(bytes(HASH_SIZE))
"""The empty node, and the root of the map without subjects."""

KEY_BITS: Final = 256
"""Levels of the tree: bits of a key."""

VALUE_SIZE: Final = 48
"""Bytes of a value."""

_COUNT_BYTES: Final = 8


class MapPath(msgspec.Struct, frozen=True):
    """The siblings on the way from a place at `depth` up to the root, as contracts/specs/map.md writes them.

    Bit j of `bitmap`, counted from the most significant bit of its first byte, says that the sibling of step j is not
    empty; `siblings` are those, lowest first. Nothing is checked before a path is used.
    """

    depth: int
    bitmap: bytes
    siblings: tuple[bytes, ...]


class MapLeaf(NamedTuple):
    """What a leaf of the map binds: the key (32 bytes) and SHA-256 of the value."""

    key: bytes
    value_hash: bytes


class MapValue(msgspec.Struct, frozen=True):
    """What the map says of a subject: how many entries name it, the root over them, the index of the last."""

    count: int
    root: bytes
    last: int


def map_key(subject: str) -> bytes:
    """Return SHA-256 of the subject id in UTF-8."""
    return sha256(subject.encode()).digest()


def encode_map_value(count: int, root: bytes, last: int) -> bytes:
    """Return the 48 bytes of a value.

    Raises:
        MapProofError: count below 1, a root that has not 32 bytes, or an index before count - 1 or beyond 64 bits.
    """
    if count < 1 or len(root) != HASH_SIZE or not count - 1 <= last < 1 << 64:
        raise MapProofError(
            "no history has this count, root and last index", count=count, root=root, last=last
        )
    return count.to_bytes(_COUNT_BYTES, "big") + root + last.to_bytes(_COUNT_BYTES, "big")


def parse_map_value(value: bytes) -> MapValue:
    """Return what `encode_map_value` wrote; raises `MapProofError`."""
    if len(value) != VALUE_SIZE:
        raise MapProofError("a value of the map has 48 bytes", expected=VALUE_SIZE, found=len(value))
    end = _COUNT_BYTES + HASH_SIZE
    parsed = MapValue(
        int.from_bytes(value[:_COUNT_BYTES], "big"),
        value[_COUNT_BYTES:end],
        int.from_bytes(value[end:], "big"),
    )
    encode_map_value(parsed.count, parsed.root, parsed.last)
    return parsed


def hash_map_leaf(key: bytes, value_hash: bytes) -> bytes:
    """Return SHA-256(0x00 || key || value_hash)."""
    return sha256(b"\x00" + key + value_hash).digest()


def hash_map_node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root_from_map_path(key: bytes, value: bytes, path: MapPath) -> RootHash:
    """Return the root that a path leads to from the leaf of `key` (32 bytes) and the bytes of its value.

    Raises:
        MapProofError: the key has not 32 bytes, or the path is not in its one form.
    """
    _require_path(key, path)
    return _climb(hash_map_leaf(key, sha256(value).digest()), key, path)


def root_from_map_absence(key: bytes, path: MapPath, other: tuple[bytes, bytes] | None) -> RootHash:
    """Return the root that the path of an absent `key` (32 bytes) leads to; `other` as `verify_map_absence` says.

    Raises:
        MapProofError: a malformed path, or a leaf that stands elsewhere or is that of `key` itself.
    """
    _require_path(key, path)
    if other is None:
        return _climb(EMPTY, key, path)
    leaf = MapLeaf(*other)
    if len(leaf.key) != HASH_SIZE or len(leaf.value_hash) != HASH_SIZE:
        raise MapProofError(
            "a leaf has a key and a hash of 32 bytes", key=leaf.key, value_hash=leaf.value_hash
        )
    if not _shares(key, leaf.key, path.depth):
        raise MapProofError("the leaf shown does not stand where the key's would", depth=path.depth, key=key)
    return _climb(hash_map_leaf(*leaf), key, path)


def verify_map_value(*, root: bytes, subject: str, value: bytes, path: MapPath) -> None:
    """Verify that the map under `root` holds exactly `value` for `subject`.

    Raises:
        MapProofError: a malformed path, or one that leads to another root; carries both.
    """
    _require_root(root, root_from_map_path(map_key(subject), value, path), subject)


def verify_map_absence(
    *, root: bytes, subject: str, path: MapPath, other: tuple[bytes, bytes] | None
) -> None:
    """Verify that the map under `root` holds nothing for `subject`: no entry names it.

    `other` is (key, SHA-256 of the value) of the one leaf that stands where the subject's would, or None when that
    place is empty.

    Raises:
        MapProofError: a malformed path, a leaf that stands elsewhere or is the subject's own, or another root.
    """
    _require_root(root, root_from_map_absence(map_key(subject), path, other), subject)


def _climb(node: bytes, key: bytes, path: MapPath) -> RootHash:
    siblings = iter(path.siblings)
    number, depth = int.from_bytes(key, "big") >> KEY_BITS - path.depth, path.depth
    for step in range(depth):
        sibling = next(siblings) if path.bitmap[step // 8] & 0x80 >> step % 8 else EMPTY
        right = number >> step & 1
        node = hash_map_node(sibling, node) if right else hash_map_node(node, sibling)
    return RootHash(node)


def _shares(key: bytes, other: bytes, depth: int) -> bool:
    """Whether another key shares the first `depth` bits, and is another."""
    differing = int.from_bytes(key, "big") ^ int.from_bytes(other, "big")
    return 0 < differing < 1 << KEY_BITS - depth


def _require_path(key: bytes, path: MapPath) -> None:
    """A path has one form only: no byte of it may differ and still be taken."""
    depth, bitmap = path.depth, path.bitmap
    if len(key) != HASH_SIZE or not 0 <= depth <= KEY_BITS:
        raise MapProofError("a key has 32 bytes and a path up to 256 steps", key=key, depth=depth)
    unused = -depth % 8
    flags = int.from_bytes(bitmap, "big")
    if len(bitmap) != (depth + 7) // 8 or flags & (1 << unused) - 1:
        raise MapProofError("the bitmap has one bit a step and no others", depth=depth, bitmap=bitmap)
    if len(path.siblings) != flags.bit_count() or any(
        len(sibling) != HASH_SIZE or sibling == EMPTY for sibling in path.siblings
    ):
        raise MapProofError(
            "the siblings are not the 32-byte hashes that the bitmap announces",
            expected=flags.bit_count(),
            found=len(path.siblings),
        )
    if depth and not bitmap[0] & 0x80:
        # A leaf or an empty place without sibling would stand higher up.
        raise MapProofError("the lowest sibling of a path is never empty", depth=depth, bitmap=bitmap)


def _require_root(expected: bytes, computed: bytes, subject: str) -> None:
    if expected != computed:
        raise MapProofError(
            "the path through the map leads to another root",
            subject=subject,
            expected=expected,
            computed=computed,
        )
