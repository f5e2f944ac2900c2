"""A process that signs receipts; started by `signers`. The first message is the key, then lists of receipts.

It does nothing else, so it answers at once, and the writer does its own work meanwhile.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.adapters.frames import answer_all
from chemtrace.adapters.keys.signers import KeyReceiptSigner
from chemtrace.core.keys import PrivateKey

_LISTS: Final = msgspec.msgpack.Decoder(list[bytes])


def main() -> None:
    """Answer until the input ends."""
    signer: list[KeyReceiptSigner] = []

    def answer(message: bytes) -> bytes:
        parts = _LISTS.decode(message)
        if not signer:
            algorithm, secret, sm2_id = parts
            signer.append(KeyReceiptSigner(PrivateKey(algorithm.decode(), secret, sm2_id.decode())))
            return b""
        return msgspec.msgpack.encode([signer[0].sign(receipt) for receipt in parts])

    answer_all(answer)


if __name__ == "__main__":
    main()
