"""A status proof as the text of one QR code: `CTS1:` and the base45 of its compact form (contracts/specs/status.md)."""

from __future__ import annotations

from typing import Final

from chemtrace.core.base45 import decode_base45, encode_base45
from chemtrace.core.bundle.compact import encode_status_compact, parse_status_compact
from chemtrace.core.bundle.model import StatusProof
from chemtrace.core.errors import Base45Error, BundleFormatError

QR_PREFIX: Final = "CTS1:"
MAX_QR_SIGNS: Final = 4_296
"""What a QR code of version 40-L holds in alphanumeric mode (ISO/IEC 18004)."""

_LINE_SIZES: Final = (64, 72)


def encode_status_qr(proof: StatusProof) -> str:
    """Return the text of the QR code; show it in alphanumeric mode.

    Raises:
        BundleFormatError: a signature other than Ed25519, or longer than a QR code of version 40-L.
    """
    _check_lines(proof)
    text = QR_PREFIX + encode_base45(encode_status_compact(proof))
    if len(text) > MAX_QR_SIGNS:
        raise BundleFormatError("too long for one QR code", size=len(text), limit=MAX_QR_SIGNS)
    return text


def parse_status_qr(text: bytes) -> StatusProof:
    """Return the status proof of a QR code's text, not verified.

    Raises:
        Base45Error: not base45. BundleFormatError: too long, or signatures other than Ed25519.
        And what `parse_status_compact` raises.
    """
    if len(text) > MAX_QR_SIGNS:
        raise BundleFormatError("longer than any QR code", size=len(text), limit=MAX_QR_SIGNS)
    try:
        signs = text.decode("ascii")
    except UnicodeDecodeError as error:
        raise Base45Error("base45 is ASCII", found=text[:16]) from error
    if not signs.startswith(QR_PREFIX):
        raise BundleFormatError("this is no status code", found=signs[:8], expected=QR_PREFIX)
    proof = parse_status_compact(decode_base45(signs.removeprefix(QR_PREFIX)))
    _check_lines(proof)
    return proof


def _check_lines(proof: StatusProof) -> None:
    for line in proof.note.signatures:
        if len(line.signature) not in _LINE_SIZES:
            raise BundleFormatError(
                "a QR code carries Ed25519 signatures only", name=line.name, size=len(line.signature)
            )
