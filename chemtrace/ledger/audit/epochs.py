"""Epoch records against everything before them, and the epochs' table against the records."""

from __future__ import annotations

from chemtrace.core.epoch import EpochRecord, check_epoch_order, parse_epoch
from chemtrace.core.errors import ChemtraceError
from chemtrace.ledger.audit.maps import MapAudit
from chemtrace.ledger.audit.port import AuditEntry, AuditStore, StoredEpoch
from chemtrace.ledger.audit.report import FaultLog
from chemtrace.ledger.publish import OPERATOR


class EpochAudit:
    """Takes the epoch records in order; log time is that of the newest one."""

    def __init__(self, store: AuditStore, faults: FaultLog) -> None:
        """Compare with the epochs of `store`; note differences in `faults`."""
        self.count = 0
        self.log_time_us = 0
        self.index: int | None = None
        self._faults = faults
        self._record: EpochRecord | None = None
        self._rows = store.epochs()

    def add(
        self, row: AuditEntry, header_bytes: bytes, *, chain: bytes, subjects: int, maps: MapAudit
    ) -> None:
        """Check one record: number, time, range, chain, number of subjects and map before it, and its rows."""
        index = row.index
        try:
            record = parse_epoch(header_bytes)
            check_epoch_order(record, index, self._record, self.index)
        except ChemtraceError as error:
            self._faults.add_error(index, error)
            try:
                record = parse_epoch(header_bytes)
            except ChemtraceError:
                maps.pass_epoch(index)
                return
        self._compare(index, "chain", chain.hex(), record.chain)
        self._compare(index, "subjects", subjects, record.subjects)
        maps.close_epoch(index, record.map_root)
        wanted = StoredEpoch(record.number, index, record.log_time_us, record.first, record.last)
        self._compare(index, "row", wanted, next(self._rows, None))
        self._check_columns(row, record.log_time_us)
        self._record, self.index, self.log_time_us = record, index, record.log_time_us
        self.count += 1

    @property
    def number(self) -> int:
        """Number of the newest epoch, -1 before the first."""
        return -1 if self._record is None else self._record.number

    def finish(self, entries: int) -> None:
        """Look for epochs in the table that the log does not hold; the first of them stands behind the log's end."""
        for row in self._rows:
            detail = f"epoch {row.number} should stand at index {row.index}, the log does not hold it"
            self._faults.add(min(entries, row.index), "evidence.epoch", detail)

    def _check_columns(self, row: AuditEntry, log_time_us: int) -> None:
        found = (
            row.kind,
            row.phase,
            row.actor,
            row.counterparty,
            bool(row.late),
            row.received_us,
            row.effective_us,
        )
        wanted = ("epoch", "record", OPERATOR, None, False, log_time_us, log_time_us)
        if found != wanted or (row.receipt, row.receipt_signature, row.payload) != (None, None, None):
            detail = f"the columns of an epoch record are {wanted} without receipt and payload, found {found}"
            self._faults.add(row.index, "evidence.column", detail)

    def _compare(self, index: int, name: str, computed: object, found: object) -> None:
        if computed != found:
            detail = f"{name}: computed {computed}, found {found}"
            self._faults.add(index, "evidence.epoch", detail)
