"""Openings: the only facts that may be deleted, and only by an erasure; what is left must still open its digest."""

from __future__ import annotations

from hashlib import sha256

from chemtrace.ledger.audit.port import AuditStore, StoredOpening
from chemtrace.ledger.audit.report import FaultLog


def check_openings(store: AuditStore, erased: set[str], faults: FaultLog) -> None:
    """Check every stored opening against the payload beside it; `erased` are ids in hex of events with an erasure.

    Openings that are gone without an erasure cannot be found: how many were sent is signed by nobody.
    """
    for opening in store.openings():
        detail = _fault_of(opening, erased)
        if detail is not None:
            faults.add(opening.index, "opening.mismatch", detail)


def _fault_of(opening: StoredOpening, erased: set[str]) -> str | None:
    if opening.event_id is None:
        return "an opening is stored for an event that the log does not hold"
    if opening.event_id.hex() in erased:
        return "an opening of this event is stored, but the log erased them"
    if sha256(opening.salt + opening.value.encode("utf-8")).digest() != opening.digest:
        return f"salt and value of an opening do not give its digest {opening.digest.hex()}"
    if f'"{opening.digest.hex()}"'.encode() not in (opening.payload or b""):
        return f"an opening's digest {opening.digest.hex()} stands nowhere in the payload"
    return None
