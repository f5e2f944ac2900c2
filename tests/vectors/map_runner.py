"""How the vectors of the map, the subject trees and subtrees are run; `core_runner` knows them by their `op`."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from chemtrace.core.map_pages import SparseMap
from chemtrace.core.sparse_map import MapPath, map_key, verify_map_absence, verify_map_value
from chemtrace.core.subject_tree import SubjectTree
from chemtrace.core.subtree import verify_subtree_consistency, verify_subtree_inclusion


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


def _path(given: dict[str, Any]) -> MapPath:
    return MapPath(given["depth"], _bytes(given["bitmap"]), tuple(map(_bytes, given["siblings"])))


def _map_root(given: dict[str, Any]) -> Any:
    map_ = SparseMap(lambda _: None)
    return map_.update(
        {map_key(subject): sha256(_bytes(value)).digest() for subject, value in given["values"]}
    ).hex()


def _map_value(given: dict[str, Any]) -> Any:
    verify_map_value(
        root=_bytes(given["root"]),
        subject=given["subject"],
        value=_bytes(given["value"]),
        path=_path(given["path"]),
    )
    return True


def _map_absence(given: dict[str, Any]) -> Any:
    other = given["other"]
    verify_map_absence(
        root=_bytes(given["root"]),
        subject=given["subject"],
        path=_path(given["path"]),
        other=None if other is None else (_bytes(other["key"]), _bytes(other["value_hash"])),
    )
    return True


def _subject_tree(given: dict[str, Any]) -> Any:
    tree = SubjectTree()
    for index, leaf in given["entries"]:
        tree.append(index, _bytes(leaf))
    return {"root": tree.root().hex(), "value": tree.value().hex(), "nodes": tree.encode().hex()}


def _subtree_inclusion(given: dict[str, Any]) -> Any:
    verify_subtree_inclusion(
        leaf_hash=_bytes(given["leaf"]),
        index=given["index"],
        start=given["start"],
        end=given["end"],
        path=[_bytes(text) for text in given["path"]],
        root=_bytes(given["root"]),
    )
    return True


def _subtree_consistency(given: dict[str, Any]) -> Any:
    verify_subtree_consistency(
        start=given["start"],
        end=given["end"],
        size=given["size"],
        subtree=_bytes(given["subtree"]),
        root=_bytes(given["root"]),
        path=[_bytes(text) for text in given["path"]],
    )
    return True


MAP_OPERATIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "map-root": _map_root,
    "map-value": _map_value,
    "map-absence": _map_absence,
    "subject-tree": _subject_tree,
    "subtree-inclusion": _subtree_inclusion,
    "subtree-consistency": _subtree_consistency,
}
