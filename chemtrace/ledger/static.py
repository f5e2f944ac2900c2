"""The log as the plain files of C2SP tlog-tiles: hash tiles, entry bundles, never beyond what is published.

A file once served never changes: full tiles are final, and a partial one of width W is the same bytes for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import msgspec

from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.errors import LogTruncatedError, TileUnknownError, WireError
from chemtrace.core.header import MAX_PAYLOAD_BYTES
from chemtrace.core.tiles import MAX_LEVEL, WIDTH, bundle_path, encode_bundle, tile_path, tile_width
from chemtrace.core.types import HASH_SIZE

MAX_REGISTRY_RANGE: Final = 4096
MAX_REGISTRY_BYTES: Final = 8 * 1024 * 1024
"""Of one answer with payloads, its last line not counted; one payload alone fits."""
"""Entries that one question for the authority's payloads covers at most."""


class StaticSource(Protocol):
    """What the files are cut from, all of one snapshot."""

    def published(self) -> int:
        """Size of the newest checkpoint that is shown, 0 when there is none."""
        ...

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The hashes of a tile as stored, b"" when there is none; `width` is what the caller needs at least."""
        ...

    def entry_bodies(self, first: int, end: int) -> Iterable[bytes]:
        """The bytes of entries `first` to `end - 1`, in order."""
        ...


class AuditedSource(StaticSource, Protocol):
    """The same, with the payloads that the registry is made of."""

    def registry_payloads(self, first: int, end: int) -> Iterable[tuple[int, bytes]]:
        """(index, payload) of those of the entries `first` to `end - 1` that are the authority's, in order."""
        ...


def read_hash_tile(source: StaticSource, level: int, number: int, width: int) -> bytes:
    """Return the first `width` hashes (1 to 256) of a tile, 32 bytes each.

    Raises:
        TileUnknownError: the published tree has no such tile, or a narrower one; carries what it has.
        LogTruncatedError: it should be stored and is not.
    """
    _require(tile_path(level, number, width), _width(level, number, source.published()), width)
    data = source.tile(level, number, width)
    if len(data) < width * HASH_SIZE:
        raise LogTruncatedError(
            "a published tile is missing or too short: rebuild the tiles",
            tile=tile_path(level, number, width),
            expected=width * HASH_SIZE,
            found=len(data),
        )
    return data[: width * HASH_SIZE]


def read_entry_bundle(source: StaticSource, number: int, width: int) -> bytes:
    """Return the entries 256 x `number` and following, `width` (1 to 256) of them; raises as `read_hash_tile`."""
    _require(bundle_path(number, width), _width(0, number, source.published()), width)
    first = number * WIDTH
    bodies = tuple(source.entry_bodies(first, first + width))
    if len(bodies) != width:
        raise LogTruncatedError(
            "published entries are missing",
            tile=bundle_path(number, width),
            expected=width,
            found=len(bodies),
        )
    return encode_bundle(bodies)


def registry_line(index: int, payload: bytes) -> bytes:
    """One line of the registry: `{"index", "payload" (base64url)}` and a newline."""
    return b'{"index":%d,"payload":"%b"}\n' % (index, encode_base64url(payload).encode("ascii"))


def registry_answer(payloads: Iterable[tuple[int, bytes]], limit: int = MAX_REGISTRY_BYTES) -> bytes:
    """The lines of `payloads` up to `limit` bytes, one at least; `{"next": index}` says where the rest begins."""
    lines: list[bytes] = []
    size = 0
    for index, payload in payloads:
        line = registry_line(index, payload)
        size += len(line)
        if lines and size > limit:
            lines.append(b'{"next":%d}\n' % index)
            break
        lines.append(line)
    return b"".join(lines)


def parse_registry_answer(data: bytes) -> tuple[dict[int, bytes], int | None]:
    """Return the payloads of an answer by index, and the index where the next question begins if it ended early.

    Raises:
        WireError: a line that is neither, or one behind `{"next": index}`.
    """
    lines = data.splitlines()
    after: int | None = None
    if lines and lines[-1].startswith(b'{"next":'):
        try:
            after = _NEXT.decode(lines.pop()).next
        except msgspec.DecodeError as error:
            raise WireError("not the last line of the registry", found=data[-80:]) from error
    return dict(parse_registry_line(line) for line in lines), after


def parse_registry_line(line: bytes) -> tuple[int, bytes]:
    """Return (index, payload) of a line without its newline; raises `WireError`."""
    try:
        parsed = _LINE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError("not a line of the registry", found=line[:80]) from error
    payload = decode_base64url(parsed.payload)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise WireError("a payload is too large", size=len(payload), limit=MAX_PAYLOAD_BYTES)
    return parsed.index, payload


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    index: int
    payload: str


class _Next(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    next: int


_NEXT: Final = msgspec.json.Decoder(_Next, strict=True)
_LINE: Final = msgspec.json.Decoder(_Line, strict=True)


def static_paths(before: int, size: int) -> Iterator[tuple[int | None, int, int]]:
    """Yield (level or None for entries, number, width) of all files new in the tree of `size` since that of `before`.

    Entries come first, then tiles from the lowest level up: who writes them in this order never shows a hash whose
    entry is missing.
    """
    for level in (None, *range(MAX_LEVEL + 1)):
        shift = 8 * (level or 0)
        if not size >> shift:
            return
        for number in range((before >> shift) // WIDTH, ((size >> shift) + WIDTH - 1) // WIDTH):
            width = tile_width(level or 0, number, size)
            if width > tile_width(level or 0, number, before):
                yield level, number, width


def _width(level: int, number: int, size: int) -> int:
    return tile_width(level, number, size) if 0 <= level <= MAX_LEVEL else 0


def _require(path: str, published: int, width: int) -> None:
    if not 1 <= width <= published:
        raise TileUnknownError("no published checkpoint covers this", tile=path, published_width=published)
