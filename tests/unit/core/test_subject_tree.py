"""A subject's tree: RFC 6962 over (index, leaf hash), in the order of the log, whole however it was stored."""

import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.errors import EventOrderError, MapProofError, ProofShapeError
from chemtrace.core.sparse_map import parse_map_value
from chemtrace.core.subject_tree import SubjectTree, hash_subject_leaf, parse_subject_tree, subject_root
from tests.oracle import merkle_naive

histories = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40, unique=True).map(
    lambda indexes: [(index, sha256(struct.pack(">Q", index)).digest()) for index in sorted(indexes)]
)


@given(histories, st.integers(0, 40))
def test_the_root_is_that_of_the_plain_tree_also_when_stored_between(
    history: list[tuple[int, bytes]], stop: int
) -> None:
    tree = SubjectTree()
    for index, leaf in history[:stop]:
        tree.append(index, leaf)
    tree = parse_subject_tree(tree.count, tree.last_index, tree.encode())
    for index, leaf in history[stop:]:
        tree.append(index, leaf)
    root = merkle_naive.mth([struct.pack(">Q", index) + leaf for index, leaf in history])
    assert tree.root() == subject_root(history) == root
    value = parse_map_value(tree.value())
    assert (value.count, value.root, value.last) == (len(history), root, history[-1][0])


def test_an_entry_out_of_order_is_refused() -> None:
    tree = SubjectTree()
    tree.append(5, bytes(32))
    for index in (5, 4, -1):
        with pytest.raises(EventOrderError):
            tree.append(index, bytes(32))
    assert tree.count == 1
    with pytest.raises(EventOrderError):
        subject_root([(2, bytes(32)), (1, bytes(32))])


def test_a_leaf_needs_an_index_of_64_bits_and_a_hash_of_32_bytes() -> None:
    for index, leaf in ((-1, bytes(32)), (2**64, bytes(32)), (0, bytes(31))):
        with pytest.raises(EventOrderError):
            hash_subject_leaf(index, leaf)


def test_a_stored_tree_that_contradicts_itself_is_refused() -> None:
    for count, last in ((3, 1), (0, 0), (1, -1)):
        with pytest.raises(EventOrderError):
            parse_subject_tree(count, last, bytes(32) * count.bit_count())
    for nodes in (b"", bytes(31), bytes(64)):
        with pytest.raises(ProofShapeError):
            parse_subject_tree(1, 0, nodes)


def test_the_empty_tree_has_no_value() -> None:
    with pytest.raises(MapProofError):
        SubjectTree().value()
