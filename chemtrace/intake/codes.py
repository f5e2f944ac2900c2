"""Codes for imported lots: batches issued to the importer, used in their order, each code once.

A batch is named after its namespace and slot, so that what an interrupted import has issued is found and used up
before more is issued. The time of signing of a row is that of its code's batch: the same on every attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from chemtrace.core.check_sign import ALPHABET
from chemtrace.core.errors import RegistryConflictError
from chemtrace.core.merkle import hash_leaf, tree_root
from chemtrace.core.statement import Statement
from chemtrace.intake.known import LogReads, without_head
from chemtrace.registry import office
from chemtrace.registry.records import BatchRecord
from chemtrace.registry.state import Registry

MAX_BATCH: Final = 10_000_000
ISSUER_SIGNS: Final = 4

Generate = Callable[..., Iterator[str]]
"""`Authority.codes`: the codes of a series by kind, slot, issuer, start and count."""


class LotCode(msgspec.Struct, frozen=True):
    """A code for a lot, and the time at which its row is signed (RFC 3339, UTC)."""

    code: str
    iat: str


def batch_prefix(namespace: str, slot: str) -> str:
    """How the ids of an importer's batches begin."""
    return f"IMPORT-{namespace.upper()}-{slot}-"


def batches_of(registry: Registry, namespace: str, slot: str, kind: str) -> list[BatchRecord]:
    """The batches of an importer for one chemical, in the order of issue."""
    prefix = batch_prefix(namespace, slot)
    found = [
        batch
        for batch in registry.books.batches.values()
        if batch.batch.startswith(prefix) and batch.kind == kind and batch.slot == slot
    ]
    return sorted(found, key=lambda batch: batch.start)


def codes_of(batch: BatchRecord, generate: Generate, reads: LogReads) -> list[LotCode]:
    """All codes of a batch that is in the log."""
    head = reads.heads([f"batch:{batch.batch}"])[f"batch:{batch.batch}"]
    if head is None:
        raise RegistryConflictError("a batch of codes has no entry in the log", batch=batch.batch)
    iat = str(reads.event(bytes.fromhex(str(head["event"]))).payload["at"])
    codes = generate(
        kind=batch.kind, slot=batch.slot, issuer=batch.issuer, start=batch.start, count=batch.count
    )
    return [LotCode(code, iat) for code in codes]


def free_of(codes: Sequence[LotCode], reads: LogReads) -> list[LotCode]:
    """Those that no event names yet."""
    free = set(without_head(reads, [lot.code for lot in codes]))
    return [lot for lot in codes if lot.code in free]


def issue_statement(
    by: office.Signing, *, registry: Registry, namespace: str, issuer: str, kind: str, slot: str,
    count: int, codes: Sequence[str], start: int,
) -> Statement:  # fmt: skip
    """issue/batch of the next codes of the importer's series."""
    number = 1 + len(batches_of(registry, namespace, slot, kind))
    return office.issue_batch(
        by,
        batch=f"{batch_prefix(namespace, slot)}{number}",
        enterprise=by.enterprise,
        issuer=issuer,
        kind=kind,
        slot=slot,
        start=start,
        count=count,
        root=tree_root(hash_leaf(code.encode("ascii")) for code in codes),
        seal_year=int(_year(by.now_us)),
    )


def free_issuer(registry: Registry) -> str:
    """An issuer number that nobody has, taken from the end of the range: enterprises are counted from its start."""
    taken = registry.books.issuers
    number = len(ALPHABET) ** ISSUER_SIGNS - 1
    while (text := _issuer_text(number)) in taken:
        number -= 1
    return text


def _issuer_text(number: int) -> str:
    signs = ""
    for _ in range(ISSUER_SIGNS):
        number, place = divmod(number, len(ALPHABET))
        signs = ALPHABET[place] + signs
    return signs


def _year(now_us: int) -> str:
    from chemtrace.core.times import format_utc

    return format_utc(now_us)[:4]
