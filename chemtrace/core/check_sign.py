"""The 31-sign alphabet and the check sign of GB 32100, shared by trace codes and credit codes.

Alphabet: digits and upper-case letters without I, O, S, V, Z; a sign's value is its place in the alphabet.
Rule: weights 3^i mod 31 from i = 0; check value = (31 - sum(weight * value) mod 31) mod 31.
3 is a primitive root of 31, so every single wrong sign and every swap of two different signs is caught as
long as the two places have different weights (the check sign itself has weight 1, like place 0).

Source: GB 32100-2015 section 6 and annex A (rule for the unified social credit code).
"""

from __future__ import annotations

from operator import mul
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 signs in order of their value."""

RADIX: Final = 31
"""Number of signs, a prime: without that the check sign would miss errors."""

MAX_BODY: Final = 30
"""Longest body the rule protects: weights repeat after 30 places (the order of 3 mod 31)."""

NOT_A_SIGN: Final = 255
"""Value of a byte that is no sign of the alphabet."""

VALUES: Final = bytes(ALPHABET.find(chr(b)) if chr(b) in ALPHABET else NOT_A_SIGN for b in range(256))
"""Table for `bytes.translate`: ASCII byte to value 0..30, anything else to `NOT_A_SIGN`."""

WEIGHTS: Final = tuple(pow(3, i, RADIX) for i in range(MAX_BODY))
"""Weight of each place of the body, from the left."""

LOOKALIKES: Final = {"I": "1", "O": "0", "S": "5", "V": "U", "Z": "2"}
"""Letters that are no signs, and the sign most likely meant. For hints only, never replaced silently."""


def sign_values(text: str) -> bytes:
    """Give the value 0..30 of each sign of `text`, `NOT_A_SIGN` for anything else; one byte per character."""
    # "replace" puts one "?" for each character outside ASCII, so places stay where they are.
    return text.encode("ascii", "replace").translate(VALUES)


def check_sign_of(body: str) -> str:
    """Compute the check sign that follows `body`.

    Requires:
        1 to 30 signs, all of the alphabet; callers check both first and name the wrong sign.
    Source:
        GB 32100-2015 section 6.
    """
    return ALPHABET[-sum(map(mul, sign_values(body), WEIGHTS)) % RADIX]


def first_wrong_sign(text: str) -> int | None:
    """Give the place (from 0) of the first character that is no sign of the alphabet, or None."""
    place = sign_values(text).find(NOT_A_SIGN)
    return None if place < 0 else place


def lookalike_hint(sign: str) -> str:
    """Say which sign a letter outside the alphabet was probably meant to be; empty when there is no guess."""
    meant = LOOKALIKES.get(sign)
    return "" if meant is None else f" ({sign} is never used in a code; did you mean {meant}?)"
