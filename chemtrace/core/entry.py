"""A log entry: what the leaf hash covers. The payload is never in it, so that it may be erased.

`0x01 || u32be length || header || u8 n || n x (kid 32 bytes || u16be length || signature)`, and nothing after.
An epoch record is an entry with n = 0: the checkpoint that covers it as its last leaf vouches for it.
"""

import struct
from hashlib import sha256
from typing import Final

import msgspec

from chemtrace.core.errors import EntryFormatError
from chemtrace.core.header import MAX_HEADER_BYTES, MAX_SIGNERS
from chemtrace.core.types import EventId, KeyId, LeafHash

VERSION: Final = 1
MAX_ENTRY_BYTES: Final = 0xFFFF
"""Limit of C2SP tlog-tiles: entry bundles carry 16-bit lengths."""

_EPOCH_END: Final = b',"typ":"chemtrace/epoch/1"}'
_HEAD: Final = struct.Struct(">BI")
_SIGNATURE: Final = struct.Struct(">32sH")


class Entry(msgspec.Struct, frozen=True):
    """A parsed entry: header bytes, and (kid, signature) for each signer."""

    header_bytes: bytes
    signatures: tuple[tuple[KeyId, bytes], ...]

    @property
    def event_id(self) -> EventId:
        """SHA-256 of the header bytes."""
        return EventId(sha256(self.header_bytes).digest())


def is_epoch_header(header_bytes: bytes) -> bool:
    """Whether canonical header bytes are those of an epoch record: `typ` sorts last in it."""
    return header_bytes.endswith(_EPOCH_END)


def encode_entry(header_bytes: bytes, signatures: "tuple[tuple[bytes, bytes], ...]") -> bytes:
    """Return the entry's bytes.

    Raises:
        EntryFormatError: sizes beyond the format, or no signature on anything but an epoch record.
    """
    count = len(signatures)
    _check_count(header_bytes, count)
    parts = [_HEAD.pack(VERSION, len(header_bytes)), header_bytes, bytes((count,))]
    for kid, signature in signatures:
        if len(kid) != 32 or len(signature) > 0xFFFF:
            raise EntryFormatError(
                "a key id has 32 bytes, a signature at most 65535", kid=kid, size=len(signature)
            )
        parts += (kid, len(signature).to_bytes(2, "big"), signature)
    entry = b"".join(parts)
    if len(entry) > MAX_ENTRY_BYTES or len(header_bytes) > MAX_HEADER_BYTES:
        raise EntryFormatError("the entry is too large", size=len(entry), limit=MAX_ENTRY_BYTES)
    return entry


def header_of(entry: bytes) -> bytes:
    """The header bytes of an entry of our own log, or of what stands where one should; nothing is checked here."""
    return entry[_HEAD.size : _HEAD.size + int.from_bytes(entry[1 : _HEAD.size], "big")]


def parse_entry(data: bytes) -> Entry:
    """Return the entry of its bytes; raises `EntryFormatError` unless they are exactly one entry."""
    try:
        version, size = _HEAD.unpack_from(data)
        at = _HEAD.size + size
        header_bytes, count = data[_HEAD.size : at], data[at]
        at += 1
        signatures = []
        for _ in range(count):
            kid, length = _SIGNATURE.unpack_from(data, at)
            at += _SIGNATURE.size + length
            signatures.append((KeyId(kid), data[at - length : at]))
    except (struct.error, IndexError) as error:
        raise EntryFormatError("the entry ends too early", size=len(data)) from error
    if version != VERSION or at != len(data) or len(data) > MAX_ENTRY_BYTES or size > MAX_HEADER_BYTES:
        raise EntryFormatError(
            "not one whole entry of version 1", version=version, expected=at, found=len(data)
        )
    _check_count(header_bytes, count)
    return Entry(header_bytes, tuple(signatures))


def leaf_hash(entry: bytes) -> LeafHash:
    """Return SHA-256(0x00 || entry), the leaf of the log."""
    return LeafHash(sha256(b"\x00" + entry).digest())


def _check_count(header_bytes: bytes, count: int) -> None:
    if count > MAX_SIGNERS or bool(count) == is_epoch_header(header_bytes):
        raise EntryFormatError(
            "an event has 1 to 8 signatures, an epoch record none",
            found=count,
            epoch=is_epoch_header(header_bytes),
        )
