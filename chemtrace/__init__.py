"""chemtrace: a tamper-evident ledger for hazardous chemicals.

What stands here is for verifiers: statements, receipts, checkpoints and proofs are checked with these names and
the base install alone, offline. Everything else is imported from its own module.
"""

from typing import Final

from chemtrace.core.algorithms import PublicKey, verify
from chemtrace.core.checkpoint import Checkpoint, verify_checkpoint
from chemtrace.core.entry import encode_entry, leaf_hash, parse_entry
from chemtrace.core.errors import ChemtraceError, EvidenceError, RefusedError, UnavailableError
from chemtrace.core.keys import parse_spki, verify_key_request
from chemtrace.core.merkle import verify_consistency, verify_inclusion
from chemtrace.core.note import parse_vkey
from chemtrace.core.receipt import Receipt, verify_signed_receipt
from chemtrace.core.statement import Statement, check_payload_digest, parse_wire, verify_signatures

__version__: Final = "0.1.0"

__all__ = [
    "Checkpoint",
    "ChemtraceError",
    "EvidenceError",
    "PublicKey",
    "Receipt",
    "RefusedError",
    "Statement",
    "UnavailableError",
    "__version__",
    "check_payload_digest",
    "encode_entry",
    "leaf_hash",
    "parse_entry",
    "parse_spki",
    "parse_vkey",
    "parse_wire",
    "verify",
    "verify_checkpoint",
    "verify_consistency",
    "verify_inclusion",
    "verify_key_request",
    "verify_signatures",
    "verify_signed_receipt",
]
