"""Proofs of C2SP tlog-proof: an entry's index and inclusion path with the checkpoint that they lead to, as text."""

import re
from base64 import b64encode
from typing import Final

import msgspec

from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.errors import NoteFormatError, ProofShapeError
from chemtrace.core.merkle import verify_inclusion
from chemtrace.core.note import MAX_NOTE_BYTES, Note, NoteVerifier, decode_base64, encode_note, parse_note
from chemtrace.core.policy import Cosigned, Policy, verify_cosigned
from chemtrace.core.types import HASH_SIZE

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 63
MAX_EXTRA_BYTES: Final = 65_536
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_MAX_INDEX: Final = 2**63 - 1


class TLogProof(msgspec.Struct, frozen=True):
    """An index, its inclusion path (lowest sibling first) and a checkpoint note. `extra` is never authenticated."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None


def encode_tlog_proof(proof: TLogProof) -> bytes:
    """Return the text of a proof."""
    lines = [FIRST_LINE]
    if proof.extra is not None:
        lines.append(f"extra {_base64(proof.extra)}")
    lines += [f"index {proof.index}", *map(_base64, proof.path)]
    return ("\n".join(lines) + "\n\n").encode("ascii") + encode_note(proof.note)


def parse_tlog_proof(data: bytes) -> TLogProof:
    """Return the proof of its text in its one spelling; nothing is verified.

    Raises:
        ProofShapeError: not such a text, too large, or a path of more than 63 hashes.
        NoteFormatError, CheckpointError: what stands behind the empty line is no checkpoint.
    """
    head, separator, note = data.partition(b"\n\n")
    if not separator or len(data) > MAX_PROOF_BYTES:
        raise ProofShapeError(
            "a tlog-proof is some lines, an empty line and a checkpoint",
            size=len(data),
            limit=MAX_PROOF_BYTES,
        )
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise ProofShapeError("the lines of a tlog-proof are ASCII") from error
    if first != FIRST_LINE:
        raise ProofShapeError("not a tlog-proof", expected=FIRST_LINE, found=first[:80])
    extra = _decode(lines.pop(0)[6:], MAX_EXTRA_BYTES) if lines and lines[0].startswith("extra ") else None
    index = _index(lines.pop(0) if lines else "")
    if len(lines) > MAX_PATH:
        raise ProofShapeError("the path is too long", limit=MAX_PATH, found=len(lines))
    parsed = parse_note(note)
    parse_checkpoint(parsed.text)
    return TLogProof(index, tuple([_hash(line) for line in lines]), parsed, extra)


def verify_tlog_proof(
    data: bytes, *, leaf_hash: bytes, origin: str, log: NoteVerifier | None, policy: Policy
) -> tuple[Checkpoint, int, Cosigned]:
    """Return checkpoint, index and verified signatures of a proof that `leaf_hash` is in the log.

    Raises:
        ProofShapeError, RootMismatchError: malformed, or the path leads elsewhere.
        NoteFormatError, CheckpointError, NoteSignatureError, PolicyUnmetError: as `verify_cosigned`.
    """
    proof = parse_tlog_proof(data)
    cosigned = verify_cosigned(encode_note(proof.note), origin, log, policy)
    verify_inclusion(
        leaf_hash=leaf_hash,
        index=proof.index,
        size=cosigned.checkpoint.size,
        path=proof.path,
        root=cosigned.checkpoint.root,
    )
    return cosigned.checkpoint, proof.index, cosigned


def _index(line: str) -> int:
    text = line.removeprefix("index ")
    index = int(text) if line.startswith("index ") and _INDEX.fullmatch(text) else -1
    if not 0 <= index <= _MAX_INDEX:
        raise ProofShapeError("the index line reads: index <decimal without leading zeros>", found=line[:80])
    return index


def _hash(line: str) -> bytes:
    value = _decode(line, HASH_SIZE)
    if len(value) != HASH_SIZE:
        raise ProofShapeError("every hash has 32 bytes", expected=HASH_SIZE, found=len(value))
    return value


def _decode(text: str, limit: int) -> bytes:
    if len(text) > (limit + 2) // 3 * 4:
        raise ProofShapeError("a line is too long", limit=limit, found=len(text))
    try:
        return decode_base64(text)
    except NoteFormatError as error:
        raise ProofShapeError("not base64 in its one spelling", found=text[:80]) from error


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
