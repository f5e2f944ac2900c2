"""Answers about who takes part: enterprises with their sites, keys, licences, devices and codes; stock of a site."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from chemtrace.entrypoints.api.schemas.fields import Hex32, Index, Micros, Next
from chemtrace.entrypoints.api.schemas.items import StockLine

Degrees = Annotated[int, Field(description="WGS-84, millionths of a degree")]


class Registered(BaseModel):
    """What all records share: the indices of their first and newest event."""

    from_index: Index
    last_index: Index


class EnterpriseRecord(Registered):
    """A legal entity; `issuer` is its number inside trace codes; a closed one signs nothing any more."""

    enterprise: str
    name_zh: str
    name_en: str
    roles: list[str]
    issuer: str | None
    district: str | None
    closed_index: Index | None


class SiteRecord(Registered):
    """A place of an enterprise."""

    id: str
    enterprise: str
    name_zh: str
    name_en: str
    lat_e6: Degrees
    lon_e6: Degrees
    district: str | None
    address: str | None
    closed_index: Index | None


class KeyRecord(Registered):
    """A key, whose it is, what it may sign, until when."""

    kid: Hex32
    party: str
    role: str
    algorithm: str
    public_key: dict[str, Any]
    namespaces: list[str]
    retired_at_us: Micros | None
    grace_end_us: Micros | None
    revoked_index: Index | None


class LicenceRecord(Registered):
    """A permission."""

    id: str
    enterprise: str
    type: str
    scope: list[str]
    valid_from_us: Micros
    valid_to_us: Micros
    revoked_index: Index | None


class DeviceRecord(Registered):
    """A phone or gateway of an enterprise, and the key in it."""

    id: str
    enterprise: str
    kind: str
    kid: Hex32 | None
    revoked_index: Index | None


class BatchRecord(Registered):
    """Issued codes: numbers `start` to `start + count - 1` of a series, and the Merkle root over them."""

    batch: str
    enterprise: str
    issuer: str
    kind: str
    slot: str
    start: int
    count: int
    root: Hex32
    seal_year: int


class View(BaseModel):
    """An id and the index of its newest event."""

    id: str
    last_index: Index


class EnterpriseLine(View):
    """One enterprise in a list."""

    record: EnterpriseRecord


class Site(View):
    """One site."""

    record: SiteRecord


class Key(View):
    """One key."""

    record: KeyRecord


class Licence(View):
    """One licence."""

    record: LicenceRecord


class Device(View):
    """One device."""

    record: DeviceRecord


class Batch(View):
    """One batch of codes."""

    record: BatchRecord


class EnterprisePage(BaseModel):
    """Some enterprises in the order of their credit codes."""

    enterprises: list[EnterpriseLine]
    next: Next


class Enterprise(BaseModel):
    """One enterprise with everything registered for it; `record` is null for a party outside the registry."""

    id: str
    record: EnterpriseRecord | None
    sites: list[Site]
    keys: list[Key]
    licences: list[Licence]
    devices: list[Device]
    batches: list[Batch]


class SiteStock(BaseModel):
    """What is in a place now, by chemical, containers' contents included."""

    site: Site
    chemicals: list[StockLine]
