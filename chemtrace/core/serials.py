"""Serials of trace codes: a keyed permutation of a counter. Random-looking, never colliding, never stored.

Code number n (0, 1, 2 ...) of one kind, slot and issuer carries the serial FF1(n): NIST SP 800-38G with
radix 31, 7 numerals, AES-256, and the tweak version + kind + slot + issuer (9 ASCII bytes), so each such
series has its own permutation. Whoever holds the key gets n back from a code; a code was issued exactly if
n is below the number issued so far. Nobody else can guess the next code, nor how many were issued.

`issue_codes` runs the ten rounds over whole chunks with one AES call a round; `ff1` is the same one by one,
and the tests hold them equal. Byte-exact form: contracts/specs/trace-code.md;
vectors: contracts/vectors/serials/.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chemtrace.core import ff1
from chemtrace.core.check_sign import ALPHABET, RADIX, WEIGHTS, sign_values
from chemtrace.core.codes import CITY, VERSION, TraceCode, make_code
from chemtrace.core.errors import SerialRangeError
from chemtrace.core.seal import KEY_BYTES, require_key

SERIAL_SIGNS: Final = 7
SERIALS: Final = RADIX**SERIAL_SIGNS
"""Serials of one series (kind, slot, issuer): 31^7 = 27,512,614,111."""

CHUNK: Final = 32_768
"""Codes computed together: the round buffers (512 KiB) stay in the processor's cache."""

_MAX_SERIES: Final = 4096
"""Series whose rounds a reader keeps prepared: a third of the work of a code."""

_LEFT: Final = RADIX**3
_RIGHT: Final = RADIX**4
_PAIR: Final = RADIX**2
_LITTLE: Final = sys.byteorder == "little"


def issue_codes(*, master: bytes, kind: str, slot: str, issuer: str, start: int, count: int) -> Iterator[str]:
    """Yield the codes number `start` to `start + count - 1` of a series, canonical, check sign included.

    Args:
        master: the master key, at least 32 random bytes.
        kind: sign 4 of the code, one of P, C, T, W, A.
        slot: three decimal digits.
        issuer: four signs.
        start: number of codes issued before, from 0.
        count: how many; start + count may reach 31^7.

    Raises:
        SerialRangeError: the series has no such numbers.
        CodeFormatError: kind, slot or issuer cannot stand in a code.
        MasterKeyError: the master key is too short.
    """
    if start < 0 or count < 0 or start + count > SERIALS:
        message = f"A series has serial numbers 0 to {SERIALS - 1}."
        raise SerialRangeError(message, start=start, count=count, expected_maximum=SERIALS)
    body = make_code(kind=kind, slot=slot, issuer=issuer, serial="0" * SERIAL_SIGNS).text[:11]
    return _issued(serial_key(master), body, range(start, start + count))


class SerialReader:
    """Gives codes their numbers again. Setting up the cipher costs more than a code: keep one reader a thread.

    Not to be shared by threads: its cipher is not.
    """

    def __init__(self, master: bytes) -> None:
        """Derive from the master key; raises `MasterKeyError` when it is too short."""
        self._encrypt = ff1.aes_encryptor(serial_key(master)).update
        self._series: dict[str, tuple[tuple[int, int], ...]] = {}

    def number(self, code: TraceCode) -> int:
        """Give the number of a code in its series, 0 to 31^7 - 1: the inverse of `issue_codes`.

        Whether it was issued is the caller's comparison: number < codes issued of that kind, slot and issuer.
        """
        series = code.version + code.kind + code.slot + code.issuer
        rounds = self._series.get(series) or self._rounds(series)
        values, encrypt = sign_values(code.serial), self._encrypt
        a, b = _number(values[:3]), _number(values[3:])
        for block, modulus in rounds:
            a, b = (b - int.from_bytes(encrypt((block ^ a).to_bytes(16, "big"))[:8], "big")) % modulus, a
        return a * _RIGHT + b

    def _rounds(self, series: str) -> tuple[tuple[int, int], ...]:
        """What the ten rounds of a series begin with, the last round first: the AES input but for the half; modulus."""
        tweak = series.encode("ascii")
        first = self._encrypt(ff1.initial_block(radix=RADIX, length=SERIAL_SIGNS, tweak_length=len(tweak)))
        constant = int.from_bytes(first, "big") ^ int.from_bytes(tweak.ljust(ff1.BLOCK, b"\0"), "big")
        if len(self._series) >= _MAX_SERIES:
            self._series.clear()
        rounds = [(constant ^ i << 24, _RIGHT if i % 2 else _LEFT) for i in reversed(range(ff1.ROUNDS))]
        self._series[series] = tuple(rounds)
        return self._series[series]


def serial_number(master: bytes, code: TraceCode) -> int:
    """Give the number of one code; see `SerialReader.number`. Raises `MasterKeyError`."""
    return SerialReader(master).number(code)


def serial_key(master: bytes) -> bytes:
    """Derive the AES-256 key of the permutation from the master key (HKDF-SHA-256, RFC 5869).

    Raises:
        MasterKeyError: the master key is too short.
    """
    require_key(master)
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"chemtrace/serial/1").derive(
        master
    )


def _number(values: bytes) -> int:
    number = 0
    for value in values:
        number = number * RADIX + value
    return number


def _issued(key: bytes, body: str, numbers: range) -> Iterator[str]:
    tweak = (VERSION + body[len(CITY) + 1 :]).encode("ascii")
    head, last = _round_words(key, tweak)
    fixed_sum = sum(ALPHABET.index(sign) * WEIGHTS[place] for place, sign in enumerate(body))
    for first in range(0, len(numbers), CHUNK):
        left, right = _permute(key, head, last, numbers[first : first + CHUNK])
        yield from _texts(body, fixed_sum, left, right)


def _round_words(key: bytes, tweak: bytes) -> tuple[array[int], int]:
    """Give what all AES inputs share: three words in memory order, and the number to xor with the fourth.

    With 9 tweak bytes Q is one block: tweak, 3 zero bytes, round number, 3 bytes of the half. The second block
    of the CBC-MAC is then AES(P) xor Q, where only the last four bytes change.
    """
    p = ff1.initial_block(radix=RADIX, length=SERIAL_SIGNS, tweak_length=len(tweak))
    constant = int.from_bytes(ff1.aes_blocks(key, p), "big") ^ int.from_bytes(
        tweak.ljust(ff1.BLOCK, b"\0"), "big"
    )
    block = constant.to_bytes(ff1.BLOCK, "big")
    return array("I", block[:12]), int.from_bytes(block[12:], "big")


def _permute(key: bytes, head: array[int], last: int, numbers: range) -> tuple[list[int], list[int]]:
    """Run the ten rounds over all numbers; gives the two halves (3 and 4 numerals) of each serial."""
    a = [number // _RIGHT for number in numbers]
    b = [number % _RIGHT for number in numbers]
    blocks = array("I", bytes(ff1.BLOCK * len(numbers)))
    for word, value in enumerate(head):
        blocks[word::4] = array("I", [value]) * len(numbers)
    for i in range(ff1.ROUNDS):
        mask = last ^ (i << 24)
        words = array("I", [half ^ mask for half in b])
        if _LITTLE:
            words.byteswap()
        blocks[3::4] = words
        output = array("Q", ff1.aes_blocks(key, memoryview(blocks).cast("B")))
        if _LITTLE:
            output.byteswap()
        modulus = _LEFT if i % 2 == 0 else _RIGHT
        a, b = b, [(x + y) % modulus for x, y in zip(a, output[::2], strict=True)]
    return a, b


def _texts(body: str, fixed_sum: int, left: list[int], right: list[int]) -> Iterator[str]:
    """Spell the codes: three table look-ups give the signs, three more their share of the check sum."""
    triples, pairs, low_pairs = _spelling(3, 11), _spelling(2, 14), _spelling(2, 16)
    checks = [ALPHABET[-(fixed_sum + total) % RADIX] for total in range(3 * RADIX)]
    for a, b in zip(left, right, strict=True):
        high, low = divmod(b, _PAIR)
        (s1, c1), (s2, c2), (s3, c3) = triples[a], pairs[high], low_pairs[low]
        yield f"{body}{s1}{s2}{s3}{checks[c1 + c2 + c3]}"


@cache
def _spelling(signs: int, place: int) -> tuple[tuple[str, int], ...]:
    """Table: number to its base-31 signs and their share (mod 31) of the check sum at `place` of the code."""
    table: list[tuple[str, int]] = [("", 0)]
    for offset in range(signs):
        weight = WEIGHTS[place + offset]
        table = [
            (text + sign, (total + value * weight) % RADIX)
            for text, total in table
            for value, sign in enumerate(ALPHABET)
        ]
    return tuple(table)
