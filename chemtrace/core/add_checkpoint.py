"""The add-checkpoint request of C2SP tlog-witness: its text, and the rule by which a witness decides on it.

A request is `old <size>`, the consistency proof one base64 hash a line, an empty line, and the checkpoint note.
The answer is cosignature lines (`core.note.encode_signature_lines`).
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Final

import msgspec

from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.errors import (
    CheckpointError,
    NoteFormatError,
    NoteSignatureError,
    ProofShapeError,
    RootMismatchError,
    SplitViewError,
    WitnessConflictError,
    WitnessProofError,
    WitnessRequestError,
    WitnessUntrustedError,
)
from chemtrace.core.merkle import EMPTY_ROOT, verify_consistency
from chemtrace.core.note import Note, NoteVerifier, decode_base64, encode_note, parse_note, verify_note
from chemtrace.core.types import HASH_SIZE

MAX_REQUEST_BYTES: Final = 262_144
"""63 hashes and a note of 100 signatures, 60 of them post-quantum ones."""
MAX_PATH: Final = 63
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_MAX_SIZE: Final = 2**63 - 1


class AddCheckpoint(msgspec.Struct, frozen=True):
    """A request: the size the witness is thought to hold, the proof from there, and the new checkpoint's note."""

    old_size: int
    path: tuple[bytes, ...]
    note: Note


class Held(msgspec.Struct, frozen=True):
    """What a witness holds of a log: the last checkpoint it cosigned and its signed note, byte for byte."""

    checkpoint: Checkpoint
    note: bytes


def encode_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Return the body of a request."""
    lines = [f"old {request.old_size}", *[b64encode(node).decode("ascii") for node in request.path]]
    return ("\n".join(lines) + "\n\n").encode("ascii") + encode_note(request.note)


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Return the request of a body in its one spelling; nothing is verified (a witness answers 400 otherwise).

    Raises:
        WitnessRequestError: malformed, too large, more than 63 hashes, or no note in it.
    """
    head, separator, note = data.partition(b"\n\n")
    if not separator or len(data) > MAX_REQUEST_BYTES:
        raise WitnessRequestError(
            "a request is an old size, a proof, an empty line and a checkpoint",
            size=len(data),
            limit=MAX_REQUEST_BYTES,
        )
    try:
        first, *path = head.decode("ascii").split("\n")
        if len(path) > MAX_PATH:
            raise WitnessRequestError("the proof is too long", limit=MAX_PATH, found=len(path))
        return AddCheckpoint(parse_size(first.removeprefix("old "), first), _hashes(path), parse_note(note))
    except (UnicodeDecodeError, NoteFormatError) as error:
        raise WitnessRequestError(f"not an add-checkpoint request: {error}") from error


def parse_size(text: str, line: str | None = None) -> int:
    """Return a tree size in its one decimal spelling; of `line` the part behind `old ` when it is given.

    Raises:
        WitnessRequestError: not such a number below 2^63, or `line` does not start with `old `.
    """
    size = int(text) if _SIZE.fullmatch(text) and (line is None or line == f"old {text}") else -1
    if not 0 <= size <= _MAX_SIZE:
        raise WitnessRequestError(
            "not a tree size: a decimal below 2^63 without leading zeros", found=text[:80]
        )
    return size


def read_origin(request: AddCheckpoint) -> Checkpoint:
    """Return the checkpoint a request claims, before any check of signatures: its origin tells whose keys to take.

    Raises:
        WitnessRequestError: the note is no checkpoint.
    """
    try:
        return parse_checkpoint(request.note.text)
    except CheckpointError as error:
        raise WitnessRequestError(f"not a checkpoint: {error.message}", **error.fields) from error


def check_add_checkpoint(
    request: AddCheckpoint, verifiers: Iterable[NoteVerifier], held: Held | None
) -> Held:
    """Return what the witness holds after cosigning this request; whoever stores it swaps it against `held`.

    The order is that of C2SP tlog-witness; the HTTP status of each refusal stands in brackets.
    1. Some trusted key of the origin has signed, and no trusted key's signature is wrong (403).
    2. The old size is not above the new one (400).
    3. The old size is the one held, 0 when nothing is (409).
    4. Equal sizes have equal roots (409): otherwise the log has signed two trees of one size.
    5. The proof verifies; from nothing it is empty (422).

    Raises:
        WitnessRequestError, WitnessUntrustedError, WitnessConflictError, SplitViewError, WitnessProofError.
    """
    new = read_origin(request)
    try:
        signed = verify_note(encode_note(request.note), verifiers)
    except NoteSignatureError as error:
        raise WitnessUntrustedError(
            "no key that is trusted for this origin has signed the checkpoint", origin=new.origin
        ) from error
    if request.old_size > new.size:
        raise WitnessRequestError(
            "the old size is above the checkpoint's", old_size=request.old_size, size=new.size
        )
    old_size, old_root = (held.checkpoint.size, held.checkpoint.root) if held else (0, EMPTY_ROOT)
    if request.old_size != old_size:
        raise WitnessConflictError(
            "the old size is not the one cosigned last", expected=old_size, found=request.old_size
        )
    after = Held(new, encode_note(signed))
    if new.size == old_size and new.root != old_root:
        raise _two_roots(held, after)
    _check_path(request, old_root, new)
    return after


def _two_roots(held: Held | None, after: Held) -> Exception:
    if held is None:
        return WitnessConflictError(
            "the empty tree has another root", expected=EMPTY_ROOT, found=after.checkpoint.root
        )
    return SplitViewError(
        "the log has signed two roots for one size",
        origin=after.checkpoint.origin,
        size=after.checkpoint.size,
        first=held.checkpoint.root,
        second=after.checkpoint.root,
        first_note=held.note,
        second_note=after.note,
    )


def _check_path(request: AddCheckpoint, old_root: bytes, new: Checkpoint) -> None:
    if request.old_size == 0 < new.size:
        if request.path:
            raise WitnessProofError("from nothing the proof is empty", expected=0, found=len(request.path))
        return
    try:
        verify_consistency(
            old_size=request.old_size,
            new_size=new.size,
            old_root=old_root,
            new_root=new.root,
            path=request.path,
        )
    except (ProofShapeError, RootMismatchError) as error:
        raise WitnessProofError(
            f"the consistency proof does not verify: {error.message}", **error.fields
        ) from error


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    path = tuple([decode_base64(line) for line in lines])
    for node in path:
        if len(node) != HASH_SIZE:
            raise WitnessRequestError("every hash has 32 bytes", expected=HASH_SIZE, found=len(node))
    return path
