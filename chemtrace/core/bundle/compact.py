"""The compact form of bundles and status proofs: deterministic CBOR that leaves out what can be computed.

What is left out is the map root, the epoch record's own text, the tree's root and the checkpoint's text: they follow
from the histories and paths, so that a changed byte shows as a checkpoint that nobody signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from chemtrace.core.bundle.model import (
    COMPACT_BUNDLE_TYPE,
    COMPACT_STATUS_TYPE,
    MAX_BUNDLE_BYTES,
    MAX_STATUS_BYTES,
    Bundle,
    MapPath,
    Section,
    ShownEntry,
    StatusProof,
    Tick,
)
from chemtrace.core.bundle.record import closing_record, tree_root
from chemtrace.core.bundle.shape import check_bundle_shape, check_status_shape, plain_checkpoint
from chemtrace.core.cbor import decode_cbor, encode_cbor
from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint
from chemtrace.core.entry import leaf_hash
from chemtrace.core.epoch import encode_epoch, parse_epoch
from chemtrace.core.errors import BundleFormatError, CBORError
from chemtrace.core.note import Note, NoteSignature, encode_note, parse_note
from chemtrace.core.sparse_map import encode_map_value, map_key, root_from_map_path
from chemtrace.core.subject_tree import subject_root
from chemtrace.core.types import HASH_SIZE, MAX_SAFE_INTEGER

_Part = TypeVar("_Part")
_KEY_HASH_BYTES: Final = 4


def encode_bundle_compact(bundle: Bundle) -> bytes:
    """Return the compact form.

    Raises:
        BundleFormatError: a bundle that the compact form cannot carry: its parts do not lead to its checkpoint.
    """
    check_bundle_shape(bundle)
    data = encode_cbor(
        [
            COMPACT_BUNDLE_TYPE,
            *_common(bundle),
            [[tick.index, tick.record, b"".join(tick.path)] for tick in bundle.ticks],
            [_section_wire(section) for section in bundle.sections],
        ]
    )
    _require_same(bundle, parse_bundle_compact(data))
    return data


def parse_bundle_compact(data: bytes) -> Bundle:
    """Return the bundle of its compact form; no signature in it is verified.

    Raises:
        CBORError: not deterministic CBOR of this form. BundleFormatError: too large, or out of order or bounds.
        MapProofError, ProofShapeError, EventOrderError, TimeFormatError: parts from which no checkpoint follows.
        NoteFormatError, SubjectError: the part that breaks its form.
    """
    items = _items(data, COMPACT_BUNDLE_TYPE, 8, MAX_BUNDLE_BYTES)
    sections = tuple([_parse_section(item) for item in _list(items[7])])
    if not sections or not sections[0].entries:
        raise BundleFormatError("a bundle has sections, and each shows at least one entry")
    note, record, path = _rebuild(items, history_root(sections[0]))
    bundle = Bundle(
        note=note,
        record=record,
        path=path,
        ticks=tuple([_parse_tick(item) for item in _list(items[6])]),
        sections=sections,
    )
    check_bundle_shape(bundle)
    return bundle


def encode_status_compact(proof: StatusProof) -> bytes:
    """Return the compact form; raises `BundleFormatError` as `encode_bundle_compact`."""
    check_status_shape(proof)
    data = encode_cbor(
        [
            COMPACT_STATUS_TYPE,
            *_common(proof),
            proof.subject,
            proof.count,
            proof.root,
            proof.last,
            _map_wire(proof.map),
        ]
    )
    _require_same(proof, parse_status_compact(data))
    return data


def parse_status_compact(data: bytes) -> StatusProof:
    """Return the status proof of its compact form, not verified; raises as `parse_bundle_compact`."""
    items = _items(data, COMPACT_STATUS_TYPE, 11, MAX_STATUS_BYTES)
    subject, count, last = _text(items[6]), _count(items[7]), _count(items[9])
    root, map_path = _hash(items[8]), _parse_map(items[10])
    value = encode_map_value(count, root, last)
    note, record, path = _rebuild(items, root_from_map_path(map_key(subject), value, map_path))
    proof = StatusProof(
        note=note, record=record, path=path, subject=subject, count=count, root=root, last=last, map=map_path
    )
    check_status_shape(proof)
    return proof


def history_root(section: Section) -> bytes:
    """Return the map root to which a section's own entries lead.

    Raises:
        EventOrderError: indexes do not rise. MapProofError: the path is not in its one form.
    """
    root = subject_root([(shown.index, leaf_hash(shown.entry)) for shown in section.entries])
    value = encode_map_value(len(section.entries), root, section.entries[-1].index)
    return root_from_map_path(map_key(section.subject), value, section.map)


def _common(proof: Bundle | StatusProof) -> list[object]:
    """Origin, size, lines, epoch and path: what both forms begin with."""
    checkpoint = plain_checkpoint(proof.note)
    record = parse_epoch(proof.record)
    lines = [[line.name, line.key_hash + line.signature] for line in proof.note.signatures]
    epoch = [
        record.number,
        record.log_time_us,
        record.previous,
        record.subjects,
        bytes.fromhex(record.chain),
    ]
    return [checkpoint.origin, checkpoint.size, lines, epoch, b"".join(proof.path)]


def _rebuild(items: list[Any], map_root: bytes) -> tuple[Note, bytes, tuple[bytes, ...]]:
    """Return note, record bytes and path that follow from the common parts and the map root."""
    origin, size, path = _text(items[1]), _count(items[2]), _split(items[5])
    number, log_time_us, previous, subjects, chain = _list(items[4], 5)
    record = closing_record(
        size=size,
        number=_count(number),
        log_time_us=_count(log_time_us),
        previous=_optional(previous, _count),
        subjects=_count(subjects),
        chain=_hash(chain),
        root=map_root,
    )
    checkpoint = Checkpoint(origin, size, tree_root(record, size=size, path=path))
    text = encode_checkpoint(checkpoint)
    note = Note(text, tuple([_parse_line(item) for item in _list(items[3])]))
    if parse_checkpoint(text) != checkpoint or parse_note(encode_note(note)) != note:
        raise BundleFormatError("origin and names have no line breaks", origin=origin)
    return note, encode_epoch(record), path


def _section_wire(section: Section) -> list[object]:
    entries = [[shown.index, shown.entry, shown.payload] for shown in section.entries]
    return [section.subject, _map_wire(section.map), entries]


def _map_wire(path: MapPath) -> list[object]:
    return [path.depth, path.bitmap, b"".join(path.siblings)]


def _parse_section(item: object) -> Section:
    subject, map_path, entries = _list(item, 3)
    shown = [_parse_entry(entry) for entry in _list(entries)]
    return Section(_text(subject), _parse_map(map_path), tuple(shown))


def _parse_entry(item: object) -> ShownEntry:
    index, entry, payload = _list(item, 3)
    return ShownEntry(_count(index), _bytes(entry), _optional(payload, _bytes))


def _parse_map(item: object) -> MapPath:
    depth, bitmap, siblings = _list(item, 3)
    return MapPath(_count(depth), _bytes(bitmap), _split(siblings))


def _parse_tick(item: object) -> Tick:
    index, record, path = _list(item, 3)
    return Tick(_count(index), _bytes(record), _split(path))


def _parse_line(item: object) -> NoteSignature:
    name, body = _list(item, 2)
    signature = _bytes(body)
    return NoteSignature(_text(name), signature[:_KEY_HASH_BYTES], signature[_KEY_HASH_BYTES:])


def _items(data: bytes, name: str, count: int, limit: int) -> list[Any]:
    if len(data) > limit:
        raise BundleFormatError("the proof file is too large", size=len(data), limit=limit)
    items = _list(decode_cbor(data), count)
    if items[0] != name:
        raise BundleFormatError("a proof file of another type", expected=name, found=items[0])
    return items


def _split(item: object) -> tuple[bytes, ...]:
    data = _bytes(item)
    if len(data) % HASH_SIZE:
        raise CBORError("hashes have 32 bytes each", size=len(data))
    return tuple([data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)])


def _hash(item: object) -> bytes:
    data = _bytes(item)
    if len(data) != HASH_SIZE:
        raise CBORError("a hash has 32 bytes", expected=HASH_SIZE, found=len(data))
    return data


def _list(item: object, count: int | None = None) -> list[Any]:
    if not isinstance(item, list) or count not in (None, len(item)):
        raise CBORError("an array of this length is wanted here", expected=count, found=_kind(item))
    return item


def _bytes(item: object) -> bytes:
    if not isinstance(item, bytes):
        raise CBORError("a byte string is wanted here", found=_kind(item))
    return item


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise CBORError("a text is wanted here", found=_kind(item))
    return item


def _count(item: object) -> int:
    if not isinstance(item, int) or item > MAX_SAFE_INTEGER:
        raise CBORError("a number up to 2^53 - 1 is wanted here", found=_kind(item))
    return item


def _optional(item: object, read: Callable[[object], _Part]) -> _Part | None:
    return None if item is None else read(item)


def _kind(item: object) -> str:
    return (
        f"array of {len(item)}"
        if isinstance(item, Sequence) and not isinstance(item, str | bytes)
        else type(item).__name__
    )


def _require_same(proof: Bundle | StatusProof, again: Bundle | StatusProof) -> None:
    if again != proof:
        raise BundleFormatError(
            "the parts of this proof do not lead to its checkpoint: there is no compact form of it"
        )
