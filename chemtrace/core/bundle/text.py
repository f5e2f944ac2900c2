"""The text form of bundles and status proofs: canonical JSON around a C2SP tlog-proof. Nothing is verified here."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.bundle.model import (
    MAX_BUNDLE_BYTES,
    MAX_SECTIONS,
    MAX_STATUS_BYTES,
    MAX_TICKS,
    Bundle,
    MapPath,
    Section,
    ShownEntry,
    StatusProof,
    Tick,
)
from chemtrace.core.bundle.shape import check_bundle_shape, check_status_shape, plain_checkpoint
from chemtrace.core.canonical import parse_canonical
from chemtrace.core.errors import BundleFormatError
from chemtrace.core.note import Note
from chemtrace.core.tlog_proof import TLogProof, encode_tlog_proof, parse_tlog_proof
from chemtrace.core.types import MAX_SAFE_INTEGER

EXPLAINED_BYTES: Final = 1024 * 1024
"""Up to this size a file that is no proof is read a second time, for the name of what is wrong with its JSON."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Bitmap = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{2}){0,32}\Z")]
_Depth = Annotated[int, msgspec.Meta(ge=0, le=256)]
_Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Map(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bitmap: _Bitmap
    depth: _Depth
    siblings: Annotated[tuple[_Hash, ...], msgspec.Meta(max_length=256)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entry: str
    index: _Count
    payload: str | None


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entries: tuple[_Entry, ...]
    map: _Map
    subject: _Subject


class _Tick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    index: _Count
    path: Annotated[tuple[_Hash, ...], msgspec.Meta(max_length=64)]
    record: str


class _Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    proof: str
    record: str
    sections: Annotated[tuple[_Section, ...], msgspec.Meta(min_length=1, max_length=MAX_SECTIONS)]
    subject: _Subject
    ticks: Annotated[tuple[_Tick, ...], msgspec.Meta(max_length=MAX_TICKS)]
    typ: Literal["chemtrace/bundle/1"] = "chemtrace/bundle/1"


class _Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: _Count
    last: _Count
    map: _Map
    proof: str
    record: str
    root: _Hash
    subject: _Subject
    typ: Literal["chemtrace/status/1"] = "chemtrace/status/1"


_BUNDLE_DECODER: Final = msgspec.json.Decoder(_Bundle)
_STATUS_DECODER: Final = msgspec.json.Decoder(_Status)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_bundle_text(bundle: Bundle) -> bytes:
    """Return the text form; raises as `parse_bundle_text` what is no bundle."""
    check_bundle_shape(bundle)
    return _ENCODER.encode(
        _Bundle(
            proof=_proof_text(bundle.note, bundle.path),
            record=bundle.record.decode("utf-8"),
            sections=tuple([_section_wire(section) for section in bundle.sections]),
            subject=bundle.subject,
            ticks=tuple([_tick_wire(tick) for tick in bundle.ticks]),
        )
    )


def parse_bundle_text(data: bytes) -> Bundle:
    """Return the bundle of its text form; nothing in it is verified.

    Raises:
        BundleFormatError: too large, a member missing, unknown or wrong, or out of order; JSON errors by name.
        WireError, ProofShapeError, NoteFormatError, CheckpointError, SubjectError: the part that breaks its form.
    """
    wire = _decode(_BUNDLE_DECODER, data, MAX_BUNDLE_BYTES)
    note, path = _parse_proof(wire.proof)
    bundle = Bundle(
        note=note,
        record=wire.record.encode("utf-8"),
        path=path,
        ticks=tuple(
            [Tick(tick.index, tick.record.encode("utf-8"), _hashes(tick.path)) for tick in wire.ticks]
        ),
        sections=tuple([_parse_section(section) for section in wire.sections]),
    )
    if wire.subject != bundle.subject:
        raise BundleFormatError(
            "the first section is that of the subject", expected=wire.subject, found=bundle.subject
        )
    check_bundle_shape(bundle)
    return bundle


def encode_status_text(proof: StatusProof) -> bytes:
    """Return the text form; raises as `parse_status_text` what is no status proof."""
    check_status_shape(proof)
    return _ENCODER.encode(
        _Status(
            count=proof.count,
            last=proof.last,
            map=_map_wire(proof.map),
            proof=_proof_text(proof.note, proof.path),
            record=proof.record.decode("utf-8"),
            root=proof.root.hex(),
            subject=proof.subject,
        )
    )


def parse_status_text(data: bytes) -> StatusProof:
    """Return the status proof of its text form, not verified; raises as `parse_bundle_text`."""
    wire = _decode(_STATUS_DECODER, data, MAX_STATUS_BYTES)
    note, path = _parse_proof(wire.proof)
    proof = StatusProof(
        note=note,
        record=wire.record.encode("utf-8"),
        path=path,
        subject=wire.subject,
        count=wire.count,
        root=bytes.fromhex(wire.root),
        last=wire.last,
        map=_parse_map(wire.map),
    )
    check_status_shape(proof)
    return proof


def _decode(decoder: msgspec.json.Decoder[Any], data: bytes, limit: int) -> Any:
    """Return the typed document of canonical bytes; what is no canonical JSON is refused under its own name."""
    if len(data) > limit:
        raise BundleFormatError("the proof file is too large", size=len(data), limit=limit)
    try:
        wire = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _explain(data)
        raise BundleFormatError(f"not a proof file of this form: {error}") from error
    # The typed encoder writes sorted members without spaces; what it and RFC 8785 would escape differently stands in
    # no checkpoint, record or subject. Equal bytes are canonical, and one pass over eight megabytes is spared.
    if _ENCODER.encode(wire) != data:
        _explain(data)
        raise BundleFormatError("not a proof file: a member is not in its one spelling")
    return wire


def _explain(data: bytes) -> None:
    """Raise the JSON error of what is no canonical JSON; a large file is not read again to say it better."""
    if len(data) <= EXPLAINED_BYTES:
        parse_canonical(data, EXPLAINED_BYTES)


def _proof_text(note: Note, path: tuple[bytes, ...]) -> str:
    index = plain_checkpoint(note).size - 1
    return encode_tlog_proof(TLogProof(index, path, note)).decode("utf-8")


def _parse_proof(text: str) -> tuple[Note, tuple[bytes, ...]]:
    """Return checkpoint note and path of a proof in its one spelling that is about the last entry."""
    data = text.encode("utf-8")
    proof = parse_tlog_proof(data)
    size = plain_checkpoint(proof.note).size
    if proof.extra is not None or proof.index != size - 1 or encode_tlog_proof(proof) != data:
        raise BundleFormatError(
            "the proof is of the last entry, without extra line, in its one spelling",
            expected=size - 1,
            found=proof.index,
        )
    return proof.note, proof.path


def _section_wire(section: Section) -> _Section:
    entries = [
        _Entry(
            encode_base64url(shown.entry),
            shown.index,
            None if shown.payload is None else encode_base64url(shown.payload),
        )
        for shown in section.entries
    ]
    return _Section(tuple(entries), _map_wire(section.map), section.subject)


def _parse_section(wire: _Section) -> Section:
    entries = [
        ShownEntry(
            entry.index,
            decode_base64url(entry.entry),
            None if entry.payload is None else decode_base64url(entry.payload),
        )
        for entry in wire.entries
    ]
    return Section(wire.subject, _parse_map(wire.map), tuple(entries))


def _tick_wire(tick: Tick) -> _Tick:
    return _Tick(tick.index, tuple([node.hex() for node in tick.path]), tick.record.decode("utf-8"))


def _map_wire(path: MapPath) -> _Map:
    return _Map(path.bitmap.hex(), path.depth, tuple([node.hex() for node in path.siblings]))


def _parse_map(wire: _Map) -> MapPath:
    return MapPath(wire.depth, bytes.fromhex(wire.bitmap), _hashes(wire.siblings))


def _hashes(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple([bytes.fromhex(text) for text in texts])
