"""What a bundle and a status proof hold, as values. Both forms on the wire (text, compact) say exactly this.

The forms are `contracts/specs/bundle.md` and `status.md`. Nothing here is checked; `core.bundle.verify` does that.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.core.note import Note
from chemtrace.core.sparse_map import MapPath

__all__ = [
    "BUNDLE_MEDIA",
    "BUNDLE_TYPE",
    "COMPACT_BUNDLE_TYPE",
    "COMPACT_STATUS_TYPE",
    "MAX_BUNDLE_BYTES",
    "MAX_ENTRIES",
    "MAX_PATH",
    "MAX_SECTIONS",
    "MAX_STATUS_BYTES",
    "MAX_TICKS",
    "STATUS_MEDIA",
    "STATUS_TYPE",
    "Bundle",
    "MapPath",
    "Section",
    "ShownEntry",
    "StatusProof",
    "Tick",
]

BUNDLE_TYPE: Final = "chemtrace/bundle/1"
STATUS_TYPE: Final = "chemtrace/status/1"
COMPACT_BUNDLE_TYPE: Final = "ctb1"
COMPACT_STATUS_TYPE: Final = "cts1"
BUNDLE_MEDIA: Final = "application/vnd.chemtrace.bundle"
"""Media type of a bundle without its suffix: `+json` for the text form, `+cbor` for the compact one."""
STATUS_MEDIA: Final = "application/vnd.chemtrace.status"
"""Media type of a status proof without its suffix."""

MAX_BUNDLE_BYTES: Final = 8 * 1024 * 1024
MAX_STATUS_BYTES: Final = 64 * 1024
MAX_SECTIONS: Final = 1_024
MAX_ENTRIES: Final = 20_000
"""Entries of all sections together."""
MAX_TICKS: Final = 2_048
MAX_PATH: Final = 63
"""Hashes of one path through the log: a log has fewer than 2^63 entries."""


class ShownEntry(msgspec.Struct, frozen=True):
    """One entry of a history: its index in the log, its bytes (core.entry), and its payload or None where hidden."""

    index: int
    entry: bytes
    payload: bytes | None


class Section(msgspec.Struct, frozen=True):
    """The whole history of one subject, in log order, and its path through the map."""

    subject: str
    map: MapPath
    entries: tuple[ShownEntry, ...]


class Tick(msgspec.Struct, frozen=True):
    """An older epoch record (header bytes, core.epoch) at `index`, and its path to the root, lowest sibling first."""

    index: int
    record: bytes
    path: tuple[bytes, ...]


class Bundle(msgspec.Struct, frozen=True):
    """A bundle: signed checkpoint, epoch record that is its last leaf, and whole histories.

    `record` are the header bytes of the epoch record, `path` leads from its entry to the checkpoint's root, lowest
    sibling first. `sections[0]` is the subject; the others follow in rising order of their subject's bytes.
    """

    note: Note
    record: bytes
    path: tuple[bytes, ...]
    ticks: tuple[Tick, ...]
    sections: tuple[Section, ...]

    @property
    def subject(self) -> str:
        """Whose history this is."""
        return self.sections[0].subject


class StatusProof(msgspec.Struct, frozen=True):
    """A status proof: this subject has `count` events, the last at index `last`, with subject root `root`."""

    note: Note
    record: bytes
    path: tuple[bytes, ...]
    subject: str
    count: int
    root: bytes
    last: int
    map: MapPath
