"""The map of subjects: roots and paths as the naive tree has them, nothing else taken for a proof."""

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.errors import MapBrokenError, MapProofError
from chemtrace.core.map_pages import SparseMap
from chemtrace.core.sparse_map import (
    EMPTY,
    MapPath,
    encode_map_value,
    hash_map_leaf,
    map_key,
    parse_map_value,
    root_from_map_path,
    verify_map_absence,
    verify_map_value,
)
from tests.oracle import map_naive

SUBJECTS = [f"party:{number}" for number in range(60)]
VALUES = {
    subject: encode_map_value(number + 1, sha256(subject.encode()).digest(), number + 7)
    for number, subject in enumerate(SUBJECTS)
}
LEAVES = {map_key(subject): sha256(value).digest() for subject, value in VALUES.items()}


class Shelf(dict[str, bytes]):
    """A store of pages."""

    def open(self, *, cache_pages: int = 1_000) -> SparseMap:
        return SparseMap(self.get, cache_pages=cache_pages)


def fill(*batches: dict[bytes, bytes]) -> tuple[Shelf, SparseMap]:
    shelf = Shelf()
    map_ = shelf.open()
    for batch in batches:
        map_.update(batch)
        shelf.update(map_.take_dirty())
    return shelf, map_


def crafted(bits: str) -> bytes:
    """A key that begins with these bits and goes on with zeros."""
    return int(bits.ljust(256, "0")[:256], 2).to_bytes(32, "big")


# Keys that share long starts: pages under pages, which random keys never reach.
close_keys = st.builds(
    lambda start, length, end: crafted(("01" * 128)[:length] + start)[:31] + bytes([end]),
    st.text("01", max_size=6),
    st.integers(0, 247),
    st.integers(0, 255),
)
keys = st.one_of(close_keys, st.binary(min_size=32, max_size=32))
batches = st.lists(st.dictionaries(keys, st.binary(min_size=32, max_size=32), max_size=12), max_size=5)


@given(batches)
def test_batches_give_the_root_of_the_whole_whatever_their_order(parts: list[dict[bytes, bytes]]) -> None:
    whole: dict[bytes, bytes] = {}
    for part in parts:
        whole |= part
    assert fill(*parts)[1].root() == map_naive.node(whole)
    assert fill(*[{key: value} for key, value in sorted(whole.items(), reverse=True)])[
        1
    ].root() == map_naive.node(whole)


@given(batches)
def test_pages_read_again_go_on_as_those_kept_in_memory(parts: list[dict[bytes, bytes]]) -> None:
    shelf, reloaded = Shelf(), Shelf()
    kept = shelf.open()
    for part in parts:
        fresh = reloaded.open(cache_pages=1)
        assert kept.update(part) == fresh.update(part)
        shelf.update(kept.take_dirty())
        reloaded.update(fresh.take_dirty())
        assert shelf == reloaded
    assert reloaded.open(cache_pages=1).root() == kept.root()


@given(batches, st.lists(keys, max_size=5))
def test_paths_are_those_of_the_naive_tree(parts: list[dict[bytes, bytes]], asked: list[bytes]) -> None:
    whole: dict[bytes, bytes] = {}
    for part in parts:
        whole |= part
    map_ = fill(*parts)[1]
    for key in [*whole, *asked]:
        siblings, leaf = map_naive.place(whole, key)
        path, found = map_.prove(key), map_.find(key)
        assert path.depth == len(siblings)
        assert path.siblings == tuple(node for node in reversed(siblings) if node != EMPTY)
        assert leaf == ({} if found is None else {found.key: found.value_hash})


def test_every_subject_is_proved_and_every_other_is_proved_absent() -> None:
    _, map_ = fill(LEAVES)
    root = map_.root()
    for subject, value in VALUES.items():
        verify_map_value(root=root, subject=subject, value=value, path=map_.prove(map_key(subject)))
    for number in range(200):
        subject = f"key:{number}"
        key = map_key(subject)
        verify_map_absence(root=root, subject=subject, path=map_.prove(key), other=map_.find(key))


def test_the_empty_map_proves_the_absence_of_everything() -> None:
    map_ = Shelf().open()
    assert map_.root() == EMPTY == bytes(32)
    assert map_.prove(map_key("a")) == MapPath(0, b"", ())
    verify_map_absence(root=EMPTY, subject="a", path=MapPath(0, b"", ()), other=None)


def test_presence_never_proves_absence_nor_absence_presence() -> None:
    _, map_ = fill(LEAVES)
    root = map_.root()
    for subject in SUBJECTS:
        key = map_key(subject)
        path, leaf = map_.prove(key), map_.find(key)
        with pytest.raises(MapProofError):
            verify_map_absence(root=root, subject=subject, path=path, other=leaf)
        with pytest.raises(MapProofError):
            verify_map_absence(root=root, subject=subject, path=path, other=None)
    absent = map_key("x")
    with pytest.raises(MapProofError):
        verify_map_value(root=root, subject="x", value=VALUES[SUBJECTS[0]], path=map_.prove(absent))


def changed_bytes(data: bytes) -> list[bytes]:
    return [
        data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
        for at in range(len(data))
        for flip in (1, 0x80, 0xFF)
    ]


def altered_paths(path: MapPath) -> list[MapPath]:
    """Every single-byte change of a path, and its neighbours in shape."""
    replace = msgspec.structs.replace
    altered = [replace(path, depth=depth) for depth in (*range(257), -1, 257) if depth != path.depth]
    altered += [
        replace(path, bitmap=bitmap)
        for bitmap in (*changed_bytes(path.bitmap), path.bitmap + b"\0", path.bitmap[:-1])
    ]
    for at, sibling in enumerate(path.siblings):
        for other in (*changed_bytes(sibling), sibling + b"\0", sibling[:-1], EMPTY):
            altered.append(replace(path, siblings=(*path.siblings[:at], other, *path.siblings[at + 1 :])))
        altered.append(replace(path, siblings=path.siblings[:at] + path.siblings[at + 1 :]))
    altered.append(replace(path, siblings=(*path.siblings, sha256(b"").digest())))
    return altered


def test_no_altered_byte_of_a_path_a_value_or_a_leaf_is_taken() -> None:
    _, map_ = fill(LEAVES)
    root, subject = map_.root(), SUBJECTS[3]
    path, value = map_.prove(map_key(subject)), VALUES[subject]
    for altered in altered_paths(path):
        with pytest.raises(MapProofError):
            verify_map_value(root=root, subject=subject, value=value, path=altered)
    for other_value in (*changed_bytes(value), value + b"\0", value[:-1]):
        with pytest.raises(MapProofError):
            verify_map_value(root=root, subject=subject, value=other_value, path=path)
    for other_root in changed_bytes(root):
        with pytest.raises(MapProofError):
            verify_map_value(root=other_root, subject=subject, value=value, path=path)


def test_no_altered_byte_of_a_proof_of_absence_is_taken() -> None:
    _, map_ = fill(LEAVES)
    root = map_.root()
    seen = set()
    for number in range(20):
        subject = f"key:{number}"
        path, other = map_.prove(map_key(subject)), map_.find(map_key(subject))
        seen.add(other is None)
        for altered in altered_paths(path):
            with pytest.raises(MapProofError):
                verify_map_absence(root=root, subject=subject, path=altered, other=other)
        if other is not None:
            forged = [(key, other.value_hash) for key in changed_bytes(other.key)]
            forged += [(other.key, value_hash) for value_hash in changed_bytes(other.value_hash)]
            for leaf in (*forged, (other.key[:-1], other.value_hash), (other.key, b"")):
                with pytest.raises(MapProofError):
                    verify_map_absence(root=root, subject=subject, path=path, other=leaf)
    assert seen == {True, False}


def test_a_single_leaf_is_the_root_and_a_path_of_no_steps_proves_it() -> None:
    key, value = map_key("a"), encode_map_value(1, bytes(32), 0)
    _, map_ = fill({key: sha256(value).digest()})
    assert map_.root() == hash_map_leaf(key, sha256(value).digest())
    assert root_from_map_path(key, value, map_.prove(key)) == map_.root()


def test_a_value_has_one_form() -> None:
    value = encode_map_value(3, b"\x05" * 32, 2**64 - 1)
    assert len(value) == 48
    assert (
        encode_map_value(*[getattr(parse_map_value(value), name) for name in ("count", "root", "last")])
        == value
    )
    for count, root, last in ((0, bytes(32), 0), (1, bytes(31), 0), (2, bytes(32), 0), (1, bytes(32), 2**64)):
        with pytest.raises(MapProofError):
            encode_map_value(count, root, last)
    for data in (b"", value[:-1], value + b"\0", bytes(48)):
        with pytest.raises(MapProofError):
            parse_map_value(data)


def test_changed_pages_are_handed_out_once() -> None:
    _, map_ = fill(LEAVES)
    assert map_.take_dirty() == {}
    map_.update({map_key(SUBJECTS[0]): bytes(32)})
    changed = map_.take_dirty()
    assert "" in changed
    assert all(map_key(SUBJECTS[0]).hex().startswith(path) for path in changed)


def test_a_page_that_is_missing_damaged_or_of_another_time_stops_the_map() -> None:
    shelf, _ = fill(LEAVES)
    path = max(shelf)
    key = next(key for key in LEAVES if key.hex().startswith(path))
    older = Shelf(shelf)
    map_ = shelf.open()
    map_.update({key: sha256(b"new").digest()})
    newer = map_.take_dirty()
    for stored in (None, older[path][:-1], b"\x02" + older[path][1:], older[path] + b"\0", b"", newer[path]):
        broken = Shelf(older)
        broken.pop(path)
        if stored is not None:
            broken[path] = stored
        with pytest.raises(MapBrokenError):
            broken.open().prove(key)


def test_an_update_hashes_each_node_above_a_change_once() -> None:
    leaves = {sha256(bytes([1, *divmod(n, 256)])).digest(): sha256(b"").digest() for n in range(4096)}
    _, map_ = fill(leaves)
    before = map_.hashes
    map_.update({key: bytes(32) for key in list(leaves)[:64]})
    assert (map_.hashes - before) / 64 <= 1.05 * (12 - 6 + 3)


def test_the_cache_stays_within_its_bound() -> None:
    shelf, _ = fill({sha256(bytes([number])).digest(): bytes(32) for number in range(256)})
    map_ = shelf.open(cache_pages=4)
    for number in range(256):
        map_.prove(sha256(bytes([number])).digest())
        assert len(map_._pages) <= 4


def test_room_in_the_cache_is_made_for_many_pages_at_once() -> None:
    """A look-up must not go past every kept page to forget one: 16,384 of them made each cost half a millisecond."""
    keys = [sha256(number.to_bytes(2, "big")).digest() for number in range(4_096)]
    shelf, _ = fill({key: bytes(32) for key in keys})
    map_ = shelf.open(cache_pages=64)
    full = 0
    for key in keys:
        map_.prove(key)
        full += len(map_._pages) == 64
    assert full <= len(keys) / 8
