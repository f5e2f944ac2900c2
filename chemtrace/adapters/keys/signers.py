"""The receipt key at work: signs all day, so its key schedule is made once."""

from __future__ import annotations

from collections.abc import Callable

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from chemtrace.core.ed25519 import SIGNATURE_BYTES
from chemtrace.core.keys import PrivateKey


class KeyReceiptSigner:
    """Signs with a private key in memory; what is signed is `core.receipt_tree`'s matter."""

    def __init__(self, key: PrivateKey) -> None:
        """Take the receipt key."""
        self._kid = bytes(key.kid)
        self._sign = _fast_ed25519(key) if key.public.alg == "ed25519" else key.sign

    @property
    def kid(self) -> bytes:
        """The key id, 32 bytes."""
        return self._kid

    def sign(self, message: bytes) -> bytes:
        """The raw signature over a message."""
        return self._sign(message)


def _fast_ed25519(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Sign with the expanded key: half the work of expanding it for every signature."""
    _, expanded = crypto_sign_seed_keypair(key.secret)

    def sign(message: bytes) -> bytes:
        return crypto_sign(message, expanded)[:SIGNATURE_BYTES]

    return sign
