"""Issued codes: batches without gaps, and whether a code was ever issued, answered without storing any code."""

from __future__ import annotations

import threading
from typing import Final, Literal

import msgspec

from chemtrace.core.codes import TraceCode
from chemtrace.core.errors import RegistryConflictError
from chemtrace.core.events.authority import Issue
from chemtrace.core.serials import SERIALS, SerialReader
from chemtrace.registry.books import Books, refuse_taken
from chemtrace.registry.records import BatchRecord, Change

Status = Literal["issued", "not-issued", "unchecked"]

_OF_THREAD: Final = threading.local()
"""The reader of codes of each thread that asks: a cipher cannot be shared, and setting one up costs ten codes."""


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


def issue_status(
    books: Books, master: bytes | None, code: str, *, before_index: int | None = None
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
    if master is None:
        return IssueStatus("unchecked", enterprise)
    issued = batches[-1].start + batches[-1].count
    trace_code = TraceCode(code[:2], code[2], code[3], code[4:7], issuer, code[11:18], code[18])
    return IssueStatus("issued" if _reader(master).number(trace_code) < issued else "not-issued", enterprise)


def _reader(master: bytes) -> SerialReader:
    kept: tuple[bytes, SerialReader] | None = getattr(_OF_THREAD, "reader", None)
    if kept is None or kept[0] != master:
        kept = _OF_THREAD.reader = (master, SerialReader(master))
    return kept[1]
