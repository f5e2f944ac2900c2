"""Keys: public keys by their SPKI, private keys that sign, and the request that proves a key is in hand.

Reading and writing files is an adapter's work; here keys are bytes. PEM is PKCS#8 (RFC 5958) for every
algorithm; SM2 keys are wrapped here, as `cryptography` does not take them.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from chemtrace.core.algorithms import ALGORITHMS, PublicKey, find_algorithm, verify
from chemtrace.core.errors import SPKIError
from chemtrace.core.sm2 import DEFAULT_ID
from chemtrace.core.types import KeyId

__all__ = ["PrivateKey", "PublicKey", "generate_key", "make_public_key", "parse_spki"]

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
