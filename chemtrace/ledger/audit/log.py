"""`verify_log`: one pass over all entries, then the rows that the pass predicts.

1. every entry from its bytes (`entries`), 2. every signature under the keys of its place (`people`, `signatures`),
3. the epochs (`epochs`) with their map roots (`maps`), 4. the tree, every checkpoint and the vault's memory (`tree`),
5. everything derived (`models`, `compare`), 6. openings, cosignatures, forks, head row and guards.

Memory grows with subjects, not with entries. What can be said of an entry without the log before it may come from
processes beside this one (`clean`); the pass over all entries then only does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

from chemtrace.core.catalogue import Catalogue
from chemtrace.ledger.audit.clean import ChunkResult
from chemtrace.ledger.audit.compare import compare_models
from chemtrace.ledger.audit.entries import EntryAudit
from chemtrace.ledger.audit.epochs import EpochAudit
from chemtrace.ledger.audit.maps import MapAudit
from chemtrace.ledger.audit.models import ModelAudit
from chemtrace.ledger.audit.openings import check_openings
from chemtrace.ledger.audit.people import PeopleAudit
from chemtrace.ledger.audit.port import AuditEntry, AuditStore, StoredHead
from chemtrace.ledger.audit.report import NOWHERE, AuditReport, FaultLog
from chemtrace.ledger.audit.signatures import SignatureCheck, signature_check
from chemtrace.ledger.audit.tree import TreeAudit
from chemtrace.ledger.audit.witnesses import check_witnesses
from chemtrace.ledger.memory import Memory

CHUNK: Final = 1_000
"""Indexes read at once; also how often `progress` is called."""

Progress = Callable[[int, int], None]
"""Called with (entries done, entries stored)."""

Beside = Callable[[Iterable[tuple[int, int]]], Iterator[ChunkResult | None]]
"""Ranges of indexes to what was found beside the pass, in their order; None: nothing is known of that range."""


def verify_log(
    store: AuditStore,
    *,
    catalogue: Catalogue,
    master: bytes | None = None,
    signed: tuple[int, bytes] | None = None,
    progress: Progress | None = None,
    beside: Beside | None = None,
) -> AuditReport:
    """Audit everything in `store` and report all faults; a fault never stops the audit.

    Args:
        catalogue: the chemicals that admission used.
        master: key of the code serials; without it nobody can say whether a code was issued, and that is left out.
        signed: size and root of the last tree that the vault signed, asked for before the snapshot was taken; an
            older copy of the database agrees with itself in everything, and only this memory tells.
        beside: looks at entries one by one in other processes, and reads the same database.

    Raises:
        UnavailableError: the store could not be read.
    """
    faults = FaultLog()
    with signature_check(faults) as check:
        tree = TreeAudit(store, faults, signed)
        audit = _Audit(store, catalogue, master, check, tree)
        total, done = store.count(), 0
        ranges = [(first, first + CHUNK - 1) for first in range(0, store.last_index() + 1, CHUNK)]
        results = repeat(None) if beside is None else beside(ranges)
        for (first, last), result in zip(ranges, results, strict=False):
            rows = store.entries_between(first, last)
            audit.take_all(rows, result)
            done += len(rows)
            if progress is not None:
                progress(done, total)
        audit.finish()
        return audit.report()


class _Audit:
    """One run: the parts, and the order in which each entry goes through them."""

    def __init__(
        self,
        store: AuditStore,
        catalogue: Catalogue,
        master: bytes | None,
        check: SignatureCheck,
        tree: TreeAudit,
    ) -> None:
        memory, faults = Memory(master), tree.faults
        self.origin = store.fact("origin")
        self.store, self.check, self.faults, self.has_master = store, check, faults, master is not None
        self.entries = EntryAudit(faults)
        self.epochs = EpochAudit(store, faults)
        self.tree = tree
        self.maps = MapAudit(store, faults)
        self.people = PeopleAudit(memory.registry, self.origin, check, faults, has_master=self.has_master)
        self.models = ModelAudit(store, memory, catalogue, faults)

    def take_all(self, rows: Sequence[AuditEntry], result: ChunkResult | None) -> None:
        """Put rows through all parts; those that are clean go the short way."""
        if result is None or len(result.clean) != len(rows):
            for row in rows:
                self.take(row)
            return
        for row, signatures in zip(rows, result.clean, strict=True):
            if signatures and self._pass(row, result.told.get(row.index, ())):
                self.check.checked += signatures
            else:
                self.take(row)

    def _pass(self, row: AuditEntry, told: tuple[str, ...]) -> bool:
        """Put a clean entry through what depends on the log before it; False: it must go the long way."""
        read = self.entries.pass_clean(row, self.people.can_pass)
        if read is None or read.header is None:
            return False
        self.tree.add(row.leaf)
        self.maps.add(row.index, row.leaf, [subject.id for subject in read.header.subjects])
        log_time_us = self.epochs.log_time_us
        self.people.check_place(read, log_time_us)
        rules = self.models.add(read, log_time_us)
        self.people.learn(read)
        self.people.check_told(row, rules, told)
        return True

    def take(self, row: AuditEntry) -> None:
        """Put one entry through all parts."""
        read = self.entries.read(row)
        self.tree.add(row.leaf)
        if read is None:
            if row.kind == "epoch":
                self.maps.pass_epoch(row.index)
            return
        if read.header is None:
            before = self.entries.before_chain
            subjects = self.models.subjects
            self.epochs.add(row, read.entry.header_bytes, chain=before, subjects=subjects, maps=self.maps)
            return
        self.maps.add(row.index, row.leaf, [subject.id for subject in read.header.subjects])
        log_time_us = self.epochs.log_time_us
        self.people.check(read, log_time_us)
        rules = self.models.add(read, log_time_us)
        self.people.learn(read)
        self.people.add_receipt(read, rules)

    def finish(self) -> None:
        """Everything that can be said only at the end."""
        size = self.entries.next_index
        self.entries.finish()
        check_openings(self.store, self.people.erased, self.faults)
        self._check_head(self.store.head(), size)
        self.epochs.finish(size)
        self.tree.finish(self.origin, self.people.verifiers())
        self.maps.finish(size)
        check_witnesses(self.store, self.faults)
        self.people.finish()
        self.people.compare_records(self.store)
        compare_models(self.store, self.models, self.faults, has_master=self.has_master)
        for guard in self.store.missing_guards():
            self.faults.add(
                NOWHERE, "evidence.guard", f"the append-only guard {guard} is gone from the database"
            )
        self.check.finish()

    def report(self) -> AuditReport:
        """The outcome."""
        return AuditReport(
            entries=self.entries.next_index,
            epochs=self.epochs.count,
            signatures=self.check.checked,
            checkpoint=self.tree.newest,
            first_bad_index=self.faults.first,
            fault_count=self.faults.count,
            faults=self.faults.lowest(),
        )

    def _check_head(self, head: StoredHead | None, size: int) -> None:
        if head is None:
            self.faults.add(0, "evidence.head", "the head row is missing")
            return
        if head.size != size:
            missing = (
                f"entries {size} to {head.size - 1} are missing" if head.size > size else "more is stored"
            )
            self.faults.add(
                min(size, head.size), "evidence.index-gap", f"the head row says {head.size}: {missing}"
            )
            return
        epoch_index = -1 if self.epochs.index is None else self.epochs.index
        computed = StoredHead(
            size,
            self.entries.chain,
            self.epochs.number,
            epoch_index,
            self.epochs.log_time_us,
            self.models.subjects,
        )
        if head != computed:
            self.faults.add(
                max(size - 1, 0), "evidence.head", f"the head row is {head}, the log gives {computed}"
            )
