"""Format-preserving encryption FF1: a keyed permutation of the numeral strings of one length and radix.

Written from NIST SP 800-38G section 5.1 (FF1.Encrypt, FF1.Decrypt) step by step, for any radix and length;
the step numbers stand beside the code. `serials` runs the same permutation over many values at once and is
tested against this one. Tested on all nine sample vectors that NIST published with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from chemtrace.core.errors import MasterKeyError, SerialRangeError

ROUNDS: Final = 10
BLOCK: Final = 16
MIN_DOMAIN: Final = 1_000_000
"""Smallest number of strings FF1 may permute: below, guessing is too easy (SP 800-38G Rev. 1, 5.1)."""


def aes_encryptor(key: bytes) -> CipherContext:
    """Give AES as a bare block cipher (ECB), which FF1 is built of; not to be shared by threads.

    Raises:
        MasterKeyError: the key has not 16, 24 or 32 bytes.
    """
    if len(key) not in {16, 24, 32}:
        message = f"An AES key has 16, 24 or 32 bytes, not {len(key)}."
        raise MasterKeyError(message, got_length=len(key), expected_length=(16, 24, 32))
    # ECB is right here and only here: each block is the input of a pseudo-random function, never a message.
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  # FF1 is defined over it


def aes_blocks(key: bytes, data: bytes | memoryview) -> bytes:
    """Encrypt 16-byte blocks one by one with AES.

    Raises:
        MasterKeyError: the key has not 16, 24 or 32 bytes.
    """
    return aes_encryptor(key).update(data)


def initial_block(*, radix: int, length: int, tweak_length: int) -> bytes:
    """Give the constant block P of a radix, numeral count and tweak length (SP 800-38G 5.1, step 5)."""
    head = bytes((1, 2, 1)) + radix.to_bytes(3, "big") + bytes((ROUNDS, (length // 2) % 256))
    return head + length.to_bytes(4, "big") + tweak_length.to_bytes(4, "big")


def encrypt(key: bytes, tweak: bytes, numerals: Sequence[int], *, radix: int) -> tuple[int, ...]:
    """Permute a numeral string under `key` and `tweak`.

    Args:
        key: AES key, 16, 24 or 32 bytes.
        tweak: any bytes that need not be secret; another tweak gives an unrelated permutation.
        numerals: each 0 to radix - 1, most significant first; radix ** length must reach 1,000,000.
        radix: 2 to 65536.

    Raises:
        SerialRangeError: a numeral out of range or a domain too small.
        MasterKeyError: the key has another size.
    """
    left, right = _halves(numerals, radix)
    u, v = len(left), len(right)
    a, b = _number(left, radix), _number(right, radix)
    for i in range(ROUNDS):
        # 6.i-6.vi: the round function of the right half is added to the left one.
        y = _round_value(key, tweak, i, b, radix=radix, length=u + v)
        # 6.vii-6.ix: halves swap places; the first half is the shorter one in even rounds.
        a, b = b, (a + y) % radix ** (u if i % 2 == 0 else v)
    return _numerals(a, u, radix) + _numerals(b, v, radix)


def decrypt(key: bytes, tweak: bytes, numerals: Sequence[int], *, radix: int) -> tuple[int, ...]:
    """Undo `encrypt` with the same key, tweak and radix; same arguments, same errors."""
    left, right = _halves(numerals, radix)
    u, v = len(left), len(right)
    a, b = _number(left, radix), _number(right, radix)
    for i in reversed(range(ROUNDS)):
        y = _round_value(key, tweak, i, a, radix=radix, length=u + v)
        a, b = (b - y) % radix ** (u if i % 2 == 0 else v), a
    return _numerals(a, u, radix) + _numerals(b, v, radix)


def _halves(numerals: Sequence[int], radix: int) -> tuple[Sequence[int], Sequence[int]]:
    length = len(numerals)
    if not 2 <= radix <= 2**16 or radix**length < MIN_DOMAIN:
        message = f"FF1 needs a radix of 2 to 65536 and at least {MIN_DOMAIN} strings."
        raise SerialRangeError(message, radix=radix, length=length, expected_minimum=MIN_DOMAIN)
    if any(not 0 <= numeral < radix for numeral in numerals):
        message = f"Every numeral must be 0 to {radix - 1}."
        raise SerialRangeError(message, radix=radix, expected_maximum=radix - 1)
    return numerals[: length // 2], numerals[length // 2 :]


def _round_value(key: bytes, tweak: bytes, i: int, half: int, *, radix: int, length: int) -> int:
    v = length - length // 2
    # 3-4: bytes of a half (exact, no floating logarithm) and of the round output.
    b = ((radix**v - 1).bit_length() + 7) // 8
    d = 4 * ((b + 3) // 4) + 4
    # 5, 6.i: P and Q.
    p = initial_block(radix=radix, length=length, tweak_length=len(tweak))
    q = tweak + bytes((-len(tweak) - b - 1) % BLOCK) + bytes((i,)) + half.to_bytes(b, "big")
    # 6.ii-6.iii: CBC-MAC, then as many counter blocks as the output needs.
    r = _cbc_mac(key, p + q)
    blocks = [r, *(aes_blocks(key, _xor(r, j.to_bytes(BLOCK, "big"))) for j in range(1, (d + 15) // BLOCK))]
    # 6.iv: the number of the first d bytes.
    return int.from_bytes(b"".join(blocks)[:d], "big")


def _cbc_mac(key: bytes, data: bytes) -> bytes:
    state = bytes(BLOCK)
    for start, end in pairwise(range(0, len(data) + 1, BLOCK)):
        state = aes_blocks(key, _xor(state, data[start:end]))
    return state


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(left, right, strict=True))


def _number(numerals: Sequence[int], radix: int) -> int:
    value = 0
    for numeral in numerals:
        value = value * radix + numeral
    return value


def _numerals(value: int, length: int, radix: int) -> tuple[int, ...]:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, radix)
        digits.append(digit)
    return tuple(reversed(digits))
