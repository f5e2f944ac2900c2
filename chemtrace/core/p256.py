"""ECDSA P-256 with SHA-256 (FIPS 186-5), as phones' key hardware makes it: raw r || s, 64 bytes, low s.

(r, n - s) verifies wherever (r, s) does; asking for the lower of the two leaves one signature for a message.
Hardware gives either, so a client lowers s with `lower_s` before it sends.
"""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from chemtrace.core.errors import SignatureInvalidError, SPKIError

KEY_BYTES: Final = 65
SIGNATURE_BYTES: Final = 64
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_HALF: Final = ORDER // 2
_ECDSA: Final = ec.ECDSA(SHA256())


@lru_cache(maxsize=4096)
def _load_public(public: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)


def verify_p256(public: bytes, message: bytes, signature: bytes) -> None:
    """Verify one raw signature under an uncompressed point (0x04 || x || y). Releases the GIL while it computes.

    Raises:
        SignatureInvalidError: wrong length, s above half the order, or the equation does not hold.
    """
    if len(signature) == SIGNATURE_BYTES:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if s <= _HALF:
            try:
                _load_public(public).verify(encode_dss_signature(r, s), message, _ECDSA)
            except (InvalidSignature, ValueError):
                pass
            else:
                return
    raise SignatureInvalidError(
        "the P-256 signature does not verify; it must be r || s of 64 bytes with s in the lower half",
        algorithm="p256",
        public=public,
    )


def check_p256_key(public: bytes) -> None:
    """Refuse at registration what is not an uncompressed point of the curve; raises `SPKIError`."""
    try:
        if len(public) == KEY_BYTES and public[0] == 4:
            _load_public(public)
            return
    except ValueError as error:
        raise SPKIError("these bytes are not a point of P-256", public=public) from error
    raise SPKIError("a P-256 key is an uncompressed point of 65 bytes", size=len(public))


def lower_s(signature: bytes) -> bytes:
    """Return the raw signature with s replaced by n - s where that is lower; raises `SignatureInvalidError`."""
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureInvalidError("a raw P-256 signature has 64 bytes", size=len(signature))
    s = int.from_bytes(signature[32:], "big")
    return signature if s <= _HALF else signature[:32] + ((ORDER - s) % ORDER).to_bytes(32, "big")


def sign_p256(secret: bytes, message: bytes) -> bytes:
    """Return r || s with low s; `secret` is the 32-byte scalar. The nonce is deterministic (RFC 6979)."""
    key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return lower_s(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def p256_public(secret: bytes) -> bytes:
    """Return the uncompressed point of the 32-byte scalar `secret`."""
    numbers = (
        ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1()).public_key().public_numbers()
    )
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
