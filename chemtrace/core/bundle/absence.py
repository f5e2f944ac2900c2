"""The proof that no entry of a published tree names a subject: where its leaf would stand is another's, or nothing.

Form: contracts/specs/absence.md. It says nothing about later entries, and never that a code was not printed.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from chemtrace.core.bundle.model import MAX_STATUS_BYTES
from chemtrace.core.bundle.shape import plain_checkpoint
from chemtrace.core.bundle.signed import Signed, verify_signed
from chemtrace.core.bundle.trust import Trust, check_trust
from chemtrace.core.bundle.verdict import beijing, clock_gap, utc
from chemtrace.core.canonical import parse_canonical
from chemtrace.core.errors import BundleFormatError, ProofStaleError
from chemtrace.core.note import Note
from chemtrace.core.sparse_map import MapLeaf, MapPath, verify_map_absence
from chemtrace.core.subjects import parse_subject
from chemtrace.core.tlog_proof import TLogProof, encode_tlog_proof, parse_tlog_proof

ABSENCE_MEDIA: Final = "application/vnd.chemtrace.absence+json"

_US: Final = 1_000_000
_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class AbsenceProof(msgspec.Struct, frozen=True):
    """`subject` has no entry in the tree of `note`; `other` is the one leaf that stands in its place, or None."""

    note: Note
    record: bytes
    path: tuple[bytes, ...]
    subject: str
    other: MapLeaf | None
    map: MapPath


class AbsenceVerdict(msgspec.Struct, frozen=True):
    """What a verified absence proof says: the tree's size, as of when (microseconds UTC), and a sentence each way."""

    subject: str
    origin: str
    size: int
    as_of_us: int
    mirrors: tuple[str, ...]
    zh: str
    en: str


class _Map(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bitmap: Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{2}){0,32}\Z")]
    depth: Annotated[int, msgspec.Meta(ge=0, le=256)]
    siblings: Annotated[tuple[_Hash, ...], msgspec.Meta(max_length=256)]


class _Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: _Hash
    value_hash: _Hash


class _Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    map: _Map
    other: _Leaf | None
    proof: str
    record: str
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    typ: Literal["chemtrace/absence/1"] = "chemtrace/absence/1"


_DECODER: Final = msgspec.json.Decoder(_Absence)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_absence(proof: AbsenceProof) -> bytes:
    """Return the canonical JSON of a proof; raises as `parse_absence` what is none."""
    index = plain_checkpoint(proof.note).size - 1
    other = None if proof.other is None else _Leaf(proof.other.key.hex(), proof.other.value_hash.hex())
    path = proof.map
    return _ENCODER.encode(
        _Absence(
            map=_Map(path.bitmap.hex(), path.depth, tuple([node.hex() for node in path.siblings])),
            other=other,
            proof=encode_tlog_proof(TLogProof(index, proof.path, proof.note)).decode("utf-8"),
            record=proof.record.decode("utf-8"),
            subject=parse_subject(proof.subject),
        )
    )


def parse_absence(data: bytes) -> AbsenceProof:
    """Return the proof of its bytes, not verified.

    Raises:
        BundleFormatError: too large, or not of this form in its one spelling; JSON errors by name.
        ProofShapeError, NoteFormatError, CheckpointError, SubjectError and the code errors.
    """
    if len(data) > MAX_STATUS_BYTES:
        raise BundleFormatError("the proof file is too large", size=len(data), limit=MAX_STATUS_BYTES)
    try:
        wire = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        parse_canonical(data, MAX_STATUS_BYTES)
        raise BundleFormatError(f"not an absence proof: {error}") from error
    inner = parse_tlog_proof(wire.proof.encode("utf-8"))
    proof = AbsenceProof(
        note=inner.note,
        record=wire.record.encode("utf-8"),
        path=inner.path,
        subject=parse_subject(wire.subject),
        other=None
        if wire.other is None
        else MapLeaf(bytes.fromhex(wire.other.key), bytes.fromhex(wire.other.value_hash)),
        map=MapPath(
            wire.map.depth,
            bytes.fromhex(wire.map.bitmap),
            tuple([bytes.fromhex(node) for node in wire.map.siblings]),
        ),
    )
    if encode_absence(proof) != data:
        parse_canonical(data, MAX_STATUS_BYTES)
        raise BundleFormatError("not an absence proof: a member is not in its one spelling")
    return proof


def verify_absence(data: bytes, trust: Trust, *, now_us: int | None = None) -> AbsenceVerdict:
    """Return what a proof says after everything in it was verified; `now_us` as for `verify_bundle`.

    Raises:
        MapProofError: the subject has entries in this tree, or the path does not hold.
        ProofStaleError: older than the trust file accepts. Otherwise as `parse_absence` and `verify_signed`.
    """
    check_trust(trust)
    proof = parse_absence(data)
    signed = verify_signed(proof.note, proof.record, proof.path, trust, now_us=now_us)
    verify_map_absence(root=signed.map_root, subject=proof.subject, path=proof.map, other=proof.other)
    if (
        now_us is not None
        and trust.max_age_s is not None
        and now_us - signed.as_of_us > trust.max_age_s * _US
    ):
        raise ProofStaleError(
            "this proof is older than is accepted here: fetch a new one",
            as_of_us=signed.as_of_us,
            now_us=now_us,
            limit_s=trust.max_age_s,
        )
    return _verdict(proof.subject, signed)


def _verdict(subject: str, signed: Signed) -> AbsenceVerdict:
    mirrors = tuple([one.name for one in signed.mirrors])
    zh = "由独立镜像重新核算" if mirrors else "据运营方声明"
    en = "recomputed by independent mirrors" if mirrors else "as the operator states"
    ahead_zh, ahead_en = "", ""
    if signed.mirrors_ahead:
        gap = clock_gap(signed.mirrors_ahead)
        ahead_zh, ahead_en = gap.zh, f" {gap.en}"
    return AbsenceVerdict(
        subject=subject,
        origin=signed.checkpoint.origin,
        size=signed.checkpoint.size,
        as_of_us=signed.as_of_us,
        mirrors=mirrors,
        zh=f"日志中没有任何关于 {subject} 的记录（{zh}），截至 {beijing(signed.as_of_us)}。{ahead_zh}",
        en=f"No entry of the log names {subject} ({en}), as of {utc(signed.as_of_us)}.{ahead_en}",
    )
