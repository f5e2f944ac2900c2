"""The log's hashes as C2SP tlog-tiles of height 8: 256 hashes a tile, 32 bytes each, partial at the right edge.

Tile (level L, number N) holds the perfect nodes of height 8 L with indices 256 N to 256 N + 255. Full tiles
never change. Everything here is pure: a reader gives the bytes of tiles, new tiles are returned.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from chemtrace.core.errors import EntryFormatError, TilePathError, TreeBrokenError
from chemtrace.core.merkle import ReadNode, consistency_path, inclusion_path, root_of
from chemtrace.core.types import HASH_SIZE, RootHash

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT

MAX_LEVEL: Final = 63
_PATH: Final = re.compile(
    r"(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?", re.ASCII
)

ReadTile = Callable[[int, int, int], bytes]
"""`(level, number, width)` to at least `width` hashes of that tile; a fuller tile may be given for a partial one."""


class Tile(msgspec.Struct, frozen=True):
    """One tile: `data` is its hashes one after another; full when it holds 256."""

    level: int
    number: int
    data: bytes

    @property
    def width(self) -> int:
        """Number of hashes."""
        return len(self.data) // HASH_SIZE

    @property
    def path(self) -> str:
        """Where it is served, below the log's address."""
        return tile_path(self.level, self.number, self.width)


def tile_path(level: int, number: int, width: int = WIDTH) -> str:
    """Return `tile/<L>/<N>[.p/<W>]` of C2SP tlog-tiles."""
    return f"tile/{level}/{_number_path(number, width)}"


def bundle_path(number: int, width: int = WIDTH) -> str:
    """Return `tile/entries/<N>[.p/<W>]` of C2SP tlog-tiles."""
    return f"tile/entries/{_number_path(number, width)}"


def parse_number_path(path: str) -> tuple[int, int]:
    """Return (number, width) of `<N>[.p/<W>]` in its one spelling; width 256 without the suffix.

    Raises:
        TilePathError: no such path of C2SP tlog-tiles.
    """
    match = _PATH.fullmatch(path)
    if match is not None:
        number = int(match["number"].replace("x", "").replace("/", ""))
        width = WIDTH if match["width"] is None else int(match["width"])
        if _number_path(number, width) == path:
            return number, width
    raise TilePathError("a tile is asked for as <N>[.p/<W>] of C2SP tlog-tiles", found=path[:80])


def tile_width(level: int, number: int, size: int) -> int:
    """Return how many hashes the tile holds in a tree of `size` leaves, 0 to 256."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - number * WIDTH))


def extend_tiles(old_size: int, leaf_hashes: Sequence[bytes], read_tile: ReadTile) -> list[Tile]:
    """Return the tiles that are new or grown when `leaf_hashes` follow `old_size` leaves, lowest level first.

    `read_tile` is asked for at most one partial tile a level, as it stands at `old_size`. Each tile touched is
    returned once, in its last state: full ones are final, the last of a level may be partial.

    Raises:
        TreeBrokenError: the reader gave fewer hashes than the tree must hold.
    """
    tiles: list[Tile] = []
    level, start, hashes = 0, old_size, leaf_hashes
    while hashes:
        number, kept = divmod(start, WIDTH)
        before = _read(read_tile, level, number, kept) if kept else b""
        grown = _cut_tiles(level, number, before + b"".join(hashes))
        tiles += grown
        hashes = [_tile_root(tile.data) for tile in grown if tile.width == WIDTH]
        level, start = level + 1, number
    return tiles


def make_node_reader(size: int, read_tile: ReadTile) -> ReadNode:
    """Return a reader of perfect nodes of the tree of `size`, from tiles; what `core.merkle` builds proofs with."""

    def read_node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        number, offset = divmod(first, WIDTH)
        data = _read(read_tile, tile_level, number, tile_width(tile_level, number, size))
        if not height:
            return data[offset * HASH_SIZE : (offset + 1) * HASH_SIZE]
        if len(data) == WIDTH * HASH_SIZE:
            return _expand(data)[height][offset >> height]
        end = offset + (1 << height)
        return _reduce([data[at * HASH_SIZE : (at + 1) * HASH_SIZE] for at in range(offset, end)])

    return read_node


def root_from_tiles(size: int, read_tile: ReadTile) -> RootHash:
    """Return the root of the first `size` leaves; raises `TreeBrokenError`."""
    return root_of(size, make_node_reader(size, read_tile))


def inclusion_from_tiles(index: int, size: int, read_tile: ReadTile) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in the tree of `size`; raises `ProofShapeError`, `TreeBrokenError`."""
    return inclusion_path(index, size, make_node_reader(size, read_tile))


def consistency_from_tiles(old_size: int, new_size: int, read_tile: ReadTile) -> tuple[bytes, ...]:
    """Return the consistency proof between two sizes; raises `ProofShapeError`, `TreeBrokenError`."""
    return consistency_path(old_size, new_size, make_node_reader(new_size, read_tile))


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return an entry bundle: each entry behind its u16be length; raises `EntryFormatError` beyond 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > 0xFFFF:
            raise EntryFormatError("an entry in a bundle has at most 65535 bytes", size=len(entry))
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def parse_bundle(data: bytes) -> tuple[bytes, ...]:
    """Return the entries of a bundle, 1 to 256; raises `EntryFormatError`."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise EntryFormatError("the bundle ends inside an entry", size=len(data), expected=end)
        entries.append(data[at + 2 : end])
        at = end
    if not 1 <= len(entries) <= WIDTH:
        raise EntryFormatError("a bundle has 1 to 256 entries", found=len(entries))
    return tuple(entries)


def _number_path(number: int, width: int) -> str:
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    path = "/".join(reversed(groups))
    return path if width == WIDTH else f"{path}.p/{width}"


def _read(read_tile: ReadTile, level: int, number: int, width: int) -> bytes:
    data = read_tile(level, number, width) if width else b""
    if len(data) < width * HASH_SIZE or not width:
        raise TreeBrokenError(
            "a tile of the log is missing or too short",
            tile=tile_path(level, number, width),
            expected=width * HASH_SIZE,
            found=len(data),
        )
    return data[: width * HASH_SIZE]


def _cut_tiles(level: int, number: int, data: bytes) -> list[Tile]:
    step = WIDTH * HASH_SIZE
    return [Tile(level, number + at // step, data[at : at + step]) for at in range(0, len(data), step)]


def _tile_root(data: bytes) -> bytes:
    return _reduce([data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)])


def _reduce(nodes: list[bytes]) -> bytes:
    """Root over a power of two of nodes."""
    while len(nodes) > 1:
        nodes = _parents(nodes)
    return nodes[0]


def _parents(nodes: Sequence[bytes]) -> list[bytes]:
    return [sha256(b"\x01" + nodes[at] + nodes[at + 1]).digest() for at in range(0, len(nodes), 2)]


@lru_cache(maxsize=512)
def _expand(data: bytes) -> tuple[tuple[bytes, ...], ...]:
    """All inner nodes of a full tile by height, 0 to 8; cached, as proofs go through the same upper tiles."""
    levels = [tuple([data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)])]
    while len(levels[-1]) > 1:
        levels.append(tuple(_parents(levels[-1])))
    return tuple(levels)
