"""Cosignatures of C2SP tlog-cosignature: a witness states that a checkpoint is consistent with all it has seen.

Two kinds, told apart by the type byte of the key: Ed25519 (0x04, "cosignature/v1" over the whole note text) and
ML-DSA-44 (0x06, "subtree/v1" over name, time, origin, range and root). Both are note signature lines whose
signature is a u64be time in seconds since 1970 and the raw signature.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.ed25519 import KEY_BYTES, SIGNATURE_BYTES, check_ed25519_key, verify_ed25519
from chemtrace.core.errors import (
    IdentityError,
    NoteFormatError,
    NoteSignatureError,
    SignatureInvalidError,
    SPKIError,
)
from chemtrace.core.keys import PrivateKey
from chemtrace.core.ml_dsa import KEY_BYTES as ML_DSA_KEY_BYTES
from chemtrace.core.ml_dsa import SIGNATURE_BYTES as ML_DSA_SIGNATURE_BYTES
from chemtrace.core.ml_dsa import MLDSAKey, verify_ml_dsa
from chemtrace.core.note import Note, NoteSignature, check_key_name, encode_vkey, key_hash, split_vkey

ED25519_COSIGNATURE: Final = 4
ML_DSA_44_COSIGNATURE: Final = 6
TIME_BYTES: Final = 8
MAX_TIME_S: Final = 253_402_300_799
"""The last second of the year 9999: no honest clock says more, and no calendar here writes it."""
MAX_NAME_BYTES: Final = 255

_MAX_SIZE: Final = 2**63 - 1
_SUBTREE_LABEL: Final = b"subtree/v1\n\0"
_KEY_SIZES: Final = {ED25519_COSIGNATURE: KEY_BYTES, ML_DSA_44_COSIGNATURE: ML_DSA_KEY_BYTES}
_SIGNATURE_SIZES: Final = {
    ED25519_COSIGNATURE: SIGNATURE_BYTES,
    ML_DSA_44_COSIGNATURE: ML_DSA_SIGNATURE_BYTES,
}

CosigningKey = PrivateKey | MLDSAKey
"""A witness's secret: an Ed25519 `PrivateKey` or an `MLDSAKey`."""


class CosignatureVerifier(msgspec.Struct, frozen=True):
    """Who may cosign: key name, four-byte key hash, type (4 Ed25519, 6 ML-DSA-44), public key bytes."""

    name: str
    key_hash: bytes
    type: int
    public: bytes

    @property
    def vkey(self) -> str:
        """The verifier key text."""
        return encode_vkey(self.name, self.type, self.public)


class Cosignature(msgspec.Struct, frozen=True):
    """A verified cosignature: whose, its line, and its time in seconds since 1970.

    Time 0 (ML-DSA-44 only by the standard) states consistency, not that this was the largest tree seen.
    """

    verifier: CosignatureVerifier
    line: NoteSignature
    time_s: int


def make_cosignature_verifier(name: str, key_type: int, public: bytes) -> CosignatureVerifier:
    """Return the verifier of a name, type and raw public key.

    Raises:
        NoteFormatError: a bad name, an unknown type, a key of the wrong size, weak, or not a point.
    """
    check_key_name(name)
    if _KEY_SIZES.get(key_type) != len(public):
        raise NoteFormatError(
            "a witness key is of type 4 (Ed25519, 32 bytes) or 6 (ML-DSA-44, 1312 bytes)",
            type=key_type,
            size=len(public),
        )
    try:
        if key_type == ED25519_COSIGNATURE:
            check_ed25519_key(public)
    except (SPKIError, IdentityError) as error:
        raise NoteFormatError(
            "this witness key cannot be trusted with anything", reason=error.message
        ) from error
    return CosignatureVerifier(name, key_hash(name, key_type, public), key_type, public)


def cosigner(name: str, key: CosigningKey) -> CosignatureVerifier:
    """Return the verifier of a witness's own key; raises `NoteFormatError` for a bad name or another algorithm."""
    if isinstance(key, MLDSAKey):
        return make_cosignature_verifier(name, ML_DSA_44_COSIGNATURE, key.public)
    if key.public.alg != "ed25519":
        raise NoteFormatError("witnesses sign with Ed25519 or ML-DSA-44", found=key.public.alg)
    return make_cosignature_verifier(name, ED25519_COSIGNATURE, key.public.raw)


def parse_witness_vkey(text: str) -> CosignatureVerifier:
    """Return the verifier of a witness's verifier key text; raises `NoteFormatError` for anything else."""
    return make_cosignature_verifier(*split_vkey(text))


def cosign(note_text: str, name: str, key: CosigningKey, time_s: int) -> NoteSignature:
    """Return the cosignature line over a checkpoint's text at `time_s` (seconds since 1970, 1 to `MAX_TIME_S`).

    Raises:
        CheckpointError: the text is no checkpoint.
        NoteFormatError: a bad name, key or time.
    """
    verifier = cosigner(name, key)
    if not 0 < time_s <= MAX_TIME_S:
        raise NoteFormatError(f"a cosignature has a time of 1 to {MAX_TIME_S} seconds", found=time_s)
    signature = key.sign(_signed_message(verifier, note_text, time_s))
    return NoteSignature(name, verifier.key_hash, time_s.to_bytes(TIME_BYTES, "big") + signature)


def verify_cosignature(verifier: CosignatureVerifier, note_text: str, line: NoteSignature) -> int:
    """Return the time, in seconds since 1970, of a cosignature line that verifies.

    Raises:
        NoteSignatureError: the line is another key's, of a wrong length or time, or does not verify.
        CheckpointError: the text is no checkpoint.
        LibraryMissingError: an ML-DSA line, and this installation cannot check it.
    """
    if (line.name, line.key_hash) != (verifier.name, verifier.key_hash):
        raise NoteSignatureError(
            "this line is of another key",
            expected=f"{verifier.name}+{verifier.key_hash.hex()}",
            found=f"{line.name}+{line.key_hash.hex()}",
        )
    time_s = int.from_bytes(line.signature[:TIME_BYTES], "big")
    expected = TIME_BYTES + _SIGNATURE_SIZES[verifier.type]
    timeless = time_s == 0 and verifier.type != ML_DSA_44_COSIGNATURE
    if len(line.signature) != expected or timeless or time_s > MAX_TIME_S:
        raise NoteSignatureError(
            "the cosignature has a wrong length or time",
            expected=expected,
            found=len(line.signature),
            time_s=time_s,
        )
    message = _signed_message(verifier, note_text, time_s)
    check = verify_ed25519 if verifier.type == ED25519_COSIGNATURE else verify_ml_dsa
    try:
        check(verifier.public, message, line.signature[TIME_BYTES:])
    except SignatureInvalidError as error:
        raise NoteSignatureError(
            "the cosignature does not verify", name=line.name, key=verifier.vkey
        ) from error
    return time_s


def verify_cosignatures(note: Note, verifiers: Iterable[CosignatureVerifier]) -> tuple[Cosignature, ...]:
    """Return the cosignatures of `note` that are of one of `verifiers`, each once, in the order of the lines.

    Lines of unknown keys are left out; none at all is an empty tuple. A wrong line of a known key refuses the note.

    Raises:
        NoteSignatureError, CheckpointError, LibraryMissingError: as `verify_cosignature`.
    """
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    found: dict[tuple[str, bytes], Cosignature] = {}
    for line in note.signatures:
        at = (line.name, line.key_hash)
        if at in known and at not in found:
            found[at] = Cosignature(known[at], line, verify_cosignature(known[at], note.text, line))
    return tuple(found.values())


def cosigned_message(*, name: str, time_s: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    """Return the `cosigned_message` structure of "subtree/v1": what an ML-DSA-44 cosigner signs.

    For a checkpoint `start` is 0 and `end` its size. A subtree that does not start at 0 has no time.

    Raises:
        NoteFormatError: a name or origin that is empty or above 255 bytes, or numbers that make no sense.
    """
    names = [text.encode("utf-8") for text in (name, origin)]
    if not all(1 <= len(text) <= MAX_NAME_BYTES for text in names):
        raise NoteFormatError(
            "a cosigner's name and a log's origin have 1 to 255 bytes", name=name, origin=origin
        )
    if not 0 <= start <= end <= _MAX_SIZE or not 0 <= time_s <= MAX_TIME_S or (start and time_s):
        raise NoteFormatError("no such subtree can be cosigned", start=start, end=end, time_s=time_s)
    numbers = [number.to_bytes(8, "big") for number in (time_s, start, end)]
    sized = [bytes((len(text),)) + text for text in names]
    return b"".join([_SUBTREE_LABEL, sized[0], numbers[0], sized[1], numbers[1], numbers[2], root])


def _signed_message(verifier: CosignatureVerifier, note_text: str, time_s: int) -> bytes:
    checkpoint = parse_checkpoint(note_text)
    if verifier.type == ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {time_s}\n{note_text}".encode()
    return cosigned_message(
        name=verifier.name,
        time_s=time_s,
        origin=checkpoint.origin,
        start=0,
        end=checkpoint.size,
        root=checkpoint.root,
    )
