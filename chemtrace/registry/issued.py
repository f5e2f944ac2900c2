"""Issued codes: batches without gaps, and whether a code was ever issued, answered without storing any code."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from chemtrace.core.check_sign import ALPHABET, RADIX
from chemtrace.core.errors import RegistryConflictError
from chemtrace.core.events.authority import Issue
from chemtrace.core.ff1 import BLOCK, ROUNDS, initial_block
from chemtrace.core.serials import SERIAL_SIGNS, SERIALS, serial_key
from chemtrace.registry.books import Books, refuse_taken
from chemtrace.registry.records import BatchRecord, Change

_LEFT: Final = RADIX**3
_RIGHT: Final = RADIX**4
_VALUES: Final = {sign: value for value, sign in enumerate(ALPHABET)}

Status = Literal["issued", "not-issued", "unchecked"]


class IssueStatus(msgspec.Struct, frozen=True):
    """Whether a code was issued, and to which enterprise its issuer number belongs (None: nobody's)."""

    status: Status
    enterprise: str | None


def issue_change(books: Books, index: int, payload: Issue) -> Change:
    """What issue/batch adds: the next numbers of a series, to the enterprise that owns the issuer number.

    Raises:
        RegistryConflictError: batch id taken, foreign issuer number, a gap or overlap in the series, or its end.
        EnterpriseUnknownError: no such enterprise.
    """
    refuse_taken("batch", payload.batch, books.batches.get(payload.batch))
    enterprise = books.open_enterprise(payload.enterprise)
    if enterprise.issuer != payload.issuer:
        raise RegistryConflictError(
            "codes are issued under the enterprise's own issuer number",
            found=payload.issuer,
            expected=enterprise.issuer,
        )
    expected = books.issued((payload.kind, payload.slot, payload.issuer))
    if payload.start != expected or payload.start + payload.count > SERIALS:
        raise RegistryConflictError(
            "a batch starts where the one before ended, and a series has 31^7 numbers",
            found=payload.start,
            expected=expected,
            count=payload.count,
        )
    record = BatchRecord(
        from_index=index,
        last_index=index,
        batch=payload.batch,
        enterprise=payload.enterprise,
        issuer=payload.issuer,
        kind=payload.kind,
        slot=payload.slot,
        start=payload.start,
        count=payload.count,
        root=payload.root,
        seal_year=payload.seal_year,
    )
    return Change("batch", payload.batch, record)


class SerialNumbers:
    """The number behind a code in its series, as `core.serials.serial_number` gives it, without setting up keys anew.

    The derived key is kept, and one AES context serves all rounds of a code: about 15 microseconds, for the path
    of admission. Safe from several threads.
    """

    def __init__(self, master: bytes) -> None:
        """Derive the key of the permutation; raises `MasterKeyError` for a short master key."""
        key = serial_key(master)
        # FF1 is defined over the bare block cipher; each block is the input of a pseudo-random function.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # as the comment above says

    def number(self, code: str) -> int:
        """Return the number of a canonical code, 0 to 31^7 - 1 (NIST SP 800-38G, FF1.Decrypt)."""
        encrypt = self._cipher.encryptor().update
        constant = _constant(encrypt, code[2:11].encode("ascii"))
        a, b = _value(code[11:14]), _value(code[14:18])
        for i in range(ROUNDS - 1, -1, -1):
            block = (constant ^ (i << 24) ^ a).to_bytes(BLOCK, "big")
            y = int.from_bytes(encrypt(block)[:8], "big")
            a, b = (b - y) % (_LEFT if i % 2 == 0 else _RIGHT), a
        return a * _RIGHT + b


def _constant(encrypt: Callable[[bytes], bytes], tweak: bytes) -> int:
    """What all inputs of a series share: AES(P) xor the tweak in front of round number and half."""
    p = initial_block(radix=RADIX, length=SERIAL_SIGNS, tweak_length=len(tweak))
    return int.from_bytes(encrypt(p), "big") ^ int.from_bytes(tweak.ljust(BLOCK, b"\0"), "big")


@cache
def _value(signs: str) -> int:
    value = 0
    for sign in signs:
        value = value * RADIX + _VALUES[sign]
    return value


def issue_status(
    books: Books, numbers: SerialNumbers | None, code: str, *, before_index: int | None = None
) -> IssueStatus:
    """Say whether a canonical code was issued, by entries below `before_index` where one is given.

    Without the master key (an auditor's machine) a code of a known series is `unchecked`.
    """
    issuer = code[7:11]
    enterprise = books.issuers.get(issuer)
    batches = books.series.get((code[3], code[4:7], issuer), [])
    if before_index is not None:
        batches = [batch for batch in batches if batch.from_index < before_index]
    if not batches:
        return IssueStatus("not-issued", enterprise)
    if numbers is None:
        return IssueStatus("unchecked", enterprise)
    issued = batches[-1].start + batches[-1].count
    return IssueStatus("issued" if numbers.number(code) < issued else "not-issued", enterprise)
