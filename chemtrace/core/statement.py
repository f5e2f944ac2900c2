"""A statement: a small signed header, the business payload it binds by digest, openings beside, signatures.

What was received is verified, hashed and stored; nothing is re-serialised. The form is
`contracts/specs/statement.md`; payloads by kind are `core.events`. Signatures are over
`encode_pae(HEADER_TYPE, header_bytes)`, one for each signer, in the header's order.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

import msgspec
import orjson

from chemtrace.core.algorithms import PublicKey, verify
from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.canonical import encode_canonical, parse_canonical
from chemtrace.core.errors import (
    KeyUnknownError,
    OpeningError,
    PayloadDigestError,
    PayloadError,
    PayloadTooLargeError,
    SignatureCountError,
    WireError,
    WireTooLargeError,
)
from chemtrace.core.header import (
    EVENT_TYPE,
    MAX_PAYLOAD_BYTES,
    MAX_SIGNERS,
    NO_RULES,
    PAYLOAD_TYPE,
    Header,
    PayloadRef,
    Subject,
    parse_header,
)
from chemtrace.core.keys import PrivateKey
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.types import EventId

__all__ = [
    "EVENT_TYPE",
    "MAX_WIRE_BYTES",
    "NO_RULES",
    "PAYLOAD_TYPE",
    "Header",
    "Opening",
    "PayloadRef",
    "Statement",
    "Subject",
    "build_statement",
    "check_openings",
    "check_payload_digest",
    "encode_wire",
    "make_statement",
    "parse_header",
    "parse_payload_object",
    "parse_wire",
    "verify_signatures",
]

MAX_WIRE_BYTES: Final = 640 * 1024
"""One statement on the wire: header, payload, openings and signatures in base64url, with room to spare."""
MAX_OPENINGS: Final = 64
MAX_OPENING_BYTES: Final = 4096
SALT_BYTES: Final = 16
MAX_SIGNATURE_BYTES: Final = 8192


class Opening(msgspec.Struct, frozen=True, gc=False):
    """A personal value and its salt: SHA-256(salt || UTF-8 value) in hex is a string value of the payload."""

    salt: bytes
    value: str

    @property
    def digest(self) -> str:
        """The digest that stands in the payload, lowercase hex."""
        return hashlib.sha256(self.salt + self.value.encode("utf-8")).hexdigest()


class Statement(msgspec.Struct, frozen=True, gc=False):
    """A parsed statement: the bytes as received, and the header read from them. `event_id` = SHA-256(header)."""

    header_bytes: bytes
    payload_bytes: bytes
    openings: tuple[Opening, ...]
    signatures: tuple[bytes, ...]
    header: Header
    event_id: EventId

    @property
    def signed_bytes(self) -> bytes:
        """What every signer signs."""
        return encode_pae(HEADER_TYPE, self.header_bytes)


class _WireOpening(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    salt: str
    value: str


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    header: str
    payload: str
    signatures: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_SIGNERS)]
    openings: Annotated[tuple[_WireOpening, ...], msgspec.Meta(max_length=MAX_OPENINGS)] = ()


_WIRE_DECODER: Final = msgspec.json.Decoder(_Wire)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def parse_wire(data: bytes | Mapping[str, object]) -> Statement:
    """Return the statement of a wire object `{header, payload, openings, signatures}` (JSON bytes or its dict).

    Form only: the header is parsed, signatures are counted, the payload is size-capped. Digests, openings and
    signatures are checked by `check_payload_digest`, `check_openings` and `verify_signatures`.

    Raises:
        WireError, WireTooLargeError: the wire object or its base64url.
        HeaderError and what else `parse_header` raises; PayloadTooLargeError; SignatureCountError.
    """
    try:
        if isinstance(data, Mapping):
            wire = msgspec.convert(data, _Wire)
        else:
            if len(data) > MAX_WIRE_BYTES:
                raise WireTooLargeError("the statement is too large", size=len(data), limit=MAX_WIRE_BYTES)
            wire = _WIRE_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"not a wire statement {{header, payload, openings, signatures}}: {error}") from error
    openings = tuple([_parse_opening(opening) for opening in wire.openings]) if wire.openings else ()
    return make_statement(
        decode_base64url(wire.header),
        decode_base64url(wire.payload),
        tuple([decode_base64url(signature) for signature in wire.signatures]),
        openings,
    )


def make_statement(
    header_bytes: bytes,
    payload_bytes: bytes,
    signatures: tuple[bytes, ...],
    openings: tuple[Opening, ...] = (),
) -> Statement:
    """Put a statement together from its parts, as a phone or a store holds them; checks as `parse_wire`."""
    header = parse_header(header_bytes)
    if len(payload_bytes) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(
            "the payload is too large", size=len(payload_bytes), limit=MAX_PAYLOAD_BYTES
        )
    if len(signatures) != len(header.signers):
        raise SignatureCountError(
            "send exactly one signature for each signer, in their order",
            expected=len(header.signers),
            found=len(signatures),
        )
    for signature in signatures:
        if len(signature) > MAX_SIGNATURE_BYTES:
            raise WireTooLargeError(
                "a signature is too large", size=len(signature), limit=MAX_SIGNATURE_BYTES
            )
    event_id = EventId(hashlib.sha256(header_bytes).digest())
    return Statement(header_bytes, payload_bytes, openings, signatures, header, event_id)


def encode_wire(statement: Statement) -> bytes:
    """Return the wire object of `statement` as JSON bytes, members sorted, on one line."""
    return orjson.dumps(
        {
            "header": encode_base64url(statement.header_bytes),
            "openings": [
                {"salt": encode_base64url(opening.salt), "value": opening.value}
                for opening in statement.openings
            ],
            "payload": encode_base64url(statement.payload_bytes),
            "signatures": [encode_base64url(signature) for signature in statement.signatures],
        }
    )


def check_payload_digest(statement: Statement) -> None:
    """Check that the payload is the one the header signs; raises `PayloadDigestError` with both sides."""
    wanted, data = statement.header.payload, statement.payload_bytes
    found = hashlib.sha256(data).hexdigest()
    if found != wanted.sha256 or len(data) != wanted.size:
        raise PayloadDigestError(
            "the payload is not the one the header was signed for: send the very bytes that were hashed",
            expected=wanted.sha256,
            found=found,
            expected_size=wanted.size,
            found_size=len(data),
        )


def parse_payload_object(statement: Statement) -> dict[str, object]:
    """Return the payload as a dict after the canonical check; its schema is `core.events`' matter.

    Raises:
        FormError: JSON errors by name, or `PayloadError` where the payload is not an object.
    """
    value = parse_canonical(statement.payload_bytes, MAX_PAYLOAD_BYTES)
    if not isinstance(value, dict):
        raise PayloadError(
            "the payload is not an object", field="$", expected="object", found=type(value).__name__
        )
    return value


def check_openings(statement: Statement, payload: object) -> None:
    """Check that every opening's digest stands in the parsed `payload` as a string value; raises `OpeningError`."""
    if not statement.openings:
        return
    texts = set(_texts(payload))
    for at, opening in enumerate(statement.openings):
        if opening.digest not in texts:
            raise OpeningError(
                "an opening's digest stands nowhere in the payload", opening=at, found=opening.digest
            )


def verify_signatures(statement: Statement, keys: Mapping[str, PublicKey]) -> None:
    """Verify all signatures; `keys` holds the signers' public keys by key id in hex.

    Whether those keys may speak at this place of the log is not decided here.

    Raises:
        KeyUnknownError: a signer is not among `keys`.
        SignatureInvalidError: a signature does not verify.
    """
    signed = statement.signed_bytes
    for kid, signature in zip(statement.header.signers, statement.signatures, strict=True):
        key = keys.get(kid)
        if key is None:
            raise KeyUnknownError("no such key is registered: register it first", kid=kid)
        verify(key, signed, signature)


def build_statement(
    *,
    kind: str,
    phase: str,
    enterprise: str,
    signers: Sequence[PrivateKey],
    iat: str,
    subjects: Iterable[Subject | tuple[str, str | None]],
    payload: Mapping[str, object],
    openings: tuple[Opening, ...] = (),
    rules: str = NO_RULES,
    stance: str = "normal",
) -> Statement:
    """Build and sign a statement; `iat` is RFC 3339 with Z, `payload` brings its own random nonce.

    Raises:
        FormError: whatever `parse_header`, `encode_canonical` or `check_openings` refuse.
    """
    payload_bytes = encode_canonical(payload)
    header_bytes = encode_canonical(
        {
            "typ": EVENT_TYPE,
            "kind": kind,
            "phase": phase,
            "enterprise": enterprise,
            "signers": [key.kid.hex() for key in signers],
            "iat": iat,
            "subjects": [_subject_members(subject) for subject in subjects],
            "payload": {
                "sha256": hashlib.sha256(payload_bytes).hexdigest(),
                "size": len(payload_bytes),
                "type": PAYLOAD_TYPE,
            },
            "rules": rules,
            "stance": stance,
        }
    )
    signed = encode_pae(HEADER_TYPE, header_bytes)
    statement = make_statement(
        header_bytes, payload_bytes, tuple(key.sign(signed) for key in signers), openings
    )
    check_openings(statement, payload)
    return statement


def _subject_members(subject: Subject | tuple[str, str | None]) -> dict[str, object]:
    name, prev = (subject.id, subject.prev) if isinstance(subject, Subject) else subject
    return {"id": name, "prev": prev}


def _parse_opening(wire: _WireOpening) -> Opening:
    salt = decode_base64url(wire.salt)
    try:
        size = len(wire.value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise WireError("an opening's value is Unicode without lone surrogates") from error
    if len(salt) != SALT_BYTES or size > MAX_OPENING_BYTES:
        raise WireError(
            "an opening is a salt of 16 bytes and a value of at most 4096 bytes",
            salt_size=len(salt),
            size=size,
        )
    if _CONTROL.search(wire.value) is not None:
        raise WireError(
            "an opening's value holds no control characters but tab and line feed, no marks of direction"
        )
    return Opening(salt, wire.value)


def _texts(value: object) -> Iterable[str]:
    """All string values below `value`, member names left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
