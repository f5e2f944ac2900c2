"""Trees: RFC 9162 exactly, for every size, and no forged proof."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.errors import ProofShapeError, RefusedError, RootMismatchError
from chemtrace.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    MemoryTree,
    consistency_path,
    hash_leaf,
    inclusion_path,
    parse_compact_range,
    root_from_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.oracle import merkle_naive

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "rfc6962-merkle"
DATA = [b"entry %d" % at for at in range(64)]
LEAVES = [hash_leaf(data) for data in DATA]
TREE = MemoryTree(LEAVES)

shared_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the shared vectors are not beside this checkout"
)


def test_roots_of_all_sizes_equal_the_standard() -> None:
    range_ = CompactRange()
    for size in range(65):
        want = merkle_naive.mth(DATA[:size])
        assert want == range_.root() == TREE.root(size) == tree_root(LEAVES[:size])
        if size < 64:
            range_.append(LEAVES[size])
    assert TREE.root() == merkle_naive.mth(DATA)
    assert TREE.size == 64


@pytest.mark.parametrize("size", range(1, 65))
def test_inclusion_of_all_leaves_equals_the_standard(size: int) -> None:
    root = TREE.root(size)
    for index in range(size):
        path = inclusion_path(index, size, TREE.node)
        assert list(path) == merkle_naive.path(index, DATA[:size])
        verify_inclusion(leaf_hash=LEAVES[index], index=index, size=size, path=path, root=root)


@pytest.mark.parametrize("new_size", range(1, 65))
def test_consistency_of_all_sizes_equals_the_standard(new_size: int) -> None:
    for old_size in range(1, new_size + 1):
        path = consistency_path(old_size, new_size, TREE.node)
        assert list(path) == merkle_naive.proof(old_size, DATA[:new_size])
        verify_consistency(
            old_size=old_size,
            new_size=new_size,
            old_root=TREE.root(old_size),
            new_root=TREE.root(new_size),
            path=path,
        )


@given(st.integers(1, 64), st.data())
def test_a_forged_inclusion_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = list(inclusion_path(index, size, TREE.node))
    root = TREE.root(size)
    part = data.draw(st.integers(0, len(path) + 1))
    parts = [LEAVES[index], root, *path]
    forged = bytearray(parts[part])
    bit = data.draw(st.integers(0, 255))
    forged[bit // 8] ^= 1 << bit % 8
    parts[part] = bytes(forged)
    with pytest.raises(RootMismatchError):
        verify_inclusion(leaf_hash=parts[0], index=index, size=size, path=parts[2:], root=parts[1])
    for wrong in ([*path, bytes(32)], path[:-1], [*path[:-1], b"short"]):
        if wrong != path:
            with pytest.raises((ProofShapeError, RootMismatchError)):
                verify_inclusion(leaf_hash=LEAVES[index], index=index, size=size, path=wrong, root=root)


@given(st.integers(1, 64), st.integers(0, 70), st.integers(0, 70))
def test_a_leaf_is_proved_at_its_own_place_only(size: int, index: int, claimed: int) -> None:
    index %= size
    if claimed == index:
        return
    path = inclusion_path(index, size, TREE.node)
    with pytest.raises((ProofShapeError, RootMismatchError)):
        verify_inclusion(leaf_hash=LEAVES[index], index=claimed, size=size, path=path, root=TREE.root(size))


@given(st.integers(2, 64), st.data())
def test_a_forged_consistency_is_refused(new_size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, new_size - 1))
    path = consistency_path(old_size, new_size, TREE.node)
    parts = [TREE.root(old_size), TREE.root(new_size), *path]
    part, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    forged = bytearray(parts[part])
    forged[bit // 8] ^= 1 << bit % 8
    old_root, new_root, *changed = [*parts[:part], bytes(forged), *parts[part + 1 :]]
    with pytest.raises(RootMismatchError):
        verify_consistency(
            old_size=old_size, new_size=new_size, old_root=old_root, new_root=new_root, path=changed
        )


def test_both_roots_of_a_mismatch_are_shown() -> None:
    with pytest.raises(RootMismatchError) as caught:
        verify_inclusion(leaf_hash=LEAVES[0], index=0, size=1, path=(), root=LEAVES[1])
    assert caught.value.fields == {"expected": LEAVES[1], "computed": LEAVES[0]}


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (5, 3)])
def test_leaves_outside_the_tree_have_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofShapeError):
        inclusion_path(index, size, TREE.node)
    with pytest.raises(ProofShapeError):
        root_from_inclusion(leaf_hash=LEAVES[0], index=index, size=size, path=())


@pytest.mark.parametrize(("old_size", "new_size"), [(0, 3), (4, 3), (-1, 3)])
def test_sizes_that_make_no_sense_have_no_proof(old_size: int, new_size: int) -> None:
    with pytest.raises(ProofShapeError):
        consistency_path(old_size, new_size, TREE.node)
    with pytest.raises(ProofShapeError):
        verify_consistency(
            old_size=old_size, new_size=new_size, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, path=()
        )


def test_memory_tree_has_no_nodes_outside_itself() -> None:
    for level, index in ((0, 64), (6, 1), (7, 0)):
        with pytest.raises(IndexError):
            TREE.node(level, index)


@given(st.integers(0, 200), st.integers(0, 60))
def test_a_stored_compact_range_goes_on_where_it_stopped(size: int, more: int) -> None:
    leaves = [hash_leaf(at.to_bytes(2, "big")) for at in range(size + more)]
    whole = CompactRange()
    whole.extend(leaves[:size])
    again = parse_compact_range(size, whole.encode())
    again.extend(leaves[size:])
    assert again.root() == tree_root(leaves)


@pytest.mark.parametrize(
    ("size", "data"), [(1, b""), (3, bytes(32)), (0, bytes(32)), (1, bytes(31)), (-1, bytes(32))]
)
def test_a_damaged_compact_range_is_refused(size: int, data: bytes) -> None:
    with pytest.raises(ProofShapeError):
        parse_compact_range(size, data)


# --- vectors of transparency-dev/merkle ------------------------------------------------------------------


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text or "") for text in texts or ()]


def passes(case: dict[str, Any]) -> bool:
    try:
        if "leafIdx" in case:
            leaf, root = hashes([case["leafHash"], case["root"]])
            verify_inclusion(
                leaf_hash=leaf,
                index=case["leafIdx"],
                size=case["treeSize"],
                path=hashes(case["proof"]),
                root=root,
            )
        else:
            old_root, new_root = hashes([case["root1"], case["root2"]])
            verify_consistency(
                old_size=case["size1"],
                new_size=case["size2"],
                old_root=old_root,
                new_root=new_root,
                path=hashes(case["proof"]),
            )
    except RefusedError:
        return False
    return True


@shared_vectors
@pytest.mark.parametrize(("kind", "number"), [("inclusion", 98), ("consistency", 98)])
def test_published_vectors(kind: str, number: int) -> None:
    files = sorted((VECTORS / kind).rglob("*.json"))
    assert len(files) == number
    for file in files:
        case = json.loads(file.read_text())
        values = hashes([case.get(name) for name in ("leafHash", "root", "root1", "root2") if name in case])
        # Two vectors use placeholders for hashes; here every hash has 32 bytes.
        want = not case["wantErr"] and all(len(value) == 32 for value in values)
        assert passes(case) == want, file
