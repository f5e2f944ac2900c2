"""What witnesses added to checkpoints, and evidence of forks: each row in its form, beside a checkpoint that there is.

Whether a cosignature verifies is for those who pin the witness's key; here it is only said that a row is one.
"""

from __future__ import annotations

from chemtrace.core.errors import ChemtraceError
from chemtrace.core.note import parse_note, parse_signature_lines
from chemtrace.ledger.audit.port import AuditStore, StoredCosignature
from chemtrace.ledger.audit.report import NOWHERE, FaultLog


def check_witnesses(store: AuditStore, faults: FaultLog) -> None:
    """Check every stored cosignature and every piece of evidence of a fork; a fork kept is itself told."""
    sizes = {size for size, _ in store.checkpoints()}
    for row in store.cosignatures():
        _check_cosignature(row, sizes, faults)
    for code, first, second in store.forks():
        faults.add(NOWHERE, code, f"evidence of a fork is kept: {_shown(first)} and {_shown(second)}")


def _check_cosignature(row: StoredCosignature, sizes: set[int], faults: FaultLog) -> None:
    """A wrong one is blamed on the last entry of the tree that it says was cosigned."""
    if row.size not in sizes:
        detail = f"{row.name} cosigned size {row.size}, no checkpoint of that size is stored"
        faults.add(max(0, row.size - 1), "evidence.cosignature", detail)
        return
    try:
        lines = parse_signature_lines(f"{row.line}\n".encode())
    except (ChemtraceError, UnicodeEncodeError) as error:
        faults.add(row.size - 1, "evidence.cosignature", f"the line of {row.name} is none: {error}")
        return
    if [(line.name, line.key_hash) for line in lines] != [(row.name, row.key_hash)]:
        detail = f"the line stored for {row.name} {row.key_hash.hex()} is another's, or several"
        faults.add(row.size - 1, "evidence.cosignature", detail)


def _shown(note: bytes) -> str:
    """The origin, size and root that a note says, or that it is none."""
    try:
        return " ".join(parse_note(note).text.split("\n")[:3])
    except ChemtraceError as error:
        return f"(no note: {error.message})"
