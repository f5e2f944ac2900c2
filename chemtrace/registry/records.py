"""What the registry knows of each party, place, key and batch: frozen records, one for each subject.

They travel to the database as JSON documents; `encode_record` and `decode_record` are each other's inverse.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from chemtrace.core.algorithms import PublicKey


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What all records share: the log indices of their first and their newest event."""

    from_index: int
    last_index: int


class EnterpriseRecord(Record, frozen=True, kw_only=True):
    """A legal entity; `issuer` is its number inside trace codes; closed ones sign nothing any more."""

    enterprise: str
    name_zh: str
    name_en: str
    roles: tuple[str, ...]
    issuer: str | None = None
    district: str | None = None
    closed_index: int | None = None


class SiteRecord(Record, frozen=True, kw_only=True):
    """A place of an enterprise; position in millionths of a degree, WGS-84."""

    id: str
    enterprise: str
    name_zh: str
    name_en: str
    lat_e6: int
    lon_e6: int
    district: str | None = None
    address: str | None = None
    closed_index: int | None = None


class LicenceRecord(Record, frozen=True, kw_only=True):
    """A permission; times in microseconds UTC."""

    id: str
    enterprise: str
    type: str
    scope: tuple[str, ...]
    valid_from_us: int
    valid_to_us: int
    revoked_index: int | None = None


class DeviceRecord(Record, frozen=True, kw_only=True):
    """A phone or gateway of an enterprise, and the key in it."""

    id: str
    enterprise: str
    kind: str
    kid: str | None = None
    revoked_index: int | None = None


class BatchRecord(Record, frozen=True, kw_only=True):
    """Issued codes: numbers `start` to `start + count - 1` of the series (kind, slot, issuer)."""

    batch: str
    enterprise: str
    issuer: str
    kind: str
    slot: str
    start: int
    count: int
    root: str
    seal_year: int


class KeyRecord(Record, frozen=True, kw_only=True):
    """A key, whose it is, what it may sign, and until when.

    `kid` is lowercase hex. A retired key still speaks for what was signed up to `retired_at_us` while the log
    time is below `grace_end_us`; a compromised one is silent from `revoked_index` on.
    """

    kid: str
    party: str
    role: str
    algorithm: str
    public_key: PublicKey
    namespaces: tuple[str, ...] = ()
    retired_at_us: int | None = None
    grace_end_us: int | None = None
    revoked_index: int | None = None


RecordT = TypeVar("RecordT", bound=Record)
AnyRecord = EnterpriseRecord | SiteRecord | LicenceRecord | DeviceRecord | BatchRecord | KeyRecord

TABLES: Final[dict[str, type[AnyRecord]]] = {
    "enterprise": EnterpriseRecord,
    "site": SiteRecord,
    "licence": LicenceRecord,
    "device": DeviceRecord,
    "batch": BatchRecord,
    "key": KeyRecord,
}
"""Record type by table, in the order in which they may be loaded."""


class Change(msgspec.Struct, frozen=True):
    """One record that an event made or replaced: the table, the id in it, the record."""

    table: str
    id: str
    record: AnyRecord


def encode_record(record: AnyRecord) -> bytes:
    """Return the JSON document of a record; bytes inside are base64."""
    return msgspec.json.encode(record)


def decode_record(data: bytes, type_: type[RecordT]) -> RecordT:
    """Return the record of a document that `encode_record` wrote."""
    return msgspec.json.decode(data, type=type_)
