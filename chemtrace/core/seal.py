"""The seal: ten signs beside the code that only the issuer's key can make; stops invented codes, not copies.

seal = base31_10( HMAC-SM3( K[issuer, year], "BJ1|" + code ) mod 31^10 ), 49.5 bits. K is derived from a
master key by HKDF-SM3, one key per issuer and year of issue. A seal is printed on the label and never stored
in the ledger or written to a log: whoever reads it could print labels. No error here carries a seal or a key.

Byte-exact form: contracts/specs/trace-code.md; vectors: contracts/vectors/seals/.
Sources: GB/T 32905-2016 (SM3), RFC 2104 (HMAC), RFC 5869 (HKDF).
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chemtrace.core.check_sign import ALPHABET, RADIX, first_wrong_sign
from chemtrace.core.codes import SEAL_SIGNS, canonical_code
from chemtrace.core.errors import MasterKeyError, SealError

KEY_BYTES: Final = 32
"""Size of the master key and of every key derived from it."""

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 9999

_SEALS: Final = RADIX**SEAL_SIGNS


def derive_issuer_key(master: bytes, issuer: str, year: int) -> bytes:
    """Derive the 32-byte seal key of one issuer for labels issued in one year.

    Args:
        master: at least 32 random bytes, kept in a crypto module.
        issuer: the four signs of the issuer in its codes.
        year: calendar year of issue, UTC, 2000 to 9999.

    Raises:
        MasterKeyError: the master key is too short.
        SealError: issuer or year cannot be one.
    """
    require_key(master)
    if len(issuer) != 4 or first_wrong_sign(issuer) is not None:
        message = "An issuer has four signs of the code alphabet."
        raise SealError(message, got=issuer, expected_length=4)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        message = f"A seal year is {FIRST_YEAR} to {LAST_YEAR}."
        raise SealError(message, got=year, expected_minimum=FIRST_YEAR)
    info = f"chemtrace/seal/1|{issuer}|{year:04d}".encode("ascii")
    return HKDF(algorithm=hashes.SM3(), length=KEY_BYTES, salt=None, info=info).derive(master)


def make_seal(*, issuer_key: bytes, code: str) -> str:
    """Compute the ten signs that belong beside `code` (canonical 19 signs).

    Raises:
        CodeFormatError, CodeVersionError, CodeCheckError: not a canonical code.
        MasterKeyError: the key is too short.
    """
    require_key(issuer_key)
    mac = hmac.HMAC(issuer_key, hashes.SM3())
    mac.update(b"BJ1|" + canonical_code(code).encode("ascii"))
    value = int.from_bytes(mac.finalize(), "big") % _SEALS
    signs = []
    for _ in range(SEAL_SIGNS):
        value, digit = divmod(value, RADIX)
        signs.append(ALPHABET[digit])
    return "".join(reversed(signs))


def verify_seal(*, issuer_key: bytes, code: str, seal: str) -> None:
    """Check in constant time that `seal` belongs to `code` under the issuer's key.

    A wrong seal is not told apart further: a guesser learns nothing. Rate limits are the caller's duty.

    Raises:
        SealError: the seal is malformed or another one.
        CodeFormatError, CodeVersionError, CodeCheckError, MasterKeyError: as `make_seal`.
    """
    expected = make_seal(issuer_key=issuer_key, code=code).encode("ascii")
    # A seal of another length or alphabet simply differs; "replace" keeps odd characters out of the way.
    if not bytes_eq(expected, seal.encode("ascii", "replace")):
        message = "The seal does not belong to this code: the label may be forged or was misread. Scan again."
        raise SealError(message, trace_code=code)


def require_key(key: bytes) -> None:
    """Refuse a key shorter than 32 bytes, without showing it.

    Raises:
        MasterKeyError: too short; carries both lengths.
    """
    if len(key) < KEY_BYTES:
        message = f"A key of at least {KEY_BYTES} bytes is needed, this one has {len(key)}."
        raise MasterKeyError(message, got_length=len(key), expected_length=KEY_BYTES)
