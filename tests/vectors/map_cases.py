"""The vectors of the map, the subject trees and subtrees; `core_cases` writes them with the others."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from chemtrace.core.map_pages import SparseMap
from chemtrace.core.merkle import MemoryTree, hash_leaf
from chemtrace.core.sparse_map import MapPath, encode_map_value, map_key
from chemtrace.core.subtree import subtree_consistency_path, subtree_inclusion_path, subtree_root

Case = tuple[str, str, str, dict[str, Any]]
SUBJECTS = [f"site:S-{number}" for number in range(20)]
ENTRIES = [(index, hash_leaf(b"entry %d" % index)) for index in (0, 3, 4, 9, 200)]


def map_cases() -> Iterator[Case]:
    """All cases: folder, name, operation, input."""
    yield from _roots()
    yield from _values()
    yield from _absences()
    yield from _subject_trees()
    yield from _subtrees()


def _value(number: int) -> bytes:
    return encode_map_value(number + 1, hash_leaf(b"root %d" % number), 2 * number + 1)


def _filled(count: int = len(SUBJECTS)) -> SparseMap:
    map_ = SparseMap(lambda _: None)
    map_.update({map_key(SUBJECTS[at]): sha256(_value(at)).digest() for at in range(count)})
    return map_


def _shown(path: MapPath) -> dict[str, Any]:
    siblings = [sibling.hex() for sibling in path.siblings]
    return {"depth": path.depth, "bitmap": path.bitmap.hex(), "siblings": siblings}


def _flipped(text: str, at: int = 0) -> str:
    data = bytearray.fromhex(text)
    data[at] ^= 1
    return data.hex()


def _roots() -> Iterator[Case]:
    for count in (0, 1, 2, 20):
        values = [[SUBJECTS[at], _value(at).hex()] for at in range(count)]
        yield "map", f"root-of-{count}", "map-root", {"values": values}


def _altered_paths(path: dict[str, Any]) -> dict[str, dict[str, Any]]:
    siblings, bitmap = path["siblings"], bytes.fromhex(path["bitmap"])
    return {
        "deeper": {**path, "depth": path["depth"] + 1},
        "depth-beyond-the-key": {**path, "depth": 257},
        "sibling-changed": {**path, "siblings": [_flipped(siblings[0]), *siblings[1:]]},
        "sibling-missing": {**path, "siblings": siblings[:-1]},
        "sibling-too-many": {**path, "siblings": [*siblings, siblings[0]]},
        "sibling-short": {**path, "siblings": [siblings[0][:-2], *siblings[1:]]},
        "sibling-written-though-empty": {**path, "siblings": [*siblings[:-1], "00" * 32]},
        "bitmap-short": {**path, "bitmap": bitmap[:-1].hex()},
        "bitmap-long": {**path, "bitmap": bitmap.hex() + "00"},
        "bitmap-unused-bit": {**path, "bitmap": bytes([*bitmap[:-1], bitmap[-1] | 1]).hex()},
        "lowest-sibling-empty": {**path, "bitmap": bytes([bitmap[0] & 0x7F, *bitmap[1:]]).hex()},
    }


def _values() -> Iterator[Case]:
    map_, number = _filled(), 7
    value, path = _value(number), _shown(map_.prove(map_key(SUBJECTS[number])))
    good = {"root": map_.root().hex(), "subject": SUBJECTS[number], "value": value.hex(), "path": path}
    changes: dict[str, dict[str, Any]] = {
        "value": {},
        "value-of-another-subject": {"subject": SUBJECTS[number + 1]},
        "value-one-event-fewer": {"value": (number.to_bytes(8, "big") + value[8:]).hex()},
        "value-other-last-index": {"value": _flipped(value.hex(), 47)},
        "value-other-root": {"root": _filled(19).root().hex()},
    }
    changes |= {f"value-{name}": {"path": altered} for name, altered in _altered_paths(path).items()}
    for name, change in changes.items():
        yield "map", name, "map-value", {**good, **change}
    alone = _filled(1)
    path = _shown(alone.prove(map_key(SUBJECTS[0])))
    only = {"root": alone.root().hex(), "subject": SUBJECTS[0], "value": _value(0).hex(), "path": path}
    yield "map", "value-alone", "map-value", only


def _absences() -> Iterator[Case]:
    map_ = _filled()
    root = map_.root().hex()
    absent = [f"licence:L-{number}" for number in range(100)]
    beside = next(subject for subject in absent if map_.find(map_key(subject)) is not None)
    empty = next(subject for subject in absent if map_.find(map_key(subject)) is None)
    leaf = map_.find(map_key(beside))
    other = {"key": leaf.key.hex(), "value_hash": leaf.value_hash.hex()} if leaf else {}
    path = _shown(map_.prove(map_key(beside)))
    by_leaf = {"root": root, "subject": beside, "path": path, "other": other}
    by_empty = {
        "root": root, "subject": empty, "path": _shown(map_.prove(map_key(empty))), "other": None,
    }  # fmt: skip
    own = map_.find(map_key(SUBJECTS[0]))
    own_leaf = {"key": own.key.hex(), "value_hash": own.value_hash.hex()} if own else {}
    present = {
        "root": root, "subject": SUBJECTS[0], "path": _shown(map_.prove(map_key(SUBJECTS[0]))),
    }  # fmt: skip
    nothing = {"root": "00" * 32, "subject": beside, "path": _shown(MapPath(0, b"", ())), "other": None}
    changes: dict[str, dict[str, Any]] = {
        "absence-beside-a-leaf": by_leaf,
        "absence-in-an-empty-place": by_empty,
        "absence-in-the-empty-map": nothing,
        "absence-of-what-is-there": {**present, "other": own_leaf},
        "absence-of-what-is-there-as-empty": {**present, "other": None},
        "absence-leaf-elsewhere": {**by_leaf, "other": {**other, "key": map_key(beside)[::-1].hex()}},
        "absence-leaf-changed": {**by_leaf, "other": {**other, "value_hash": _flipped(other["value_hash"])}},
        "absence-leaf-hidden": {**by_leaf, "other": None},
        "absence-key-short": {**by_leaf, "other": {**other, "key": other["key"][:-2]}},
        "absence-other-root": {**by_leaf, "root": "00" * 32},
    }
    for name, altered in _altered_paths(path).items():
        changes[f"absence-{name}"] = {**by_leaf, "path": altered}
    for name, given in changes.items():
        yield "map", name, "map-absence", given


def _subject_trees() -> Iterator[Case]:
    good = [[index, leaf.hex()] for index, leaf in ENTRIES]
    for name, entries in {
        "one": good[:1],
        "five": good,
        "none": [],
        "twice": [*good, good[-1]],
        "backwards": [good[1], good[0]],
        "index-negative": [[-1, good[0][1]]],
        "index-beyond-64-bits": [[2**64, good[0][1]]],
        "leaf-short": [[0, good[0][1][:-2]]],
    }.items():
        yield "subject-tree", name, "subject-tree", {"entries": entries}


def _subtrees() -> Iterator[Case]:
    tree = MemoryTree([hash_leaf(b"entry %d" % at) for at in range(14)])
    start, end, size = 8, 13, 14
    root = subtree_root(start, end, tree.node).hex()
    path = [node.hex() for node in subtree_inclusion_path(11, start, end, tree.node)]
    good = {
        "leaf": tree.node(0, 11).hex(),
        "index": 11,
        "start": start,
        "end": end,
        "path": path,
        "root": root,
    }
    for name, change in {
        "inclusion": {},
        "inclusion-other-index": {"index": 10},
        "inclusion-outside": {"index": 13},
        "inclusion-before": {"index": 7},
        "inclusion-no-subtree": {"start": 9},
        "inclusion-empty": {"end": 8},
        "inclusion-path-short": {"path": path[:-1]},
        "inclusion-other-root": {"root": tree.root().hex()},
    }.items():
        yield "subtree", name, "subtree-inclusion", {**good, **change}
    proof = [node.hex() for node in subtree_consistency_path(start, end, size, tree.node)]
    kept = {
        "start": start,
        "end": end,
        "size": size,
        "subtree": root,
        "root": tree.root().hex(),
        "path": proof,
    }
    nothing = sha256(b"").hexdigest()
    for name, change in {
        "consistency": {},
        "consistency-empty-subtree": {"end": start, "subtree": nothing, "path": []},
        "consistency-empty-subtree-other-root": {"end": start, "path": []},
        "consistency-whole-tree": {"start": 0, "end": size, "subtree": tree.root().hex(), "path": []},
        "consistency-no-subtree": {"start": 9},
        "consistency-beyond-the-tree": {"size": 12},
        "consistency-other-subtree": {"subtree": tree.root().hex()},
        "consistency-other-root": {"root": root},
        "consistency-path-short": {"path": proof[:-1]},
        "consistency-path-long": {"path": [*proof, proof[0]]},
        "consistency-hash-short": {"path": [proof[0][:-2], *proof[1:]]},
    }.items():
        yield "subtree", name, "subtree-consistency", {**kept, **change}
