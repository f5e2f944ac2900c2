"""Checkpoints of C2SP tlog-checkpoint: a signed note over origin, tree size and root; no extension lines of ours."""

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Final

import msgspec

from chemtrace.core.errors import CheckpointError, NoteFormatError
from chemtrace.core.keys import PrivateKey
from chemtrace.core.note import Note, NoteVerifier, decode_base64, encode_note, sign_note, verify_note
from chemtrace.core.types import HASH_SIZE, RootHash

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_MAX_SIZE: Final = 2**63 - 1


class Checkpoint(msgspec.Struct, frozen=True):
    """The state of a log: its `origin` (a URL without scheme), number of entries, and root."""

    origin: str
    size: int
    root: RootHash


def encode_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the note text: origin, size in decimal, root in base64, each on its line."""
    root = b64encode(checkpoint.root).decode("ascii")
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"


def parse_checkpoint(text: str, origin: str | None = None) -> Checkpoint:
    """Return the checkpoint of a note text; extension lines are left out, as C2SP asks of readers.

    Raises:
        CheckpointError: malformed, or of another origin than the one given.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise CheckpointError(
            "a checkpoint has a line each for origin, size and root, none empty", found=text[:200]
        )
    if origin is not None and lines[0] != origin:
        raise CheckpointError("this checkpoint is of another log", expected=origin, found=lines[0])
    size = int(lines[1]) if _SIZE.fullmatch(lines[1]) else -1
    if not 0 <= size <= _MAX_SIZE:
        raise CheckpointError("the size is not a decimal number below 2^63", found=lines[1][:40])
    try:
        root = decode_base64(lines[2])
    except NoteFormatError as error:
        raise CheckpointError("the root is not base64", found=lines[2][:80]) from error
    if len(root) != HASH_SIZE:
        raise CheckpointError("the root has 32 bytes", expected=HASH_SIZE, found=len(root))
    return Checkpoint(lines[0], size, RootHash(root))


def sign_checkpoint(checkpoint: Checkpoint, key: PrivateKey) -> bytes:
    """Return the signed note; the key name is the origin."""
    return encode_note(sign_note(encode_checkpoint(checkpoint), checkpoint.origin, key))


def verify_checkpoint(data: bytes, origin: str, verifiers: Iterable[NoteVerifier]) -> tuple[Checkpoint, Note]:
    """Return the checkpoint and its verified signatures; a checkpoint without signature is never returned.

    `verifiers` holds the log's own key; witnesses' cosignatures are another type and are left out here.

    Raises:
        NoteFormatError, NoteSignatureError: as `verify_note`.
        CheckpointError: as `parse_checkpoint`.
    """
    note = verify_note(data, verifiers)
    return parse_checkpoint(note.text, origin), note
