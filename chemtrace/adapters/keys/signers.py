"""The receipt key at work: signs every receipt, so the key schedule is made once."""

from __future__ import annotations

from collections.abc import Callable

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from chemtrace.core.ed25519 import SIGNATURE_BYTES
from chemtrace.core.keys import PrivateKey
from chemtrace.core.pae import RECEIPT_TYPE, encode_pae


class KeyReceiptSigner:
    """Signs receipts with a private key in memory."""

    def __init__(self, key: PrivateKey) -> None:
        """Take the receipt key."""
        self._kid = bytes(key.kid)
        self._sign = _fast_ed25519(key) if key.public.alg == "ed25519" else key.sign

    @property
    def kid(self) -> bytes:
        """The key id, 32 bytes."""
        return self._kid

    def sign(self, receipt: bytes) -> bytes:
        """The raw signature over the receipt's bytes."""
        return self._sign(encode_pae(RECEIPT_TYPE, receipt))


def _fast_ed25519(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Sign with the expanded key: half the work of expanding it for every signature."""
    _, expanded = crypto_sign_seed_keypair(key.secret)

    def sign(message: bytes) -> bytes:
        return crypto_sign(message, expanded)[:SIGNATURE_BYTES]

    return sign
