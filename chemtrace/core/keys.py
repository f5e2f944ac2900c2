"""Keys: public keys by their SPKI, private keys that sign, and the request that proves a key is in hand.

PEM is `core.key_files`; reading and writing files is an adapter's work.
"""

import hashlib
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from chemtrace.core.algorithms import ALGORITHMS, PublicKey, find_algorithm, verify
from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.canonical import parse_canonical
from chemtrace.core.errors import KeyRequestError, SPKIError
from chemtrace.core.pae import KEY_REQUEST_TYPE, encode_pae
from chemtrace.core.sm2 import DEFAULT_ID
from chemtrace.core.types import KeyId

__all__ = [
    "KeyRequest",
    "PrivateKey",
    "PublicKey",
    "generate_key",
    "make_key_request",
    "make_public_key",
    "parse_spki",
    "verify_key_request",
]

SECRET_BYTES: Final = 32
_SEED_LABEL: Final = b"chemtrace/key-seed/1 "


class PrivateKey:
    """A secret that signs; its text form shows the key id only."""

    __slots__ = ("_secret", "public")

    def __init__(self, alg: str, secret: bytes, sm2_id: str = "") -> None:
        """Take the 32-byte seed (Ed25519) or scalar; raises `SPKIError` for a scalar outside the group."""
        algorithm = find_algorithm(alg)
        scalar = int.from_bytes(secret, "big")
        if len(secret) != SECRET_BYTES or (algorithm.order and not 0 < scalar < algorithm.order):
            raise SPKIError("a private key is 32 bytes, and a scalar lies inside the group", algorithm=alg)
        self._secret = secret
        self.public: PublicKey = make_public_key(alg, algorithm.public(secret), sm2_id)

    @property
    def kid(self) -> KeyId:
        """The key id, 32 bytes."""
        return self.public.kid

    @property
    def secret(self) -> bytes:
        """The 32 secret bytes, for a vault that stores them."""
        return self._secret

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature over `message`."""
        return find_algorithm(self.public.alg).sign(self._secret, message, self.public.sm2_id)

    def __repr__(self) -> str:
        """Name the key, never the secret."""
        return f"PrivateKey({self.public.alg}, kid={self.kid.hex()})"


def make_public_key(alg: str, raw: bytes, sm2_id: str = "") -> PublicKey:
    """Return the public key of a raw Ed25519 key (32 bytes) or uncompressed point (65 bytes), checked.

    Raises:
        SPKIError: no such algorithm, or not a key of it.
        KeyWeakError: low order or non-canonical.
    """
    algorithm = find_algorithm(alg)
    algorithm.check_key(raw)
    spki = algorithm.spki_prefix + raw
    identity = (sm2_id or DEFAULT_ID) if alg == "sm2" else ""
    return PublicKey(alg=alg, raw=raw, spki=spki, kid=KeyId(hashlib.sha256(spki).digest()), sm2_id=identity)


def parse_spki(der: bytes, sm2_id: str = "") -> PublicKey:
    """Return the key of SubjectPublicKeyInfo DER in the one encoding each algorithm has here.

    Raises:
        SPKIError: another algorithm, curve, compressed point or encoding, or not a point.
        KeyWeakError: low order or non-canonical.
    """
    for name, algorithm in ALGORITHMS.items():
        if der.startswith(algorithm.spki_prefix):
            return make_public_key(name, der[len(algorithm.spki_prefix) :], sm2_id)
    raise SPKIError(
        "not a public key of a registered algorithm: send SubjectPublicKeyInfo DER, points uncompressed",
        size=len(der),
        expected=tuple(ALGORITHMS),
    )


def generate_key(alg: str, seed: bytes | None = None, sm2_id: str = "") -> PrivateKey:
    """Return a new private key: from the operating system's randomness, or the same one for the same `seed`.

    A seed needs at least 32 bytes that nobody else can guess.

    Raises:
        SPKIError: no such algorithm, or a seed that is too short.
    """
    order = find_algorithm(alg).order
    # X25519 private keys are 32 bytes straight from the random generator inside `cryptography`.
    entropy = X25519PrivateKey.generate().private_bytes_raw() if seed is None else seed
    if len(entropy) < SECRET_BYTES:
        raise SPKIError("a key seed has at least 32 bytes", size=len(entropy))
    stretched = hashlib.sha512(_SEED_LABEL + alg.encode("ascii") + b" " + entropy).digest()
    if not order:
        return PrivateKey(alg, stretched[:SECRET_BYTES])
    scalar = int.from_bytes(stretched, "big") % (order - 1) + 1
    return PrivateKey(alg, scalar.to_bytes(SECRET_BYTES, "big"), sm2_id)


class KeyRequest(msgspec.Struct, frozen=True):
    """A verified request to register a key: who asks, for which role, with which key it holds."""

    enterprise: str
    role: str
    public_key: PublicKey


class _KeyRequestWire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: Literal["ed25519", "p256", "sm2"]
    enterprise: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}\Z")]
    role: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,31}\Z")]
    signature: Annotated[str, msgspec.Meta(max_length=128)]
    sm2_id: Annotated[str, msgspec.Meta(pattern=r"^[ !#-\[\]-~]{0,64}\Z")]
    spki: Annotated[str, msgspec.Meta(max_length=512)]
    typ: Literal["chemtrace/key-request/1"] = "chemtrace/key-request/1"


MAX_KEY_REQUEST_BYTES: Final = 4096
_REQUEST_DECODER: Final = msgspec.json.Decoder(_KeyRequestWire)
_REQUEST_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def make_key_request(private: PrivateKey, enterprise: str, role: str) -> bytes:
    """Return the request to register this key: canonical JSON, signed with the key itself.

    The signature is over `encode_pae(KEY_REQUEST_TYPE, request with an empty signature)`.

    Raises:
        KeyRequestError: an enterprise or role of the wrong form.
    """
    key = private.public
    wire = _KeyRequestWire(
        alg=key.alg,  # type: ignore[arg-type]  # every key's algorithm is one of the registry
        enterprise=enterprise,
        role=role,
        signature="",
        sm2_id=key.sm2_id,
        spki=encode_base64url(key.spki),
    )
    signature = private.sign(encode_pae(KEY_REQUEST_TYPE, _REQUEST_ENCODER.encode(wire)))
    data = _REQUEST_ENCODER.encode(msgspec.structs.replace(wire, signature=encode_base64url(signature)))
    verify_key_request(data)
    return data


def verify_key_request(data: bytes) -> KeyRequest:
    """Return what a key request asks for, after checking that its sender holds the key.

    Raises:
        KeyRequestError, WireError: malformed; JSON errors by name.
        SPKIError, KeyWeakError: not a key of the algorithm it names, or a weak one.
        SignatureInvalidError: the sender does not hold the key.
    """
    try:
        wire = _REQUEST_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        parse_canonical(data, MAX_KEY_REQUEST_BYTES)
        raise KeyRequestError(f"not a key request: {error}") from error
    if _REQUEST_ENCODER.encode(wire) != data:
        parse_canonical(data, MAX_KEY_REQUEST_BYTES)
        raise KeyRequestError("not a key request: a member is not in its one spelling")
    key = parse_spki(decode_base64url(wire.spki), wire.sm2_id)
    if key.alg != wire.alg or key.sm2_id != wire.sm2_id:
        raise SPKIError(
            "the key is of another algorithm than the request says", expected=wire.alg, found=key.alg
        )
    signed = _REQUEST_ENCODER.encode(msgspec.structs.replace(wire, signature=""))
    verify(key, encode_pae(KEY_REQUEST_TYPE, signed), decode_base64url(wire.signature))
    return KeyRequest(wire.enterprise, wire.role, key)
