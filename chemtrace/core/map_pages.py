"""The map kept in pages: updated in batches, proved from, read and written page by page.

A page holds four levels: sixteen slots and the inner nodes above them. Its id is the path of its place in lowercase
hex, one digit a page (`""` is the root page). A slot is empty, one leaf, or the hash of the page below; a page exists
where two leaves or more stand (and at the root). Inner hashes are kept, so that an update hashes only what lies above
a changed leaf, once a batch however many leaves below changed.

In memory a page is a list of 32 nodes, numbered as a heap: 1 its root, 16-31 its slots. A node is None (empty), 32
bytes (inner) or 96 bytes (a leaf: its hash ‖ key ‖ value hash, standing in its slot and in every node above that holds
nothing else). No object is made for a node: this runs for every update of every event.

Bytes of a page: u8 version 1 ‖ u16be slots with a leaf ‖ u16be slots with a page ‖ slots in order (leaf 96 bytes, page
32) ‖ inner nodes from 15 down to 1, those that are 32 bytes. Bit 15 of a mask is slot 0.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from itertools import islice
from typing import Final

from chemtrace.core.errors import MapBrokenError
from chemtrace.core.sparse_map import EMPTY, MapLeaf, MapPath
from chemtrace.core.types import HASH_SIZE, RootHash

ReadPage = Callable[[str], bytes | None]
"""A page's id to its bytes; None when there is no such page."""

DEFAULT_CACHE: Final = 16_384
"""Pages kept decoded between calls: about 30 MB."""

_VERSION: Final = b"\x01"
_HEAD: Final = 5
_LEAF: Final = 3 * HASH_SIZE
_SLOTS: Final = 16
_DIGITS: Final = 2 * HASH_SIZE

_Nodes = list[bytes | None]


class SparseMap:
    """The map over a store of pages; the reader is injected, what changed is handed out by `take_dirty`.

    Not safe for several threads. After a failed write of dirty pages the object must be dropped.
    """

    def __init__(self, read_page: ReadPage, *, cache_pages: int = DEFAULT_CACHE) -> None:
        """Work over stored pages; `cache_pages` bounds the decoded pages kept besides the dirty ones."""
        self._read = read_page
        self._limit = cache_pages
        self._pages: dict[str, _Nodes] = {}
        self._dirty: set[str] = set()
        self.hashes = 0
        """SHA-256 computed so far: leaves and inner nodes."""

    def root(self) -> RootHash:
        """Return the root of the map; raises `MapBrokenError` when the root page is damaged."""
        top = self._page("", None)[1]
        return EMPTY if top is None else RootHash(top[:HASH_SIZE])

    def update(self, changes: Mapping[bytes, bytes]) -> RootHash:
        """Set the value hash of each key hash, and return the new root; the order of `changes` says nothing.

        Raises:
            MapBrokenError: a page is missing, damaged, or not the one that its parent commits.
        """
        if changes:
            leaves = [
                sha256(b"\x00" + key + value_hash).digest() + key + value_hash
                for key, value_hash in sorted(changes.items())
            ]
            self.hashes += len(leaves)
            self._apply("", self._page("", None), leaves, [leaf[32:64].hex() for leaf in leaves])
        root = self.root()
        self._trim()
        return root

    def take_dirty(self) -> dict[str, bytes]:
        """Return the bytes of every page changed since last asked, by id; they count as written from now on.

        No page ever goes: a subject once named stays named.
        """
        taken = {path: _encode_page(self._pages[path]) for path in sorted(self._dirty)}
        self._dirty.clear()
        self._trim()
        return taken

    def take_dirty_paths(self) -> frozenset[str]:
        """Return the ids of every page changed since last asked; what of them is wanted, `page_bytes` gives."""
        taken = frozenset(self._dirty)
        self._dirty.clear()
        self._trim()
        return taken

    def page_bytes(self, path: str) -> bytes:
        """Return the bytes of a page as it stands; raises `MapBrokenError` when there is no such page."""
        page = self._pages.get(path)
        if page is not None:
            return _encode_page(page)
        data = self._read(path)
        if data is None:
            raise MapBrokenError("a page of the map is missing; rebuild the map", page=path)
        return data

    def find(self, key: bytes) -> MapLeaf | None:
        """Return the leaf that stands where `key` leads: its own, another's (the key is absent), or none."""
        leaf = self._walk(key)[0]
        return None if leaf is None else MapLeaf(leaf[32:64], leaf[64:])

    def prove(self, key: bytes) -> MapPath:
        """Return the path of the place where `key` leads; with `find` it proves the value, or absence."""
        return self._walk(key)[1]

    def _walk(self, key: bytes) -> tuple[bytes | None, MapPath]:
        """Go down to the place of a key; siblings are gathered from the root."""
        siblings: list[bytes | None] = []
        digits, place = key.hex(), ""
        nodes = self._page("", None)
        at, node = 1, nodes[1]
        while node is not None and len(node) == HASH_SIZE:
            if at >= _SLOTS:
                place = digits[: len(place) + 1]
                nodes, at = self._page(place, node), 1
            bit = int(digits[len(place)], 16) >> 4 - at.bit_length() & 1
            siblings.append(nodes[2 * at + 1 - bit])
            at = 2 * at + bit
            node = nodes[at]
        self._trim()
        return node, _path(siblings[::-1])

    def _apply(self, place: str, nodes: _Nodes, leaves: list[bytes], digits: list[str]) -> None:
        """Put leaves (sorted, all below `place`) into a page and those below; hash what lies above them once."""
        level, count, start = len(place), len(leaves), 0
        touched = []
        while start < count:
            digit = digits[start][level]
            end = start + 1
            while end < count and digits[end][level] == digit:
                end += 1
            slot = _SLOTS + int(digit, 16)
            nodes[slot] = self._slot(nodes[slot], place + digit, leaves[start:end], digits[start:end])
            touched.append(slot)
            start = end
        self.hashes += _rehash(nodes, touched)
        self._dirty.add(place)

    def _slot(self, node: bytes | None, place: str, leaves: list[bytes], digits: list[str]) -> bytes | None:
        """Return the new node of the slot at `place`: a leaf while one key only stands there, else a page's root."""
        if node is None or len(node) == _LEAF:
            if len(leaves) == 1 and (node is None or node[32:64] == leaves[0][32:64]):
                return leaves[0]
            page: _Nodes = [None] * (2 * _SLOTS)
            self._pages[place] = page
            if node is not None:
                leaves, digits = _joined(node, leaves, digits)
        else:
            page = self._page(place, node)
        self._apply(place, page, leaves, digits)
        return page[1]

    def _page(self, place: str, expected: bytes | None) -> _Nodes:
        """Return a decoded page, last used last; `expected` is what the page above says of its root."""
        page = self._pages.pop(place, None)
        if page is None:
            data = self._read(place)
            if data is None:
                if expected is not None:
                    raise MapBrokenError("a page of the map is missing; rebuild the map", page=place)
                page = [None] * (2 * _SLOTS)
            else:
                page = _decode_page(data, place)
            if expected is not None and page[1] != expected:
                raise MapBrokenError(
                    "a page of the map is not the one that the page above commits; rebuild the map",
                    page=place,
                    expected=expected,
                    found=page[1],
                )
        self._pages[place] = page
        return page

    def _trim(self) -> None:
        """Forget the pages used longest ago, except those not handed out yet; a quarter of the room at once.

        Looking for the oldest one goes past all that are not handed out: page by page, each look-up would pay for it.
        """
        surplus = len(self._pages) - len(self._dirty) - self._limit
        if surplus > 0:
            clean = (place for place in self._pages if place not in self._dirty)
            for place in list(islice(clean, surplus + self._limit // 4)):
                del self._pages[place]


def _joined(leaf: bytes, leaves: list[bytes], digits: list[str]) -> tuple[list[bytes], list[str]]:
    """Add the leaf that stood in a slot to those that come, unless it is replaced by one of them."""
    key = leaf[32:64].hex()
    if key in digits:
        return leaves, digits
    at = sum(1 for other in digits if other < key)
    return [*leaves[:at], leaf, *leaves[at:]], [*digits[:at], key, *digits[at:]]


def _rehash(nodes: _Nodes, touched: list[int]) -> int:
    """Recompute the nodes above the touched slots (rising), level by level; return the hashes that took."""
    hashes = 0
    for _ in range(4):
        above: list[int] = []
        last = 0
        for index in touched:
            parent = index >> 1
            if parent == last:
                continue
            last = parent
            above.append(parent)
            left, right = nodes[2 * parent], nodes[2 * parent + 1]
            if left is not None and right is not None:
                nodes[parent] = sha256(b"\x01" + left[:32] + right[:32]).digest()
                hashes += 1
            elif left is None and right is not None and len(right) == HASH_SIZE:
                nodes[parent] = sha256(b"\x01" + EMPTY + right).digest()
                hashes += 1
            elif right is None and left is not None and len(left) == HASH_SIZE:
                nodes[parent] = sha256(b"\x01" + left + EMPTY).digest()
                hashes += 1
            else:
                nodes[parent] = left or right
        touched = above
    return hashes


def _path(siblings: list[bytes | None]) -> MapPath:
    depth = len(siblings)
    flags = 0
    for sibling in siblings:
        flags = flags << 1 | (sibling is not None)
    bitmap = (flags << -depth % 8).to_bytes((depth + 7) // 8, "big")
    return MapPath(depth, bitmap, tuple([sibling[:32] for sibling in siblings if sibling is not None]))


def _encode_page(nodes: _Nodes) -> bytes:
    leaves = pages = 0
    parts = []
    for node in nodes[_SLOTS:]:
        leaves, pages = leaves << 1, pages << 1
        if node is not None:
            parts.append(node)
            if len(node) == _LEAF:
                leaves |= 1
            else:
                pages |= 1
    inner = [node for node in nodes[15:0:-1] if node is not None and len(node) == HASH_SIZE]
    return b"".join((_VERSION, leaves.to_bytes(2, "big"), pages.to_bytes(2, "big"), *parts, *inner))


def _decode_page(data: bytes, place: str) -> _Nodes:
    """Read a page strictly; raises `MapBrokenError`."""
    leaves, pages = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
    nodes: _Nodes = [None] * (2 * _SLOTS)
    at = _HEAD
    for slot in range(_SLOTS):
        flag = 0x8000 >> slot
        if (leaves | pages) & flag:
            size = _LEAF if leaves & flag else HASH_SIZE
            nodes[_SLOTS + slot] = data[at : at + size]
            at += size
    for index in range(15, 0, -1):
        left, right = nodes[2 * index], nodes[2 * index + 1]
        if (left is None or right is None) and len(left or right or b"") != HASH_SIZE:
            nodes[index] = left or right
        else:
            nodes[index] = data[at : at + HASH_SIZE]
            at += HASH_SIZE
    if data[:1] != _VERSION or len(data) != at or leaves & pages:
        raise MapBrokenError(
            "a stored page of the map is damaged; rebuild the map", page=place, size=len(data)
        )
    return nodes
