"""What is signed: the DSSE pre-authentication encoding (DSSE protocol v1, section "Signature Definition")."""

from typing import Final

HEADER_TYPE: Final = "application/vnd.chemtrace.header+json"
"""Type bound into the signature over a statement's header."""

RECEIPT_TYPE: Final = "application/vnd.chemtrace.receipt+json"
"""Type bound into the signature over a receipt."""

RECEIPT_TREE_TYPE: Final = "application/vnd.chemtrace.receipt-tree"
"""Type bound into the signature over the root of a group of receipts."""

KEY_REQUEST_TYPE: Final = "application/vnd.chemtrace.key-request+json"
"""Type bound into the proof that a new key is in the requester's hands."""


def encode_pae(media_type: str, body: bytes) -> bytes:
    """Return `"DSSEv1 " len(type) " " type " " len(body) " " body`, lengths in bytes as decimal ASCII."""
    kind = media_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)
