"""The receipt key at work: signs every receipt, so the key schedule is made once; large groups in a process beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from chemtrace.adapters.frames import Child
from chemtrace.core.ed25519 import SIGNATURE_BYTES
from chemtrace.core.keys import PrivateKey
from chemtrace.core.pae import RECEIPT_TYPE, encode_pae

WORTHWHILE: Final = 64
"""Receipts from which on handing them to another process costs less than it saves."""

_SIGNATURES: Final = msgspec.msgpack.Decoder(list[bytes])


class KeyReceiptSigner:
    """Signs receipts with a private key in memory."""

    def __init__(self, key: PrivateKey, *, beside: bool = False) -> None:
        """Take the receipt key; `beside` signs large groups in a process of its own, started with the first one."""
        self._key = key
        self._beside = beside
        self._child: Child | None = None
        self._owed = False
        self._kid = bytes(key.kid)
        self._sign = _fast_ed25519(key) if key.public.alg == "ed25519" else key.sign

    @property
    def kid(self) -> bytes:
        """The key id, 32 bytes."""
        return self._kid

    def sign(self, receipt: bytes) -> bytes:
        """The raw signature over the receipt's bytes."""
        return self._sign(encode_pae(RECEIPT_TYPE, receipt))

    def sign_many(self, receipts: Sequence[bytes]) -> Callable[[], list[bytes]]:
        """Begin to sign; the answer waits for the signatures, in the order of the receipts. One caller at a time."""
        if self._beside and len(receipts) >= WORTHWHILE and self._asked(receipts):
            return lambda: self._answered(receipts)
        signatures = [self.sign(receipt) for receipt in receipts]
        return lambda: signatures

    def _asked(self, receipts: Sequence[bytes]) -> bool:
        try:
            if self._child is None:
                self._child = Child("chemtrace.adapters.keys.sign_worker")
                public = self._key.public
                secrets = [public.alg.encode(), self._key.secret, public.sm2_id.encode()]
                self._child.send(msgspec.msgpack.encode(secrets))
                self._child.receive()
            if self._owed:
                # The group before failed while it was signed: nobody took its signatures.
                self._child.receive()
            self._child.send(msgspec.msgpack.encode(list(receipts)))
            self._owed = True
        except (OSError, EOFError):
            self.close()
            return False
        return True

    def _answered(self, receipts: Sequence[bytes]) -> list[bytes]:
        try:
            if self._child is not None:
                answer = self._child.receive()
                self._owed = False
                return _SIGNATURES.decode(answer)
        except (OSError, EOFError):
            self.close()
        return [self.sign(receipt) for receipt in receipts]

    def close(self) -> None:
        """End the process beside, if there is one."""
        child, self._child, self._owed = self._child, None, False
        if child is not None:
            child.end()


def _fast_ed25519(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Sign with the expanded key: half the work of expanding it for every signature."""
    _, expanded = crypto_sign_seed_keypair(key.secret)

    def sign(message: bytes) -> bytes:
        return crypto_sign(message, expanded)[:SIGNATURE_BYTES]

    return sign
