"""Signed notes of C2SP (c2sp.org/signed-note): a text, an empty line, signature lines. Ed25519, type 0x01.

A verifier key reads `<name>+<hash>+<base64 of type and key>`; the hash is the first four bytes of
SHA-256(name || 0x0A || type || key), and each signature line repeats it.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec

from chemtrace.core.ed25519 import KEY_BYTES, verify_ed25519
from chemtrace.core.errors import NoteFormatError, NoteSignatureError, SignatureInvalidError
from chemtrace.core.keys import PrivateKey

ED25519_TYPE: Final = 1
MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100

_DASH: Final = "\u2014 "


class NoteVerifier(msgspec.Struct, frozen=True):
    """Who may sign a note: key name, four-byte key hash, Ed25519 public key."""

    name: str
    key_hash: bytes
    public: bytes

    @property
    def vkey(self) -> str:
        """The verifier key text."""
        return encode_vkey(self.name, ED25519_TYPE, self.public)


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line: key name, key hash, and the bytes behind the hash."""

    name: str
    key_hash: bytes
    signature: bytes


class Note(msgspec.Struct, frozen=True):
    """A parsed note: `text` ends in a newline and is what was signed, as UTF-8."""

    text: str
    signatures: tuple[NoteSignature, ...]


def make_verifier(name: str, public: bytes) -> NoteVerifier:
    """Return the verifier of a key name and raw Ed25519 key; raises `NoteFormatError` for a bad name."""
    check_key_name(name)
    if len(public) != KEY_BYTES:
        raise NoteFormatError("an Ed25519 key has 32 bytes", size=len(public))
    return NoteVerifier(name, key_hash(name, ED25519_TYPE, public), public)


def key_hash(name: str, key_type: int, public: bytes) -> bytes:
    """Return the four bytes that name a key: SHA-256(name || 0x0A || type || key)[:4]."""
    return sha256(name.encode("utf-8") + b"\n" + bytes((key_type,)) + public).digest()[:4]


def parse_vkey(text: str) -> NoteVerifier:
    """Return the verifier of a verifier key text.

    Raises:
        NoteFormatError: malformed, a hash that does not fit, or a type other than Ed25519.
    """
    name, key_type, public = split_vkey(text)
    if key_type != ED25519_TYPE:
        raise NoteFormatError(
            "not a verifier key of Ed25519 notes", expected=ED25519_TYPE, found=key_type, vkey=text[:120]
        )
    return make_verifier(name, public)


def encode_vkey(name: str, key_type: int, public: bytes) -> str:
    """Return the verifier key text of a key of any type."""
    body = b64encode(bytes((key_type,)) + public).decode("ascii")
    return f"{name}+{key_hash(name, key_type, public).hex()}+{body}"


def split_vkey(text: str) -> tuple[str, int, bytes]:
    """Return name, signature type and key bytes of a verifier key text whose hash fits; any type is taken.

    Raises:
        NoteFormatError: malformed, or a hash that does not fit.
    """
    name, _, rest = text.partition("+")
    hash_text, _, key_text = rest.partition("+")
    check_key_name(name)
    body = decode_base64(key_text)
    if len(body) < 2 or hash_text != key_hash(name, body[0], body[1:]).hex():
        raise NoteFormatError("not a verifier key, or its hash does not fit", found=text[:120])
    return name, body[0], body[1:]


def parse_note(data: bytes) -> Note:
    """Return the note of its bytes; nothing is verified yet.

    Raises:
        NoteFormatError: not UTF-8, control characters, no signature, or a malformed signature line.
    """
    text, lines = _split(data)
    return Note(text, _parse_lines(lines))


def encode_note(note: Note) -> bytes:
    """Return the bytes of a note."""
    return (note.text + "\n").encode("utf-8") + encode_signature_lines(note.signatures)


def encode_signature_lines(signatures: Iterable[NoteSignature]) -> bytes:
    """Return signature lines alone, each ended by a newline, as witnesses answer them."""
    lines = [
        f"{_DASH}{line.name} {b64encode(line.key_hash + line.signature).decode('ascii')}\n"
        for line in signatures
    ]
    return "".join(lines).encode("utf-8")


def parse_signature_lines(data: bytes) -> tuple[NoteSignature, ...]:
    """Return the signatures of 1 to 100 lines without their note; nothing is verified.

    Raises:
        NoteFormatError: not UTF-8, too large, none or too many, or a malformed line.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise NoteFormatError("the signature lines are too large", size=len(data), limit=MAX_NOTE_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteFormatError("signature lines are UTF-8") from error
    if not text.endswith("\n"):
        raise NoteFormatError("every signature line ends in a newline", found=text[-120:])
    return _parse_lines(text[:-1].split("\n"))


def sign_note(text: str, name: str, key: PrivateKey) -> Note:
    """Return `text` with one Ed25519 signature under the key name `name`.

    Raises:
        NoteFormatError: a text without final newline, a bad name, or a key that is not Ed25519.
    """
    if key.public.alg != "ed25519":
        raise NoteFormatError("notes are signed with Ed25519", found=key.public.alg)
    body = _check_text(text)
    verifier = make_verifier(name, key.public.raw)
    return Note(text, (NoteSignature(name, verifier.key_hash, key.sign(body)),))


def verify_note(data: bytes, verifiers: Iterable[NoteVerifier]) -> Note:
    """Return the note with only the signatures that verify under one of `verifiers`, each at most once.

    Signatures of unknown keys are left out. A wrong signature of a known key refuses the whole note.

    Raises:
        NoteFormatError: as `parse_note`.
        NoteSignatureError: a known key's signature is wrong, or no known key signed.
    """
    note = parse_note(data)
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    body = note.text.encode("utf-8")
    verified: dict[tuple[str, bytes], NoteSignature] = {}
    for line in note.signatures:
        verifier = known.get((line.name, line.key_hash))
        if verifier is not None and (line.name, line.key_hash) not in verified:
            _verify_line(verifier, body, line)
            verified[line.name, line.key_hash] = line
    if not verified:
        found = tuple(f"{line.name}+{line.key_hash.hex()}" for line in note.signatures)
        wanted = tuple(f"{name}+{hash_.hex()}" for name, hash_ in known)
        raise NoteSignatureError("no known key has signed this note", expected=wanted, found=found)
    return Note(note.text, tuple(verified.values()))


def _verify_line(verifier: NoteVerifier, body: bytes, line: NoteSignature) -> None:
    try:
        verify_ed25519(verifier.public, body, line.signature)
    except SignatureInvalidError as error:
        raise NoteSignatureError(
            "the note's signature does not verify", name=line.name, key=verifier.vkey
        ) from error


def _split(data: bytes) -> tuple[str, list[str]]:
    """Text with its final newline, and the signature lines without theirs."""
    if len(data) > MAX_NOTE_BYTES:
        raise NoteFormatError("the note is too large", size=len(data), limit=MAX_NOTE_BYTES)
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteFormatError("a note is UTF-8") from error
    at = whole.rfind("\n\n")
    if at < 0 or not whole.endswith("\n"):
        raise NoteFormatError("a note is a text, an empty line and signature lines, each ended by a newline")
    _check_text(whole[: at + 1])
    return whole[: at + 1], whole[at + 2 : -1].split("\n")


def _parse_lines(lines: list[str]) -> tuple[NoteSignature, ...]:
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise NoteFormatError("a note has 1 to 100 signatures", found=len(lines))
    return tuple([_parse_line(line) for line in lines])


def _parse_line(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    body = decode_base64(encoded)
    if not line.startswith(_DASH) or len(body) < 5:
        raise NoteFormatError("not a signature line", found=line[:120])
    check_key_name(name)
    return NoteSignature(name, body[:4], body[4:])


def decode_base64(encoded: str) -> bytes:
    """Return the bytes of padded standard base64 in its one spelling; raises `NoteFormatError`."""
    try:
        body = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteFormatError("not base64", found=encoded[:120]) from error
    if b64encode(body).decode("ascii") != encoded:
        raise NoteFormatError("not canonical base64", found=encoded[:120])
    return body


def check_key_name(name: str) -> None:
    """Refuse what C2SP does not take as a key name; raises `NoteFormatError`."""
    if not name or "+" in name or any(sign.isspace() or ord(sign) < 0x20 for sign in name):
        raise NoteFormatError("a key name is not empty and has neither spaces nor '+'", found=name[:120])
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NoteFormatError("a key name is UTF-8") from error


def _check_text(text: str) -> bytes:
    if not text.endswith("\n") or any(ord(sign) < 0x20 and sign != "\n" for sign in text):
        raise NoteFormatError("a note's text ends in a newline and has no other control characters")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NoteFormatError("a note's text is Unicode without lone surrogates") from error
