"""Ed25519 (RFC 8032) by libsodium, under one strict rule so that every verifier gives the same answer.

The rule (contracts/specs/keys.md): S below the group order; the public key and R neither of low order nor in
a non-canonical encoding; the cofactorless equation. Mixed-order keys are not refused. Without the rule,
libraries disagree on hostile signatures and a phone could refuse what the server took.
"""

from typing import Final

from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # a compiled module has no stubs
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from chemtrace.core.errors import KeyWeakError, SignatureInvalidError, SPKIError

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ORDER_8: Final = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)


def _low_order_points() -> frozenset[bytes]:
    """The 14 encodings of the eight points of low order, canonical or not, with either sign bit."""
    heights = [int.from_bytes(bytes.fromhex(text), "little") for text in _ORDER_8]
    heights += [0, 1, _P - 1, _P, _P + 1]
    return frozenset((y | sign << 255).to_bytes(32, "little") for y in heights for sign in (0, 1))


LOW_ORDER: Final = _low_order_points()
_ONES: Final = b"\xff" * 30


def is_canonical_point(point: bytes) -> bool:
    """Whether the 32 bytes encode y below 2^255 - 19 (the sign bit left out)."""
    return not (point[0] >= 0xED and point[1:31] == _ONES and point[31] & 0x7F == 0x7F)


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    """Verify one signature; the one strict rule, checked whole on every call. Releases the GIL while it computes.

    Raises:
        SignatureInvalidError: wrong length, low order, non-canonical, or the equation does not hold.
    """
    if len(signature) == SIGNATURE_BYTES and len(public) == KEY_BYTES:
        nonce_point = signature[:32]
        if not (public in LOW_ORDER or nonce_point in LOW_ORDER) and (
            is_canonical_point(public) and is_canonical_point(nonce_point)
        ):
            signed = signature + message
            # `nacl.bindings.crypto_sign_open` would make a copy of the message first; nobody asks for one here.
            if lib.crypto_sign_open(ffi.NULL, ffi.NULL, signed, len(signed), public) == 0:
                return
    raise SignatureInvalidError("the Ed25519 signature does not verify", algorithm="ed25519", public=public)


def check_ed25519_key(public: bytes) -> None:
    """Refuse at registration what no signature could be trusted under.

    Raises:
        KeyWeakError: low order or non-canonical.
        SPKIError: not 32 bytes, or not a point of the curve.
    """
    if len(public) != KEY_BYTES:
        raise SPKIError("an Ed25519 key has 32 bytes", size=len(public))
    if public in LOW_ORDER or not is_canonical_point(public):
        raise KeyWeakError(
            "this public key has low order or a non-canonical encoding; make a new key", public=public
        )
    y2 = pow(int.from_bytes(public, "little") & (2**255 - 1), 2, _P)
    x2 = (y2 - 1) * pow(_D * y2 + 1, -1, _P) % _P
    if pow(x2, (_P - 1) // 2, _P) != 1:
        raise SPKIError("these 32 bytes are not a point of the curve", public=public)


def sign_ed25519(secret: bytes, message: bytes) -> bytes:
    """Return the 64-byte signature of the 32-byte seed `secret` (deterministic, RFC 8032)."""
    _, expanded = crypto_sign_seed_keypair(secret)
    return crypto_sign(message, expanded)[:SIGNATURE_BYTES]


def ed25519_public(secret: bytes) -> bytes:
    """Return the public key of the 32-byte seed `secret`."""
    return crypto_sign_seed_keypair(secret)[0]
