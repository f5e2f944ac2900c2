"""The closed registry of signature algorithms. The key's record fixes the algorithm, never the message."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from chemtrace.core import sm2_libcrypto
from chemtrace.core.ed25519 import check_ed25519_key, ed25519_public, sign_ed25519, verify_ed25519
from chemtrace.core.errors import SPKIError
from chemtrace.core.p256 import ORDER as P256_ORDER
from chemtrace.core.p256 import check_p256_key, p256_public, sign_p256, verify_p256
from chemtrace.core.sm2 import (
    DEFAULT_ID,
    check_sm2_key,
    sign_sm2_python,
    sm2_public,
    verify_sm2_python,
)
from chemtrace.core.sm2 import ORDER as SM2_ORDER
from chemtrace.core.types import KeyId


class PublicKey(msgspec.Struct, frozen=True, eq=True):
    """A public key of a registered algorithm; `kid` = SHA-256(`spki`). `sm2_id` is the SM2 user id, else empty."""

    alg: str
    raw: bytes
    spki: bytes
    kid: KeyId
    sm2_id: str = ""


class Algorithm(msgspec.Struct, frozen=True):
    """One row of the registry. `spki_prefix` + raw key is the SubjectPublicKeyInfo DER; secrets are 32 bytes.

    `verify(key, message, signature)` raises `SignatureInvalidError`; `sign(secret, message, sm2_id)` returns the
    raw 64-byte signature; `public(secret)` the raw key; `check_key(raw)` raises `SPKIError` or `KeyWeakError`.
    `order` is the number of the group's elements that a secret scalar must stay below, or 0 for a seed.
    """

    name: str
    spki_prefix: bytes
    order: int
    verify: Callable[[PublicKey, bytes, bytes], None]
    sign: Callable[[bytes, bytes, str], bytes]
    public: Callable[[bytes], bytes]
    check_key: Callable[[bytes], None]


def verify(public_key: PublicKey, message: bytes, signature: bytes) -> None:
    """Verify a raw signature with the algorithm of the key.

    Raises:
        SignatureInvalidError: it does not verify; carries the algorithm and the key.
        SPKIError: the key's algorithm is not registered.
    """
    find_algorithm(public_key.alg).verify(public_key, message, signature)


def find_algorithm(name: str) -> Algorithm:
    """Return the registry's row of `name`; raises `SPKIError` when there is none."""
    algorithm = ALGORITHMS.get(name)
    if algorithm is None:
        raise SPKIError("this algorithm is not registered", found=name, expected=tuple(ALGORITHMS))
    return algorithm


def _verify_ed25519(key: PublicKey, message: bytes, signature: bytes) -> None:
    verify_ed25519(key.raw, message, signature)


def _verify_p256(key: PublicKey, message: bytes, signature: bytes) -> None:
    verify_p256(key.raw, message, signature)


def _verify_sm2(key: PublicKey, message: bytes, signature: bytes) -> None:
    if sm2_libcrypto.is_available():
        sm2_libcrypto.verify_sm2_libcrypto(key.raw, message, signature, key.sm2_id or DEFAULT_ID)
    else:
        verify_sm2_python(key.raw, message, signature, key.sm2_id or DEFAULT_ID)


def _sign_sm2(secret: bytes, message: bytes, sm2_id: str) -> bytes:
    if sm2_libcrypto.is_available():
        return sm2_libcrypto.sign_sm2_libcrypto(secret, message, sm2_id or DEFAULT_ID)
    return sign_sm2_python(secret, message, sm2_id or DEFAULT_ID)


_P256_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_ED25519_SPKI: Final = bytes.fromhex("302a300506032b6570032100")

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        "ed25519": Algorithm(
            "ed25519",
            _ED25519_SPKI,
            0,
            _verify_ed25519,
            lambda secret, message, _: sign_ed25519(secret, message),
            ed25519_public,
            check_ed25519_key,
        ),
        "p256": Algorithm(
            "p256",
            _P256_SPKI,
            P256_ORDER,
            _verify_p256,
            lambda secret, message, _: sign_p256(secret, message),
            p256_public,
            check_p256_key,
        ),
        # SM2 secrets stop at n - 2 (GB/T 32918.1 section 6.1): 1 + d must have an inverse.
        "sm2": Algorithm(
            "sm2", sm2_libcrypto.SPKI_PREFIX, SM2_ORDER - 1, _verify_sm2, _sign_sm2, sm2_public, check_sm2_key
        ),
    }
)
