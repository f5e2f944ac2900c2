"""The entry and the chain as `contracts/specs` word them, one field at a time. The oracle of `core.entry`."""

import hashlib


def entry(header: bytes, signatures: list[tuple[bytes, bytes]]) -> bytes:
    """0x01, u32be length, header, u8 n, n times (kid, u16be length, signature)."""
    out = bytearray([1])
    out += len(header).to_bytes(4, "big")
    out += header
    out.append(len(signatures))
    for kid, signature in signatures:
        out += kid
        out += len(signature).to_bytes(2, "big")
        out += signature
    return bytes(out)


def chain(leaves: list[bytes]) -> bytes:
    """c_i = SHA-256(0x02, c_(i-1), leaf_i), from 32 zero bytes."""
    value = bytes(32)
    for leaf in leaves:
        state = hashlib.sha256()
        for part in (b"\x02", value, leaf):
            state.update(part)
        value = state.digest()
    return value
