"""Tiles: C2SP tlog-tiles, byte for byte, grown in any portions, proving what the tree proves."""

import hashlib
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.checkpoint import verify_checkpoint
from chemtrace.core.entry import leaf_hash
from chemtrace.core.errors import EntryFormatError, TreeBrokenError
from chemtrace.core.merkle import (
    EMPTY_ROOT,
    MemoryTree,
    consistency_path,
    inclusion_path,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from chemtrace.core.note import parse_vkey
from chemtrace.core.tiles import (
    Tile,
    bundle_path,
    consistency_from_tiles,
    encode_bundle,
    extend_tiles,
    inclusion_from_tiles,
    parse_bundle,
    root_from_tiles,
    tile_path,
    tile_width,
)

LOG = Path(__file__).parents[4] / "shared" / "vectors" / "tlog-tiles-log"
LOG_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
WORDS = [
    "one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten",
    "ileven", "twelf", "threeten", "fourten", "fivten",
]  # fmt: skip
LEAVES = [hashlib.sha256(at.to_bytes(4, "big")).digest() for at in range(66_000)]

shared_vectors = pytest.mark.skipif(
    not LOG.is_dir(), reason="the shared vectors are not beside this checkout"
)


class Shelf:
    """Tiles as a store keeps them: the fullest of each place; the tiles of smaller trees are prefixes."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.size = 0

    def read(self, level: int, number: int, width: int) -> bytes:
        return self.tiles[level, number][: width * 32]

    def grow(self, leaf_hashes: list[bytes]) -> list[Tile]:
        tiles = extend_tiles(self.size, leaf_hashes, self.read)
        self.size += len(leaf_hashes)
        for tile in tiles:
            place = (tile.level, tile.number)
            old = self.tiles.get(place, b"")
            assert tile.data.startswith(old)
            assert len(old) < len(tile.data) == 32 * tile_width(*place, self.size)
            self.tiles[place] = tile.data
        return tiles


@pytest.fixture(scope="module")
def big() -> Shelf:
    shelf = Shelf()
    for start in range(0, 66_000, 1_999):
        shelf.grow(LEAVES[start : min(start + 1_999, 66_000)])
    return shelf


@given(st.lists(st.integers(0, 300), max_size=8))
def test_any_portions_give_the_same_tiles(portions: list[int]) -> None:
    slow, fast, at = Shelf(), Shelf(), 0
    for count in portions:
        slow.grow(LEAVES[at : at + count])
        at += count
    fast.grow(LEAVES[:at])
    assert slow.tiles == fast.tiles
    assert root_from_tiles(at, slow.read) == tree_root(LEAVES[:at])


def test_three_levels_give_the_root_and_the_proofs_of_the_tree(big: Shelf) -> None:
    tree = MemoryTree(LEAVES)
    assert {level for level, _ in big.tiles} == {0, 1, 2}
    for size in (1, 255, 256, 257, 65_535, 65_536, 65_537, 66_000):
        root = root_from_tiles(size, big.read)
        assert tree.root(size) == root
        for index in {0, size // 3, size - 1}:
            path = inclusion_from_tiles(index, size, big.read)
            assert path == inclusion_path(index, size, tree.node)
            verify_inclusion(leaf_hash=LEAVES[index], index=index, size=size, path=path, root=root)
        for old_size in {1, size // 2 or 1, size}:
            path = consistency_from_tiles(old_size, size, big.read)
            assert path == consistency_path(old_size, size, tree.node)
            verify_consistency(
                old_size=old_size, new_size=size, old_root=tree.root(old_size), new_root=root, path=path
            )


def test_nothing_grows_without_leaves() -> None:
    assert Shelf().grow([]) == []
    assert root_from_tiles(0, Shelf().read) == EMPTY_ROOT


def test_a_short_tile_is_evidence_with_its_path() -> None:
    shelf = Shelf()
    shelf.grow(LEAVES[:10])
    shelf.tiles[0, 0] = shelf.tiles[0, 0][:-1]
    for read in (lambda: root_from_tiles(10, shelf.read), lambda: shelf.grow(LEAVES[10:11])):
        with pytest.raises(TreeBrokenError) as caught:
            read()
        assert caught.value.fields == {"tile": "tile/0/000.p/10", "expected": 320, "found": 319}


@pytest.mark.parametrize(
    ("path", "want"),
    [
        (tile_path(0, 0), "tile/0/000"),
        (tile_path(1, 5, 3), "tile/1/005.p/3"),
        (tile_path(0, 1234067), "tile/0/x001/x234/067"),
        (tile_path(0, 1234067, 8), "tile/0/x001/x234/067.p/8"),
        (bundle_path(999), "tile/entries/999"),
        (bundle_path(1000, 1), "tile/entries/x001/000.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(path: str, want: str) -> None:
    assert want == path


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert tuple(entries) == parse_bundle(encode_bundle(entries))


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\5abc", b"\0\1a\0", b"\0\0" * 257])
def test_damaged_bundles_are_refused(data: bytes) -> None:
    with pytest.raises(EntryFormatError):
        parse_bundle(data)


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(EntryFormatError):
        encode_bundle([bytes(65_536)])


@shared_vectors
def test_the_published_log_is_rebuilt_byte_for_byte() -> None:
    shelf, origin = Shelf(), "example.com/log/testdata"
    for size in range(1, 16):
        entries = parse_bundle((LOG / bundle_path(0, size)).read_bytes())
        assert entries == tuple(word.encode() for word in WORDS[:size])
        assert encode_bundle(entries) == (LOG / bundle_path(0, size)).read_bytes()
        (tile,) = shelf.grow([leaf_hash(entries[-1])])
        assert (LOG / tile.path).read_bytes() == tile.data
        checkpoint, _ = verify_checkpoint(
            (LOG / f"checkpoint.{size}").read_bytes(), origin, [parse_vkey(LOG_KEY)]
        )
        assert (size, root_from_tiles(size, shelf.read)) == (checkpoint.size, checkpoint.root)


@shared_vectors
def test_the_published_empty_log_has_the_empty_root() -> None:
    data = (LOG / "checkpoint.0").read_bytes()
    checkpoint, note = verify_checkpoint(data, "example.com/log/testdata", [parse_vkey(LOG_KEY)])
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY_ROOT)
    assert b64decode(note.text.splitlines()[2]) == EMPTY_ROOT
