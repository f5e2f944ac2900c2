"""The receipt: what the sender of an event gets back once it is durable, signed by the log's receipt key."""

from typing import Annotated, Final, Literal

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.canonical import parse_canonical
from chemtrace.core.errors import KeyUnknownError, ReceiptFormatError
from chemtrace.core.keys import PrivateKey
from chemtrace.core.pae import RECEIPT_TYPE, encode_pae
from chemtrace.core.receipt_tree import verify_receipt
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.core.types import MAX_SAFE_INTEGER

MAX_RECEIPT_BYTES: Final = 64 * 1024

_Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_RuleId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the log promises about one event: which entry it is, when it came, what was found. Digests in hex.

    `publish_by`: a checkpoint that covers the entry is published by then (`core.promise`); absent from receipts that
    were signed before logs promised it.
    """

    event: _Hex32
    findings: tuple[_RuleId, ...]
    index: Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
    late: bool
    leaf: _Hex32
    origin: Annotated[str, msgspec.Meta(pattern=r"^[!-\[\]-~]{1,200}\Z")]
    received: Annotated[str, msgspec.Meta(max_length=32)]
    publish_by: Annotated[str, msgspec.Meta(max_length=27)] | msgspec.UnsetType = msgspec.UNSET
    typ: Literal["chemtrace/receipt/1"] = "chemtrace/receipt/1"


class SignedReceipt(msgspec.Struct, frozen=True):
    """A receipt's bytes, the receipt key's id (hex) and its signature (`receipt_tree`); answered as stored."""

    receipt_bytes: bytes
    kid: str
    signature: bytes


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kid: _Hex32
    receipt: str
    signature: str


_DECODER: Final = msgspec.json.Decoder(Receipt)
_WIRE_DECODER: Final = msgspec.json.Decoder(_Wire)
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the receipt's canonical JSON, the bytes that are signed."""
    return _ENCODER.encode(receipt)


def parse_receipt(data: bytes) -> Receipt:
    """Return the receipt of its bytes; raises `ReceiptFormatError`, or JSON errors by name."""
    try:
        receipt = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        parse_canonical(data, MAX_RECEIPT_BYTES)
        raise ReceiptFormatError(f"not a receipt: {error}") from error
    if _ENCODER.encode(receipt) != data:
        parse_canonical(data, MAX_RECEIPT_BYTES)
        raise ReceiptFormatError("not a receipt: a member is not in its one spelling")
    _check_times(receipt)
    return receipt


def _check_times(receipt: Receipt) -> None:
    received_us = parse_rfc3339(receipt.received)
    if receipt.publish_by is msgspec.UNSET:
        return
    publish_by_us = parse_rfc3339(receipt.publish_by)
    if publish_by_us < received_us or format_utc(publish_by_us) != receipt.publish_by:
        raise ReceiptFormatError(
            "publish_by is not a moment after received, in its one spelling",
            publish_by=receipt.publish_by,
            received=receipt.received,
        )


def sign_receipt(receipt: Receipt, key: PrivateKey) -> SignedReceipt:
    """Return the receipt signed by the receipt key."""
    body = encode_receipt(receipt)
    return SignedReceipt(body, key.kid.hex(), key.sign(encode_pae(RECEIPT_TYPE, body)))


def encode_signed_receipt(signed: SignedReceipt) -> bytes:
    """Return the wire object `{kid, receipt, signature}`: hex, base64url, base64url."""
    wire = _Wire(signed.kid, encode_base64url(signed.receipt_bytes), encode_base64url(signed.signature))
    return _ENCODER.encode(wire)


def parse_signed_receipt(data: bytes) -> SignedReceipt:
    """Return the signed receipt of its wire object, not yet verified; raises `ReceiptFormatError`, `WireError`."""
    if len(data) > 2 * MAX_RECEIPT_BYTES:
        raise ReceiptFormatError("the receipt is too large", size=len(data), limit=2 * MAX_RECEIPT_BYTES)
    try:
        wire = _WIRE_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReceiptFormatError(f"not a signed receipt {{kid, receipt, signature}}: {error}") from error
    return SignedReceipt(decode_base64url(wire.receipt), wire.kid, decode_base64url(wire.signature))


def verify_signed_receipt(data: bytes, key: PublicKey) -> Receipt:
    """Return the receipt of a wire object after its signature was verified under the pinned receipt key.

    Raises:
        ReceiptFormatError, WireError: malformed.
        KeyUnknownError: signed by another key than the pinned one; carries both.
        SignatureInvalidError: the signature does not verify.
    """
    signed = parse_signed_receipt(data)
    if signed.kid != key.kid.hex():
        raise KeyUnknownError("the receipt names another key", expected=key.kid.hex(), found=signed.kid)
    verify_receipt(key, signed.receipt_bytes, signed.signature)
    return parse_receipt(signed.receipt_bytes)
