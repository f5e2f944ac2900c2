"""The outside vectors of the map: ICS23 proofs of its `SmtSpec`, put into the form of contracts/specs/map.md.

ICS23 shows absence by the two neighbours; here it is shown by the place where the key would stand. Both say the same
of the tree: the neighbour that shares more bits with the key stands at that place, or beside it.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chemtrace.core.sparse_map import (
    EMPTY,
    MapLeaf,
    MapPath,
    hash_map_leaf,
    hash_map_node,
    root_from_map_absence,
    root_from_map_path,
)

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "ics23" / "smt"
NAMES = [f"{kind}_{place}" for kind in ("exist", "nonexist") for place in ("left", "middle", "right")]


class Existence(NamedTuple):
    """An ICS23 existence proof: (prefix, suffix) of each step, lowest first."""

    key: bytes
    value: bytes
    steps: list[tuple[bytes, bytes]]

    def siblings(self) -> list[bytes]:
        found = []
        for (prefix, suffix), bit in zip(
            self.steps, reversed(bits(self.key)[: len(self.steps)]), strict=True
        ):
            assert prefix[:1] == b"\x01"
            assert (prefix[1:] == b"") != (suffix == b"") == bool(bit)
            found.append(prefix[1:] or suffix)
        return found


def bits(key: bytes) -> list[int]:
    number = int.from_bytes(sha256(key).digest(), "big")
    return [number >> 255 - at & 1 for at in range(256)]


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message: varints and byte strings."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = varint()
        value: Any = varint()
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        yield tag >> 3, value


def existence(data: bytes) -> Existence:
    message = list(fields(data))
    one = dict(message)
    # Leaf operation: SHA-256 of SHA-256 of key and of value, prefix 0x00.
    assert dict(fields(one[3])) == {1: 1, 2: 1, 3: 1, 5: b"\x00"}
    steps = [dict(fields(value)) for number, value in message if number == 4]
    assert all(step[1] == 1 for step in steps)
    return Existence(one[1], one[2], [(step[2], step.get(3, b"")) for step in steps])


def path_of(siblings: list[bytes]) -> MapPath:
    flags = "".join("0" if sibling == EMPTY else "1" for sibling in siblings)
    bitmap = bytes(int(flags[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(flags), 8))
    return MapPath(len(siblings), bitmap, tuple(sibling for sibling in siblings if sibling != EMPTY))


def absence(key: bytes, neighbours: list[Existence]) -> tuple[MapPath, MapLeaf | None]:
    """The path of the place of an absent key, from its neighbours' proofs."""

    def shared(other: bytes) -> int:
        pairs = zip(bits(key), bits(other), strict=True)
        return next(at for at, (mine, theirs) in enumerate(pairs) if mine != theirs)

    near = max(neighbours, key=lambda neighbour: shared(neighbour.key))
    siblings, common = near.siblings(), shared(near.key)
    leaf = MapLeaf(sha256(near.key).digest(), sha256(near.value).digest())
    if common >= len(siblings):
        return path_of(siblings), leaf
    # The key leaves the neighbour's way at `common`, into an empty place beside it.
    node, step = hash_map_leaf(*leaf), len(siblings) - 1 - common
    for at, sibling in enumerate(siblings[:step]):
        right = bits(near.key)[len(siblings) - 1 - at]
        node = hash_map_node(sibling, node) if right else hash_map_node(node, sibling)
    assert siblings[step] == EMPTY
    return path_of([node, *siblings[step + 1 :]]), None


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the ICS23 vectors are not beside this checkout")
def test_all_ics23_proofs_of_the_sparse_map_hold() -> None:
    files = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(VECTORS.glob("*.json"))
    }
    assert sorted(files) == NAMES
    passed = 0
    for case in files.values():
        root, key, value = (bytes.fromhex(case[name]) for name in ("root", "key", "value"))
        ((kind, proof),) = fields(bytes.fromhex(case["proof"]))
        hashed = sha256(key).digest()
        if kind == 1:
            shown = existence(proof)
            assert (shown.key, shown.value) == (key, value)
            assert root_from_map_path(hashed, value, path_of(shown.siblings())) == root
        else:
            parts = dict(fields(proof))
            assert parts[1] == hashed
            path, other = absence(key, [existence(parts[side]) for side in (2, 3) if side in parts])
            assert root_from_map_absence(hashed, path, other) == root
        passed += 1
    assert passed == 6
