"""The registry's books: one dictionary a kind of record, and the look-ups that several rules share."""

from __future__ import annotations

from collections.abc import Iterable

from chemtrace.core.errors import EnterpriseUnknownError, RegistryConflictError
from chemtrace.registry.records import (
    AnyRecord,
    BatchRecord,
    Change,
    DeviceRecord,
    EnterpriseRecord,
    KeyRecord,
    LicenceRecord,
    SiteRecord,
)

Series = tuple[str, str, str]
"""(kind, slot, issuer): what has a counter of codes of its own."""


class Books:
    """All records by id; changed only through `enter`, so that derived indexes never lag."""

    def __init__(self) -> None:
        """Start empty."""
        self.enterprises: dict[str, EnterpriseRecord] = {}
        self.sites: dict[str, SiteRecord] = {}
        self.licences: dict[str, LicenceRecord] = {}
        self.devices: dict[str, DeviceRecord] = {}
        self.batches: dict[str, BatchRecord] = {}
        self.keys: dict[str, KeyRecord] = {}
        self.issuers: dict[str, str] = {}
        self.series: dict[Series, list[BatchRecord]] = {}
        self.silenced: dict[str, int] = {}
        self._newest: dict[str, KeyRecord] = {}

    def enter(self, change: Change) -> Change:
        """Put a record into its book, replacing the older one of the same id."""
        record = change.record
        match record:
            case EnterpriseRecord():
                self.enterprises[change.id] = record
                if record.issuer is not None:
                    self.issuers[record.issuer] = record.enterprise
            case SiteRecord():
                self.sites[change.id] = record
            case LicenceRecord():
                self.licences[change.id] = record
            case DeviceRecord():
                self.devices[change.id] = record
                if record.kid is not None and record.revoked_index is not None:
                    self.silenced.setdefault(record.kid, record.revoked_index)
            case BatchRecord():
                self.batches[change.id] = record
                batches = self.series.setdefault((record.kind, record.slot, record.issuer), [])
                batches.append(record)
                batches.sort(key=lambda batch: batch.start)
            case KeyRecord():
                self._enter_key(record)
        return change

    def _enter_key(self, record: KeyRecord) -> None:
        self.keys[record.kid] = record
        newest = self._newest.get(record.role)
        if newest is None or record.from_index >= newest.from_index:
            self._newest[record.role] = record

    def load(self, changes: Iterable[tuple[str, str, AnyRecord]]) -> None:
        """Enter records as a store keeps them."""
        for table, id_, record in changes:
            self.enter(Change(table, id_, record))

    def silent_since(self, key: KeyRecord) -> int | None:
        """The index from which a key is silent, declared compromised or its device revoked; None while it speaks."""
        revoked, silenced = key.revoked_index, self.silenced.get(key.kid)
        if revoked is None or silenced is None:
            return silenced if revoked is None else revoked
        return min(revoked, silenced)

    def newest_key(self, role: str) -> KeyRecord | None:
        """The key of a role that was registered last: for authority, recovery, log and receipt, the one in force."""
        return self._newest.get(role)

    def open_enterprise(self, code: str) -> EnterpriseRecord:
        """Return a registered enterprise that is not closed; raises `EnterpriseUnknownError`."""
        record = self.enterprises.get(code)
        if record is None or record.closed_index is not None:
            raise EnterpriseUnknownError(
                f"the enterprise {code} is not registered here, or closed: ask the authority to register it",
                enterprise=code,
                closed_index=record.closed_index if record is not None else None,
            )
        return record

    def issued(self, series: Series) -> int:
        """How many codes of a series have been issued: the number of the next one."""
        batches = self.series.get(series)
        return batches[-1].start + batches[-1].count if batches else 0


def refuse_taken(what: str, id_: str, record: AnyRecord | None) -> None:
    """Raise `RegistryConflictError` when a record exists that should be new."""
    if record is not None:
        raise RegistryConflictError(
            f"the {what} {id_} is registered already", found=id_, since_index=record.from_index
        )
